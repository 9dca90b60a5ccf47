"""A single word that somebody meant as a command of cco, though it is none."""

from __future__ import annotations

from cco.cli import COMMANDS

# `claude logs` and `claude stop` exist as well, but not without a session's id after them
ELSEWHERE = {
    "agent": "cco agents list",
    "log": "cco daemon logs",
    "logs": "cco daemon logs",
    "restart": "cco daemon restart",
    "search": "cco agents search",
    "session": "cco sessions",
    "start": "cco daemon start",
    "status": "cco daemon status",
    "stop": "cco daemon stop",
    "uninstall": "cco install --uninstall",
}
"""What is proposed for words that are no commands of cco, but stand for one."""
_LIKENESS = 0.8


def command_meant(word: str) -> str | None:
    """The command line that was probably meant, or None for what may well be a prompt."""
    if word in ELSEWHERE:
        return ELSEWHERE[word]
    if not word.isascii() or not word.isalpha():
        return None
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(COMMANDS), n=1, cutoff=_LIKENESS)
    return f"cco {close[0]}" if close else None
