"""The event stream of a running daemon: ids, replay, resets, filters, ends."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import TIMEOUT_S, Sandbox, wait_until
from tests.integration.test_http_api import assert_problem

STREAM = "/api/v1/events"


@dataclass
class Message:
    """One server-sent event as a browser would read it."""

    event: str
    id: str
    data: Any


class Stream:
    """A reader of the event stream."""

    def __init__(self, daemon: Sandbox, target: str, last_id: str | None) -> None:
        settings = daemon.sealed().settings
        headers = {"Authorization": f"Bearer {settings.token}", "Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.connection = http.client.HTTPConnection("127.0.0.1", settings.port, timeout=TIMEOUT_S)
        self.connection.request("GET", target, headers=headers)
        self.answer = self.connection.getresponse()
        self.last_id = ""

    def messages(self) -> Iterator[Message]:
        """What comes, until the stream ends."""
        event, data = "message", ""
        while line := self.answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "id":
                self.last_id = value
            elif name == "event":
                event = value
            elif name == "data":
                data += value
            elif not name:
                if data:
                    yield Message(event, self.last_id, json.loads(data))
                elif self.last_id and event == "message":
                    yield Message("opened", self.last_id, None)
                event, data = "message", ""

    def take(self, count: int) -> list[Message]:
        messages = self.messages()
        return [next(messages) for _ in range(count)]


@contextmanager
def stream(daemon: Sandbox, query: str = "", last_id: str | None = None) -> Iterator[Stream]:
    reader = Stream(daemon, STREAM + query, last_id)
    try:
        yield reader
    finally:
        reader.connection.close()


def opened(reader: Stream) -> str:
    """The id that a new stream begins with."""
    (first,) = reader.take(1)
    assert first.event == "opened"
    return first.id


def instance(daemon: Sandbox) -> str:
    return daemon.sealed().settings.instance


@pytest.mark.usefixtures("undisturbed")
def test_what_happens_is_told_as_it_happens(daemon: Sandbox) -> None:
    with stream(daemon) as reader:
        assert reader.answer.status == 200
        assert reader.answer.getheader("Content-Type") == "text/event-stream"
        assert reader.answer.getheader("Cache-Control") == "no-store"
        begun = opened(reader)
        daemon.hook("SessionStart", "live", source="startup", cwd="/größe")
        daemon.hook("UserPromptSubmit", "live", prompt="a secret")
        started, prompt = reader.take(2)
        assert (started.event, prompt.event) == ("session.started", "prompt")
        assert started.data["project"] == "/größe"
        for message in (started, prompt):
            assert message.data["kind"] == message.event
            assert message.data["session_id"] == "live"
            assert message.id == f"{instance(daemon)}-{message.data['id']}"
        number = int(begun.rpartition("-")[2])
        assert (started.data["id"], prompt.data["id"]) == (number + 1, number + 2)
        assert "a secret" not in json.dumps([started.data, prompt.data])


@pytest.mark.usefixtures("undisturbed")
def test_what_was_missed_is_told_first(daemon: Sandbox) -> None:
    with stream(daemon) as reader:
        seen = opened(reader)
    for _ in range(500):  # more than is sent at once
        daemon.hook("UserPromptSubmit", "missed")
    with stream(daemon, last_id=seen) as reader:
        assert opened(reader) == seen
        missed = reader.take(500)
        daemon.hook("Stop", "missed")
        daemon.hook("UserPromptSubmit", "missed")
        missed += reader.take(1)
    numbers = [message.data["id"] for message in missed]
    assert numbers == list(range(numbers[0], numbers[0] + 501))
    assert numbers[0] == int(seen.rpartition("-")[2]) + 1
    with stream(daemon, last_id=missed[-2].id) as reader:
        assert [one.id for one in reader.take(2)] == [missed[-2].id, missed[-1].id]


@pytest.mark.usefixtures("undisturbed")
def test_a_stream_may_be_of_one_session(daemon: Sandbox) -> None:
    daemon.hook("UserPromptSubmit", "mine")
    with stream(daemon) as reader:
        seen = opened(reader)
    with stream(daemon, "?session=mine", seen) as reader:
        opened(reader)
        for session_id in ("mine", "other", "mine"):
            daemon.hook("UserPromptSubmit", session_id)
        assert [one.data["session_id"] for one in reader.take(2)] == ["mine", "mine"]


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    "last_id",
    ["nonsense", "{other}-1", "{instance}", "{instance}-", "{instance}-99999999", "-5", " ",
     "{instance}-1x", "{instance}-99999999999999999999999", "\xff"],
)  # fmt: skip
def test_an_id_that_says_nothing_resets(daemon: Sandbox, last_id: str) -> None:
    told = last_id.format(other="0" * 32, instance=instance(daemon))
    with stream(daemon, last_id=told) as reader:
        (reset,) = reader.take(1)
        assert reset.event == "reset"
        daemon.hook("UserPromptSubmit", "after-reset")
        (prompt,) = reader.take(1)
        assert prompt.data["id"] == reset.data["id"] + 1
        assert reset.id == f"{instance(daemon)}-{reset.data['id']}"


def test_a_restart_of_the_daemon_resets(source_sandbox: Sandbox) -> None:
    daemon = source_sandbox
    daemon.ok("daemon", "start")
    with stream(daemon) as reader:
        seen = opened(reader)
        daemon.ok("daemon", "restart")
        assert list(reader.messages()) == []  # it ended, and in good order
    with stream(daemon, last_id=seen) as reader:
        (reset,) = reader.take(1)
        assert reset.event == "reset"
        assert not reset.id.startswith(seen.partition("-")[0])


def test_the_daemon_stops_whoever_reads(source_sandbox: Sandbox) -> None:
    daemon = source_sandbox
    daemon.ok("daemon", "start")
    readers = [Stream(daemon, STREAM, None) for _ in range(20)]
    daemon.ok("daemon", "stop")
    for reader in readers:
        assert [one.event for one in reader.messages()] == ["opened"]
        reader.connection.close()
    assert daemon.leftovers() == []


@pytest.mark.usefixtures("undisturbed")
def test_there_are_places_for_a_hundred_readers(daemon: Sandbox) -> None:
    readers: list[Stream] = []
    try:
        while len(readers) <= 100:
            readers.append(Stream(daemon, STREAM, None))
            if readers[-1].answer.status != 200:
                break
        assert len(readers) == 101
        answer = daemon.request("GET", STREAM)
        assert_problem(answer, 503)
        assert answer.headers["retry-after"]
        daemon.hook("UserPromptSubmit", "crowd")
        for reader in readers[:100]:
            assert [one.event for one in reader.take(2)] == ["opened", "prompt"]
    finally:
        for reader in readers:
            reader.connection.close()

    def has_room() -> bool:
        with stream(daemon) as reader:
            return reader.answer.status == 200

    wait_until(has_room, "a place")


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    ("query", "name"),
    [("?session=", "session"), ("?session=a&session=b", "session"), ("?sesion=a", "sesion"),
     (f"?session={'x' * 1001}", "session"), ("?session=%ff", "session")],
    ids=range(5),
)  # fmt: skip
def test_a_stream_that_makes_no_sense_is_refused(daemon: Sandbox, query: str, name: str) -> None:
    answer = daemon.request("GET", STREAM + query)
    assert_problem(answer, 400)
    assert answer.json()["parameter"] == name
    assert name in answer.json()["detail"]
    assert_problem(daemon.request("GET", STREAM + query, token=False), 401)


@pytest.mark.usefixtures("undisturbed")
def test_the_head_of_a_stream_ends(daemon: Sandbox) -> None:
    answer = daemon.request("HEAD", STREAM)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"] == "text/event-stream"


# --- the timeline ---


@pytest.mark.usefixtures("undisturbed")
def test_a_timeline_comes_page_by_page(daemon: Sandbox) -> None:
    daemon.hook("SessionStart", "timed", source="startup", cwd="/project")
    for number in range(25):
        daemon.hook("UserPromptSubmit", "timed")
        daemon.hook("UserPromptSubmit", f"other-{number}")
    target, after, told = "/api/v1/sessions/timed/events", 0, []
    while True:
        page = daemon.request("GET", f"{target}?limit=10&after={after}").json()
        assert len(page["events"]) <= 10
        told += page["events"]
        if page["next"] is None:
            break
        assert page["next"] == page["events"][-1]["id"]
        assert page["last_event_id"] == f"{instance(daemon)}-{page['next']}"
        after = page["next"]
    assert [one["kind"] for one in told] == ["session.started", *["prompt"] * 25]
    assert {one["session_id"] for one in told} == {"timed"}
    assert sorted({one["id"] for one in told}) == [one["id"] for one in told]
    daemon.hook("UserPromptSubmit", "timed")
    with stream(daemon, "?session=timed", page["last_event_id"]) as reader:
        assert [one.event for one in reader.take(2)] == ["opened", "prompt"]


@pytest.mark.usefixtures("undisturbed")
@pytest.mark.parametrize(
    ("query", "name"),
    [("?after=-1", "after"), ("?after=x", "after"), ("?after=1.5", "after"), ("?after=", "after"),
     ("?after=9007199254740992", "after"), ("?after=%D9%A3", "after"), ("?limit=0", "limit"),
     ("?limit=501", "limit"), ("?limit=1&limit=1", "limit"), ("?after=1&before=2", "before")],
)  # fmt: skip
def test_a_timeline_that_makes_no_sense_is_refused(daemon: Sandbox, query: str, name: str) -> None:
    daemon.hook("UserPromptSubmit", "timed")
    answer = daemon.request("GET", f"/api/v1/sessions/timed/events{query}")
    assert_problem(answer, 400)
    assert answer.json()["parameter"] == name


def test_a_timeline_of_nobody_is_not_found(daemon: Sandbox) -> None:
    assert_problem(daemon.request("GET", "/api/v1/sessions/nobody/events"), 404)
