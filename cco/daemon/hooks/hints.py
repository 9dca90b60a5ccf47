"""A hint beside a user's prompt: which specialists fit it, where that is clear."""

from __future__ import annotations

import re

from cco.catalogue.search import SearchIndex
from cco.claude.plugin import NAME

NOT_A_TASK = re.compile(r"\s*(<(task-notification|local-command|command-)|/[a-z][\w:-]*(\s|$))")


class Hints:
    """Names the specialists for a prompt."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index

    def hint(self, prompt: str) -> str | None:
        """One sentence that names up to three specialists, or None where none clearly fits."""
        if NOT_A_TASK.match(prompt):
            return None
        fitting = self._index.fitting(prompt)
        if not fitting:
            return None
        named = ", ".join(f"{NAME}:{match.name}" for match in fitting)
        return (
            f"Specialists whose field this request touches, the nearest first: {named}. "
            "Small things are still done directly."
        )
