"""The feed of events is bounded in number and in size."""

from __future__ import annotations

import sys

import pytest

from cco.ledger import feed as feed_module
from cco.ledger.feed import Feed


def test_the_latest_events_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "MAX_EVENTS", 3)
    feed = Feed()
    assert feed.first_number == 1
    for number in range(5):
        feed.publish("tool", "st"[number % 2])
    assert [event.number for event in feed.since(0)] == [3, 4, 5]
    assert [event.number for event in feed.since(3, "t")] == [4]
    assert (feed.first_number, feed.last_number) == (3, 5)


@pytest.mark.parametrize("letter", ["x", "\u00e9", "\u65e5", "\U0001f600"])
def test_large_events_make_room_sooner(monkeypatch: pytest.MonkeyPatch, letter: str) -> None:
    monkeypatch.setattr(feed_module, "MAX_BYTES", 50_000)
    feed = Feed()
    for _ in range(100):
        feed.publish("tool", "s", path=letter * 1_000)
    kept = list(feed.since(0))
    assert kept[-1].number == 100
    assert 5 < len(kept) < 50
    assert sum(sys.getsizeof(event.data) for event in kept) <= 50_000
    for _ in range(1_000):
        feed.publish("tool", "s")
    assert len(list(feed.since(0))) > 100, "small ones have room again"
