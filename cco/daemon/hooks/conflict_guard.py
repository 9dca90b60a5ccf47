"""Edit conflicts: what an agent is told before it edits a file that another works on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from cco.daemon.hooks.disk import Disk
from cco.daemon.hooks.guards import Decision
from cco.daemon.state import State
from cco.ledger.edits import EDITING_TOOLS, Actor, Conflict, Edits, File
from cco.ledger.feed import Feed
from cco.ledger.payload import ID_CHARS, NAME_CHARS, opening
from cco.ledger.records import Session

_SHORT_ID_CHARS = 8
_DONE = "PostToolUse"
_FAILED = "PostToolUseFailure"

CallLater = Callable[[float, Callable[[], None]], object]


class ConflictGuard:
    """Follows reads and edits, and speaks up before an edit that may undo another's."""

    def __init__(
        self,
        edits: Edits,
        disk: Disk,
        feed: Feed,
        *,
        deny: bool,
        call_later: CallLater = lambda seconds, call: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._edits = edits
        self._disk = disk
        self._feed = feed
        self._deny = deny
        self._call_later = call_later
        self._clock = clock
        self._is_waiting = False

    def before_tool(self, session: Session, payload: Mapping[str, Any]) -> Decision | None:
        """A conversation makes its edits one by one: whatever it begins, an earlier edit is over,
        though nobody says so when the user refused it."""
        actor, tool, call_id = _actor(session, payload), _tool(payload), _call_id(payload)
        self._edits.release_of(actor, "overtaken", keep=call_id)
        file = self._file(payload) if tool in EDITING_TOOLS else None
        if file is None:
            return None
        conflict = self._edits.conflict(actor, file, tool)
        if conflict is None or not self._deny:
            self._edits.begin(actor, file, tool, call_id)
            self._expire_later()
        if conflict is None:
            return None
        session.conflicts += 1
        self._publish(conflict, actor, file, tool)
        return Decision(self._words(conflict, actor, file), stops=self._deny)

    def before_prompt(self, session: Session, payload: Mapping[str, Any]) -> Decision | None:
        """Nothing: a prompt edits nothing."""
        return None

    def heard(self, event: str, session: Session, payload: Mapping[str, Any]) -> None:
        """Take in what happened."""
        actor = _actor(session, payload)
        if event in (_DONE, _FAILED):
            self._after_tool(actor, payload, failed=event == _FAILED)
        elif event in ("Stop", "UserPromptSubmit") or (event == "SubagentStop" and actor.agent_id):
            self._edits.release_of(actor, "ended")
        elif event == "SessionEnd":
            self._edits.release_session(session.session_id)

    def _after_tool(self, actor: Actor, payload: Mapping[str, Any], *, failed: bool) -> None:
        tool = _tool(payload)
        if tool != "Read" and tool not in EDITING_TOOLS:
            return
        file = self._file(payload)
        if file is None:
            self._edits.release_of(actor, "ended")
        elif tool in EDITING_TOOLS:
            self._edits.finish(actor, file, tool, _call_id(payload), failed=failed)
        elif not failed or file.stamp is None:  # who cannot read it where nobody looked tried
            self._edits.read(actor, file)

    def _file(self, payload: Mapping[str, Any]) -> File | None:
        given = payload.get("tool_input")
        if not isinstance(given, Mapping):
            return None
        path = given.get("file_path") or given.get("notebook_path")
        return self._disk.file(path, payload.get("cwd"))

    def _expire_later(self) -> None:
        """One timer for all leases."""
        remaining_s = None if self._is_waiting else self._edits.expire()
        if remaining_s is not None:
            self._is_waiting = True
            self._call_later(remaining_s, self._expire)

    def _expire(self) -> None:
        self._is_waiting = False
        self._expire_later()

    def _publish(self, conflict: Conflict, actor: Actor, file: File, tool: str) -> None:
        other = None
        if conflict.other is not None:
            other = {**conflict.other.document(), "tool": conflict.tool}
        self._feed.publish(
            "conflict",
            **actor.event_data(),
            path=file.path,
            tool=tool,
            reason=conflict.kind,
            denied=self._deny,
            at=conflict.at,
            other=other,
        )

    def _words(self, conflict: Conflict, actor: Actor, file: File) -> str:
        """For the model. In `warn` it reads them with the tool's result, in `deny` in its place."""
        ago = _duration(self._clock() - conflict.at)
        who = "" if conflict.other is None else _who(conflict.other, actor)
        if conflict.kind == "editing":
            found = f"{who} is editing it right now ({conflict.tool}, begun {ago} ago)"
            first = "Do something else first, or wait a moment; then read it again"
        elif conflict.kind == "changed":
            since = "and you have not read it" if conflict.unread else "after you last read it"
            found = f"{who} changed it ({conflict.tool}, {ago} ago) {since}"
            first = "Read it again"
        else:
            found = (
                "it changed on disk after you last read it, by no edit tool: a command or another"
                " program wrote it"
            )
            first = "Read it again"
        if self._deny:
            return (
                f"cco: this edit was not made, because of a conflict on {file.path}: {found}. "
                f"{first}, and repeat the edit in a way that keeps what is there."
            )
        return (
            f"cco: conflict on {file.path}: {found}. This edit was not held back. {first} before"
            " any further edit of it, and check that neither change undid the other."
        )


def watch_edits(state: State, mode: str, call_later: CallLater) -> None:
    """Put a guard in its place, unless nothing is to be said or recorded."""
    if mode != "off":
        feed = state.ledger.feed
        state.edits = Edits(feed=feed)
        guard = ConflictGuard(
            state.edits, state.disk, feed, deny=mode == "deny", call_later=call_later
        )
        state.guards = (*state.guards, guard)
        state.observers = (*state.observers, guard)


def _actor(session: Session, payload: Mapping[str, Any]) -> Actor:
    agent_id = opening(payload.get("agent_id"), ID_CHARS)
    run = session.agents.get(agent_id)
    kind = opening(payload.get("agent_type"), NAME_CHARS).removeprefix("cco:")
    name = ((run.name if run else None) or kind) if agent_id else ""
    return Actor(session.session_id, agent_id, "".join(filter(str.isprintable, name)))


def _tool(payload: Mapping[str, Any]) -> str:
    return opening(payload.get("tool_name"), NAME_CHARS)


def _call_id(payload: Mapping[str, Any]) -> str:
    return opening(payload.get("tool_use_id"), ID_CHARS)


def _who(other: Actor, actor: Actor) -> str:
    agent = f"the agent {other.agent}" if other.agent else "an agent"
    if other.session_id == actor.session_id:
        return agent if other.agent_id else "the main conversation of this session"
    session = f"another session ({other.session_id[:_SHORT_ID_CHARS]})"
    return f"{agent} of {session}" if other.agent_id else session


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7_200 else f"{whole // 3_600} h"
