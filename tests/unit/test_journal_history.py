"""The history is written as it happens, stays small, and is taken up by whom it belongs to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cco.daemon import history as history_module
from cco.daemon.history import History, restored
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord
from cco.ledger.state import LedgerState
from cco.sealing import names
from cco.sealing.journal import Draft, Journal
from cco.sealing.keys import Identity
from cco.sealing.private_files import read_private, write_private

ANA = Identity("machine", "ana", b"s" * 32)
ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_module, "FLUSH_S", 0.001)
    monkeypatch.setattr(history_module, "_PAUSE_S", 0)


@pytest.fixture
def told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.LogCaptureFixture]:
    """What is logged, although the daemon's log goes nowhere else."""
    logger = logging.getLogger("cco")
    monkeypatch.setattr(logger, "propagate", False)
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def call(ledger: Ledger, number: int, session_id: str = "s") -> None:
    attributes = {"session.id": session_id, "event.sequence": number, "cost_usd": "0.1"}
    ledger.record_log(LogRecord("api_request", attributes))


def prompt(ledger: Ledger, text: str, session_id: str = "s") -> None:
    ledger.record_hook("UserPromptSubmit", {"session_id": session_id, "prompt": text})


def taken_up(path: Path, previous: str | None, *, kept: bool = False) -> Ledger:
    return restored(path, ANA, previous=previous, kept=kept).ledger


def begun(path: Path, previous: str | None = None) -> History:
    history = History(path, ANA, LedgerState(Ledger()))
    history.begin(ONE, previous)
    return history


async def kept_while(history: History, work: Any) -> None:
    writing = asyncio.create_task(history.keep())
    await work
    history.end()
    await writing


def test_what_happens_while_it_writes_is_there_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "_SLICE_CHARS", 200)
    monkeypatch.setattr(history_module, "REWRITE_BYTES", 3_000)
    monkeypatch.setattr("cco.ledger.ledger.MAX_SESSIONS", 7)
    path = tmp_path / names.HISTORY
    history = begun(path)
    ledger = history.state.ledger
    largest = 0

    async def work() -> None:
        nonlocal largest
        for number in range(2_000):
            prompt(ledger, f"request {number}", f"s{number // 50 % 12}")
            call(ledger, number, f"s{number // 50 % 12}")
            if number % 7 == 0:
                await asyncio.sleep(0)
            largest = max(largest, path.stat().st_size)

    asyncio.run(kept_while(history, work()))
    again = taken_up(path, ONE)
    assert {one.session_id: one for one in again.sessions()} == {
        one.session_id: one for one in ledger.sessions()
    }
    assert again.folded == ledger.folded
    assert set(again.seen) == set(ledger.seen)
    assert largest < 2_000 * 200


def test_a_new_file_has_what_happened_while_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / names.HISTORY
    history = begun(path)
    ledger = history.state.ledger
    call(ledger, 1)
    for step in history._rewrite():
        call(ledger, 2)
        if step is not None:
            step()
            call(ledger, 3)
    assert taken_up(path, ONE).session("s").total().calls == 3


def test_a_file_that_is_gone_or_another_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / names.HISTORY
    history = begun(path)
    call(history.state.ledger, 1)
    path.unlink()

    async def work() -> None:
        while not path.exists():
            await asyncio.sleep(0.001)
        call(history.state.ledger, 2)
        await asyncio.sleep(0.01)
        path.write_bytes(b"something else")
        call(history.state.ledger, 3)

    asyncio.run(kept_while(history, work()))
    assert taken_up(path, ONE).session("s").total().calls == 3


