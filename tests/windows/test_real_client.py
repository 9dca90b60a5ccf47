"""The real Claude Code for Windows under cco."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.conftest import Sandbox

assert sys.platform == "win32"  # tells the type checker where this runs


def test_the_whole_story(binary: Path, claude: str, frozen: Sandbox) -> None:
    """Hooks, specialists, compaction and figures, from a path that every shell would quote."""
    program = frozen.home / "Jörg & O'Neill ✓" / "cco.exe"
    program.parent.mkdir()
    shutil.copy(binary, program)
    frozen.command = (str(program),)
    printed = frozen.ok("demo", env=frozen.environment(CCO_CLAUDE=claude))
    for told in (
        ".cco-agents-sealed           owner only",
        "the rules reached the model",
        "python-engineer was started with its brief",
        "they worked at the same time and wrote slug.py and test_slug.py",
        "the summariser was told what to keep",
        "every token is counted",
        "nothing of cco is left in the temp folder",
    ):
        assert told in printed
    assert list(frozen.temp.iterdir()) == []
    assert list(frozen.project.iterdir()) == []
