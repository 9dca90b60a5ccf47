"""The guard that keeps to the budgets: first no new delegation, then no new prompt."""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from cco.daemon.hooks.guards import Decision
from cco.daemon.hooks.hints import NOT_A_TASK
from cco.daemon.log import LOG
from cco.ledger.budget import MAX_KEPT, Budgets, Standing
from cco.ledger.feed import Feed
from cco.ledger.records import NANOS_PER_USD, Session

_DELEGATES = frozenset(("Agent", "Task", "Workflow"))
_NEXT_COMMAND = re.compile(r"[\n;&|(]")
_RAISES = re.compile(r"\s*(?:\S*/)?cco\s+budget\s+set\b")
_NOT_THE_MODELS = (
    "The budget is the user's to change, not yours. Tell them what is left to do, and let them run "
    "the command themselves."
)


class BudgetGuard:
    """Warns once a budget is nearly used, and stops what would cost more once it is used up.

    What is under way is not cut off: its tools run, its reports come in, slash commands work.
    """

    def __init__(self, budgets: Budgets, feed: Feed) -> None:
        self._budgets = budgets
        self._feed = feed
        self._warned: OrderedDict[tuple[object, ...], None] = OrderedDict()

    def before_tool(self, session: Session, payload: Mapping[str, Any]) -> Decision | None:
        """Stop a delegation, or a model that raises its own budget."""
        tool_input = payload.get("tool_input")
        command = tool_input.get("command") if isinstance(tool_input, Mapping) else None
        if isinstance(command, str) and _raises_a_budget(command):
            return Decision(_NOT_THE_MODELS, stops=True)
        tool = payload.get("tool_name")
        if not isinstance(tool, str) or tool not in _DELEGATES:
            return None
        bound = self._budgets.limited(session)
        reached = [one for one in bound if one.state == "reached"]
        if not reached:
            return self._warn("delegation", session, bound)
        self._tell("budget.stopped", session, reached, "delegation")
        return Decision(
            f"{_used_up(reached)} No new agent is started; those at work go on. Do what is left "
            "yourself in few steps or end here, and tell the user. Only the user raises the "
            f"budget, in a terminal: {_commands(session, reached)}",
            stops=True,
        )

    def before_prompt(self, session: Session, payload: Mapping[str, Any]) -> Decision | None:
        """Stop a prompt of the user's own."""
        prompt = payload.get("prompt")
        if isinstance(prompt, str) and NOT_A_TASK.match(prompt):
            return None
        bound = self._budgets.limited(session)
        reached = [one for one in bound if one.state == "reached"]
        if not reached:
            return self._warn("prompt", session, bound)
        self._tell("budget.stopped", session, reached, "prompt")
        return Decision(
            f"cco: {_used_up(reached)} To go on, raise the budget in another terminal and send the "
            f"prompt again:\n  {_commands(session, reached)}",
            stops=True,
        )

    def _warn(self, what: str, session: Session, bound: list[Standing]) -> Decision | None:
        near = [one for one in bound if one.state == "near" and self._is_new(what, session, one)]
        if not near:
            return None
        self._tell("budget.warned", session, near, what)
        told = " ".join(
            f"{one.used_percent}% of {_whose(one)} budget is used: {usd(one.spent_nanousd)} of "
            f"{usd(one.limit_nanousd or 0)}."
            for one in near
        )
        return Decision(
            f"{told} Once it is used up, new agents are refused and then new prompts. Prefer "
            "direct work and few agents, and tell the user if the task will not fit."
        )

    def _is_new(self, what: str, session: Session, one: Standing) -> bool:
        date = self._budgets.date if one.scope == "day" else None
        key = (what, session.session_id, one.scope, one.limit_nanousd, date)
        if key in self._warned:
            return False
        self._warned[key] = None
        if len(self._warned) > MAX_KEPT:
            self._warned.popitem(last=False)
        return True

    def _tell(self, kind: str, session: Session, standings: list[Standing], what: str) -> None:
        LOG.info("%s in session %s (%s)", kind, session.session_id, what)
        for one in standings:
            told = {"what": what, "scope": one.scope} | one.document()
            self._feed.publish(kind, session.session_id, **told)


def _raises_a_budget(command: str) -> bool:
    """Whether a shell would run `cco budget set`.

    Each command of the line is looked at by itself: in one expression for all of them the time
    grows with the square of the length, and who writes a file by a command writes long ones.
    """
    return "cco" in command and any(map(_RAISES.match, _NEXT_COMMAND.split(command)))


def usd(amount_nanousd: int) -> str:
    """Dollars as people read them; less than a cent is not nothing."""
    amount = amount_nanousd / NANOS_PER_USD
    return f"${amount:.2f}" if amount >= 0.01 or not amount else f"${amount:.4f}"


def _used_up(reached: list[Standing]) -> str:
    return " ".join(
        f"{_whose(one).capitalize()} budget of {usd(one.limit_nanousd or 0)} is used up "
        f"({usd(one.spent_nanousd)})."
        for one in reached
    )


def _whose(one: Standing) -> str:
    return "today's" if one.scope == "day" else "this session's"


def _commands(session: Session, reached: list[Standing]) -> str:
    return "\n  ".join(
        f"cco budget set {_more(one)} "
        + ("--day" if one.scope == "day" else f"--session {session.session_id}")
        for one in reached
    )


def _more(one: Standing) -> int:
    """An amount that leaves room, in whole dollars."""
    wanted = max(2 * (one.limit_nanousd or 0), one.spent_nanousd * 5 // 4)
    return math.ceil(wanted / NANOS_PER_USD)