def test_a_failure_is_told_once_and_made_good(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / names.HISTORY
    history = begun(path)
    tries = 0
    rewrite = history._rewrite

    def counted() -> Any:
        nonlocal tries
        tries += 1
        return rewrite()

    history._rewrite = counted  # type: ignore[method-assign]

    async def work() -> None:
        call(history.state.ledger, 1)
        path.unlink()
        folder.rmdir()
        while tries < 3:
            await asyncio.sleep(0.001)
        folder.mkdir()
        while not path.exists():
            await asyncio.sleep(0.001)

    asyncio.run(kept_while(history, work()))
    (record,) = told.records
    assert record.message.startswith("the history is not written: ")
    assert taken_up(path, ONE).session("s").total().calls == 1


@pytest.mark.parametrize(
    ("previous", "kept", "calls"),
    [(ONE, False, 1), (TWO, False, 1), (THREE, False, 0), (THREE, True, 0), (None, True, 1),
     (None, False, 0)],
)  # fmt: skip
def test_it_is_taken_up_by_the_next_run_only(
    tmp_path: Path, previous: str | None, kept: bool, calls: int
) -> None:
    """The run before the writer's counts, too: the writer may have ended before its settings."""
    path = tmp_path / names.HISTORY
    history = History(path, ANA, LedgerState(Ledger()))
    call(history.state.ledger, 1)
    history.begin(ONE, TWO)
    ledger = taken_up(path, previous, kept=kept)
    assert sum(one.total().calls for one in ledger.sessions()) == calls


def journal(path: Path, *payloads: bytes) -> None:
    draft = Draft(path, ANA)
    for payload in payloads:
        draft.add(payload)
    draft.publish()


HEADER = b'{"format":1,"instance":"' + ONE.encode() + b'"}'


@pytest.mark.parametrize(
    "payloads",
    [[b""], [b"[]"], [b"{}"], [HEADER.replace(b"1,", b"2,", 1)], [HEADER, b""], [HEADER, b"{"],
     [HEADER, b"[]"], [HEADER, b'{"kind":"new"}'], [HEADER, b"\xff"], [HEADER, b"[" * 100_000],
     [HEADER, b'{"kind":"seen","seen":""}\n']],
)  # fmt: skip
def test_what_opens_but_makes_no_sense_is_refused(
    tmp_path: Path, payloads: list[bytes], told: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / names.HISTORY
    journal(path, *payloads)
    assert taken_up(path, ONE).sessions() == []
    (record,) = told.records
    assert record.message.startswith("the history is refused: ")


def test_of_a_refused_file_nothing_is_used(tmp_path: Path) -> None:
    path = tmp_path / names.HISTORY
    history = begun(path)
    call(history.state.ledger, 1)
    asyncio.run(kept_while(history, asyncio.sleep(0)))
    data = read_private(path)
    write_private(path, data[:-1] + bytes([data[-1] ^ 1]))
    ledger = taken_up(path, ONE)
    assert ledger.sessions() == []
    assert list(ledger.seen) == []


def test_without_a_file_nothing_happened(tmp_path: Path, told: pytest.LogCaptureFixture) -> None:
    assert taken_up(tmp_path / names.HISTORY, ONE).sessions() == []
    assert told.records == []


def known(path: Path) -> set[str]:
    """The sessions that a file tells of."""
    return {session.session_id for session in taken_up(path, ONE).sessions()}


async def written(path: Path, session_id: str) -> None:
    """Wait until a session is in the file."""
    async with asyncio.timeout(60):
        while session_id not in known(path):
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("what", ["removed", "replaced by an older copy", "emptied"])
def test_what_others_took_of_the_file_is_written_anew(tmp_path: Path, what: str) -> None:
    """Though nothing happens meanwhile that had to be written."""
    path = tmp_path / names.HISTORY
    history = begun(path)
    older = path.read_bytes()

    async def work() -> None:
        prompt(history.state.ledger, "Go on.")
        await written(path, "s")
        if what == "removed":
            path.unlink()
        else:
            path.write_bytes(older if what != "emptied" else b"")
        await written(path, "s")

    asyncio.run(kept_while(history, work()))


def test_a_change_between_two_looks_costs_no_second_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes the file away just before it is written to costs none of what happens."""
    path = tmp_path / names.HISTORY
    history = begun(path)
    monkeypatch.setattr(Journal, "is_as_left", lambda _: True)
    path.unlink()
    prompt(history.state.ledger, "Go on.")
    asyncio.run(history._write())
    assert known(path) == {"s"}


def test_zeros_after_a_lost_power_cost_what_they_took(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / names.HISTORY
    history = begun(path)
    for session_id in ("first", "second"):
        prompt(history.state.ledger, "Go on.", session_id)
        asyncio.run(history._write())
    path.write_bytes(path.read_bytes()[:-40] + bytes(4_096))
    assert known(path) == {"first"}
    assert "bytes that were not written whole" in told.text


def test_no_history_is_written_over_another_daemons(tmp_path: Path) -> None:
    path = tmp_path / names.HISTORY
    history = History(path, ANA, LedgerState(Ledger()), lambda: True)
    history.begin(ONE, None)
    write_private(path, b"another's")
    prompt(history.state.ledger, "Go on.")
    asyncio.run(history._write())
    assert path.read_bytes() == b"another's"
