"""The demo's script: a small job, two specialists side by side, a compaction, and going on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from cco.demo.model_api import Block, ModelRequest, text, tool_use

PROMPT = "Add a slugify function to this project, and tests for it."
AFTER_COMPACTION = "Where do we stand?"
_MEETING_TIMEOUT_S = 30.0

SLUG = '''"""Slugs for URLs."""

import re


def slugify(title: str) -> str:
    """Turn a title into lower-case words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
'''
TESTS = """import unittest

from slug import slugify


class SlugifyTest(unittest.TestCase):
    def test_words_are_joined(self):
        self.assertEqual(slugify("Hello, World!"), "hello-world")


if __name__ == "__main__":
    unittest.main()
"""


class Scenario:
    """Plays the model. Each specialist's first reply waits for the other's first request, so that
    the run can only succeed if both really work at the same time."""

    specialists = ("python-engineer", "test-engineer")
    files = ("slug.py", "test_slug.py")

    def __init__(self, project: Path) -> None:
        self.project = project
        self.met = False
        self._meeting = threading.Barrier(len(self.specialists), action=self._note_meeting)

    def __call__(self, request: ModelRequest) -> Sequence[Block]:
        if request.is_compaction:
            return [text(f"<summary>The user asked: {PROMPT} Both parts are written.</summary>")]
        specialist = specialist_of(request)
        if specialist is not None:
            return self._specialist(specialist, request)
        if AFTER_COMPACTION in request.last_user_text:
            return [text("slug.py and test_slug.py are written; nothing is open.")]
        if request.tool_results():
            return [text("Both specialists are at work; their reports arrive on their own.")]
        return [
            self._delegate("python-engineer", "Write slugify", f"Write {self._path(0)}."),
            self._delegate("test-engineer", "Test slugify", f"Write {self._path(1)}."),
        ]

    def _specialist(self, name: str, request: ModelRequest) -> Sequence[Block]:
        if request.tool_results():
            return [text(f"{name}: the file is written.")]
        self._meeting.wait(_MEETING_TIMEOUT_S)
        index = self.specialists.index(name)
        content = (SLUG, TESTS)[index]
        return [tool_use("Write", {"file_path": str(self._path(index)), "content": content})]

    def _delegate(self, name: str, description: str, prompt: str) -> Block:
        return tool_use(
            "Agent", {"subagent_type": f"cco:{name}", "description": description, "prompt": prompt}
        )

    def _path(self, index: int) -> Path:
        return self.project / self.files[index]

    def _note_meeting(self) -> None:
        self.met = True


def specialist_of(request: ModelRequest) -> str | None:
    """The specialist that a request comes from; None for the session itself."""
    marker = "This session is the cco specialist "
    _, found, rest = request.system_text.partition(marker)
    return rest.partition(".")[0] if found else None
