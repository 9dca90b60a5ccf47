"""Claude Code's command line: what a user's arguments mean for ours.

Claude Code takes the last `--settings` and the last `--append-system-prompt` it is given, and older
ones take no `--append-system-prompt-file` beside the latter, so a user's own are taken out and
merged with ours. `--budget` is ours alone, and Claude Code never
sees it. Everything else stays as it was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_SETTINGS = "--settings"
_APPEND = "--append-system-prompt"
_APPEND_FILE = "--append-system-prompt-file"
_BUDGET = "--budget"

_MERGED = (_SETTINGS, _APPEND, _APPEND_FILE)
_TAKES_A_VALUE = frozenset(
    """
    --agent --agents --append-system-prompt --append-system-prompt-file --autocompact
    --debug-file --effort --environment --fallback-model --input-format --json-schema
    --max-budget-usd --max-turns --model --name -n --output-format --permission-mode
    --permission-prompt-tool --permission-prompts --plugin-dir --plugin-url
    --remote-control-session-name-prefix --session-id --setting-sources --settings
    --system-prompt --system-prompt-file --system-prompt-snapshot
    """.split()
)
"""Options that swallow the next argument whatever it looks like (claude 2.1.330 --help)."""

MANAGEMENT = frozenset(
    """
    agents attach auth auto-mode doctor gateway import install kill logs mcp plugin plugins
    purge respawn rm setup-token stop ultrareview update upgrade
    """.split()
)
"""Commands of Claude Code: what follows them starts no session of ours."""
_INFORMATION = frozenset(("--version", "-v", "--help", "-h"))


class UserArguments(NamedTuple):
    """A user's arguments, with what must be merged taken out."""

    rest: tuple[str, ...]
    settings: str | None = None
    append_system_prompt: str | None = None
    append_system_prompt_file: str | None = None
    budget: str | None = None
    """As it was typed; empty where the amount is missing."""


def runs_a_session(arguments: Sequence[str]) -> bool:
    """Whether these arguments start a session, rather than manage the client or print about it."""
    return not arguments or arguments[0] not in MANAGEMENT | _INFORMATION


def parse(arguments: Sequence[str], *, own_options: bool = True) -> UserArguments:
    """Take the last of each option that is merged out of a user's arguments, and our own
    `--budget` unless everything was meant for Claude Code."""
    takes = (*_MERGED, _BUDGET) if own_options else _MERGED
    rest: list[str] = []
    taken: dict[str, str] = {}
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        name, equals, value = argument.partition("=")
        if argument == "--":
            rest += arguments[index:]
            break
        if name in takes and equals:
            taken[name] = value
        elif argument == _BUDGET and own_options:
            index += 1
            taken[_BUDGET] = arguments[index] if index < len(arguments) else ""
        elif argument in _TAKES_A_VALUE and index + 1 < len(arguments):
            index += 1
            if argument in _MERGED:
                taken[argument] = arguments[index]
            else:
                rest += [argument, arguments[index]]
        else:
            rest.append(argument)
        index += 1
    return UserArguments(tuple(rest), *map(taken.get, (*_MERGED, _BUDGET)))


def orchestrated(
    user: UserArguments, *, settings: str, plugin: str, nudge: str, appended: str | None = None
) -> list[str]:
    """The arguments of an orchestrated session: ours first, then the user's as they were.

    `appended` is what the user's file to append holds; without it that is left to Claude Code.
    """
    rest = user.rest
    if user.append_system_prompt_file is not None and appended is None:
        rest = (_APPEND_FILE, user.append_system_prompt_file, *rest)
    texts = (nudge, user.append_system_prompt, appended)
    prompt = "\n\n".join(text for text in texts if text is not None)
    return [_SETTINGS, settings, "--plugin-dir", plugin, _APPEND, prompt, *rest]
