"""The ledger as lines of JSON that make it again: all of it, or what has changed.

A line is an object whose `kind` says what it is: `session` (with the fields and runs that it
replaces), `fold`, `totals`, `seen`, `note`, `no_note`, `last_note`, `document`. docs/sealing.md
lists them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from cco.errors import SealedPayloadInvalid
from cco.ledger.changes import SessionChange, SessionFold
from cco.ledger.ledger import Ledger
from cco.ledger.plain import count, from_plain, items, mapping, to_plain, update
from cco.ledger.records import AgentRun, Session
from cco.ledger.seen import DIGEST_BYTES
from cco.ledger.totals import Totals

WORDS_LIMIT_CHARS = 1 << 20
"""Sessions beyond this many characters lose the words of their Memory, the oldest first."""
SESSIONS_LIMIT_CHARS = 7 << 20
"""Sessions beyond this fold away."""
NOTES_LIMIT_CHARS = 2 << 20
_DIGESTS_PER_LINE = 4_096


class Kept(Protocol):
    """Something small beside the ledger that is written down whole when it has changed."""

    def to_document(self) -> Mapping[str, Any]:
        """Plain data for JSON."""

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take over what `to_document` made; what makes no sense is left out."""


class LedgerState:
    """Writes one ledger down, and makes it again."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._written_words: dict[str, dict[str, int]] = {}
        """Hashes of the parts of each session's Memory as they were last written."""
        self._written_notes: set[int] = set()
        self._written_last_note = 0
        self._kept: dict[str, Kept] = {}
        self._documents: dict[str, Any] = {}
        self._written_documents: dict[str, int] = {}
        self._notes: dict[int, Any] = {}
        self._last_note = 0

    def keep(self, name: str, kept: Kept) -> None:
        """From now on write something down beside the ledger; it is given what was restored."""
        self._kept[name] = kept
        if name in self._documents:
            kept.restore(self._documents.pop(name))

    # --- writing ---

    def everything(self) -> Iterator[str]:
        """All of the ledger. Changes from the first line on are left for `changes`."""
        ledger = self.ledger
        ledger.changes.clear()
        self._written_words.clear()
        self._written_notes.clear()
        self._written_last_note = 0
        self._written_documents.clear()
        totals = _line(
            "totals", totals=to_plain(ledger.folded), foreign=to_plain(ledger.folded_foreign)
        )
        digests = list(ledger.seen)
        newest_first = sorted(
            ledger.sessions(), key=lambda one: (one.ended_at is not None, -one.last_seen_at)
        )
        yield totals
        for start in range(0, len(digests), _DIGESTS_PER_LINE):
            yield _line("seen", seen=_text_of(b"".join(digests[start : start + _DIGESTS_PER_LINE])))
        written_chars = 0
        for session in newest_first:
            if ledger.get(session.session_id) is not session:  # folded meanwhile
                continue
            if written_chars > SESSIONS_LIMIT_CHARS:
                ledger.fold(session)
                continue
            if written_chars > WORDS_LIMIT_CHARS:
                session.forget_words()
            line = self._session_line(session, session.agents, [], b"")
            written_chars += len(line)
            yield line
        yield from self._bounded_notes()
        yield from self._document_lines()

    def changes(self) -> Iterator[str]:
        """What has changed since it was last written."""
        if self.ledger.changes:
            self.ledger.forget_words()
        for change in self.ledger.changes.take():
            line = self._change_line(change)
            if line is not None:
                yield line
        yield from self._note_lines()
        yield from self._document_lines()

    def _change_line(self, change: SessionFold | SessionChange) -> str | None:
        if isinstance(change, SessionFold):
            self._written_words.pop(change.session_id, None)
            return _line(
                "fold",
                session_id=change.session_id,
                orchestrated=change.orchestrated,
                totals=to_plain(change.totals),
                seen=_text_of(change.seen),
            )
        session = self.ledger.get(change.session_id)
        if session is None:
            return None
        runs = [run for run in session.agents if run in change.runs]  # in their order
        return self._session_line(session, runs, change.gone, change.seen)

    def _session_line(
        self, session: Session, runs: Any, gone: list[str], seen: bytes | bytearray
    ) -> str:
        """One line, so that no part of it is ever there without the others."""
        return _line(
            "session",
            session=to_plain(session),
            memory=self._changed_words(session),
            gone=gone,
            runs=[to_plain(session.agents[run]) for run in runs],
            seen=_text_of(seen),
        )

    def _changed_words(self, session: Session) -> dict[str, Any]:
        memory = to_plain(session.memory)
        known = self._written_words.get(session.session_id, {})
        now = {name: hash(json.dumps(part)) for name, part in memory.items()}
        changed = {name: memory[name] for name in now if now[name] != known.get(name)}
        for name in known.keys() - now.keys():
            changed[name] = "" if isinstance(getattr(session.memory, name), str) else []
        if now:
            self._written_words[session.session_id] = now
        else:
            self._written_words.pop(session.session_id, None)
        return changed

    def _bounded_notes(self) -> Iterator[str]:
        chars = 0
        for note in self.ledger.notes.latest():
            chars += len(json.dumps(note.document()))
            if chars > NOTES_LIMIT_CHARS:
                self.ledger.notes.remove(note.note_id)
        yield from self._note_lines()

    def _note_lines(self) -> Iterator[str]:
        notes = {note.number: note for note in reversed(self.ledger.notes.latest())}
        for number in sorted(self._written_notes - notes.keys()):
            self._written_notes.discard(number)
            yield _line("no_note", number=number)
        for number in sorted(notes.keys() - self._written_notes):
            self._written_notes.add(number)
            yield _line("note", note=to_plain(notes[number]))
        last_number = self.ledger.notes.last_number
        if last_number != self._written_last_note:
            self._written_last_note = last_number
            yield _line("last_note", number=last_number)

    def _document_lines(self) -> Iterator[str]:
        for name, kept in self._kept.items():
            line = _line("document", name=name, document=kept.to_document())
            if self._written_documents.get(name) != hash(line):
                self._written_documents[name] = hash(line)
                yield line

    # --- restoring ---

    def restore(self, line: object) -> None:
        """Take over one line, parsed, into a ledger that was empty before the first.

        Raises: SealedPayloadInvalid.
        """
        told = mapping(line)
        kind = told.get("kind")
        restorer = _RESTORERS.get(kind) if isinstance(kind, str) else None
        if restorer is None:
            raise SealedPayloadInvalid("a record is of no kind that this version knows")
        try:
            restorer(self, told)
        except (LookupError, TypeError, ValueError) as error:
            raise SealedPayloadInvalid(f"a {kind} makes no sense: {type(error).__name__}") from None

    def finish(self) -> None:
        """All lines are there."""
        self.ledger.put_notes(list(self._notes.values()), self._last_note)
        self._notes.clear()
        self.ledger.changes.clear()

    def _restore_totals(self, told: Mapping[str, Any]) -> None:
        self.ledger.folded = from_plain(Totals, told["totals"])
        self.ledger.folded_foreign = from_plain(Totals, told["foreign"])

    def _restore_seen(self, told: Mapping[str, Any]) -> None:
        digests = _bytes_of(told["seen"])
        if len(digests) % DIGEST_BYTES:
            raise SealedPayloadInvalid("a record holds a part of a digest")
        for start in range(0, len(digests), DIGEST_BYTES):
            self.ledger.seen.note(digests[start : start + DIGEST_BYTES])

    def _restore_fold(self, told: Mapping[str, Any]) -> None:
        self.ledger.drop(str(told["session_id"]))
        sums = self.ledger.sums(bool(told["orchestrated"]))
        sums.add(from_plain(Totals, told["totals"]))
        self._restore_seen(told)

    def _restore_session(self, told: Mapping[str, Any]) -> None:
        session = from_plain(Session, told["session"])
        known = self.ledger.get(session.session_id)
        if known is not None:
            session.agents, session.memory = dict(known.agents), known.memory
        for agent_id in items(told["gone"]):
            session.agents.pop(agent_id, None)
        for plain in items(told["runs"]):
            run = from_plain(AgentRun, plain)
            session.agents[run.agent_id] = run
        update(session.memory, told["memory"])
        self.ledger.put(session)
        self._restore_seen(told)

    def _restore_note(self, told: Mapping[str, Any]) -> None:
        note = mapping(told["note"])
        self._notes[note["number"]] = note

    def _restore_no_note(self, told: Mapping[str, Any]) -> None:
        self._notes.pop(told["number"], None)

    def _restore_last_note(self, told: Mapping[str, Any]) -> None:
        self._last_note = count(told["number"])

    def _restore_document(self, told: Mapping[str, Any]) -> None:
        self._documents[str(told["name"])] = mapping(told["document"])


_RESTORERS = {
    "totals": LedgerState._restore_totals,
    "seen": LedgerState._restore_seen,
    "fold": LedgerState._restore_fold,
    "session": LedgerState._restore_session,
    "note": LedgerState._restore_note,
    "no_note": LedgerState._restore_no_note,
    "last_note": LedgerState._restore_last_note,
    "document": LedgerState._restore_document,
}


def _line(kind: str, **fields: Any) -> str:
    return json.dumps({"kind": kind, **fields}, separators=(",", ":"))


def _text_of(digests: bytes | bytearray) -> str:
    return base64.b64encode(digests).decode()


def _bytes_of(plain: object) -> bytes:
    try:
        return base64.b64decode(plain, validate=True) if isinstance(plain, str) else b""
    except binascii.Error:
        raise SealedPayloadInvalid("a record holds no base64 where it must") from None
