"""What somebody meant as a command of cco, though it is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
SUBCOMMANDS = {
    "agents": ("lint", "list", "search", "show"),
    "budget": ("set",),
    "daemon": ("logs", "restart", "run", "start", "status", "stop"),
    "rules": ("show",),
}
_LIKENESS = 0.8


def command_meant(words: Sequence[str]) -> str | None:
    """The command line that was probably meant, or None for what may well be a prompt.

    Of several words the first two must nearly be a command and one of its own.
    """
    first, *rest = words
    if not rest:
        return ELSEWHERE.get(first) or _spelled(_nearest(first, COMMANDS))
    group = _nearest(first, SUBCOMMANDS)
    return _spelled(group, _nearest(rest[0], SUBCOMMANDS[group])) if group else None


def _spelled(*names: str | None) -> str | None:
    return None if None in names else " ".join(["cco", *filter(None, names)])


def _nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that a word is, or nearly is."""
    if not word.isascii() or not word.isalpha():
        return None
    swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    for name in sorted(names):
        if name == word or name in swapped:
            return name
    from difflib import get_close_matches

    close = get_close_matches(word, sorted(names), n=1, cutoff=_LIKENESS)
    return close[0] if close else None
