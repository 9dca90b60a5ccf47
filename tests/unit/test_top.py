"""What `cco top` draws, from documents alone."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.cli.columns import fit, fit_end, pad, width
from cco.cli.top_data import picture
from cco.cli.top_line import Line
from cco.cli.top_tree import agents_tree
from cco.cli.top_view import SORTS, View, screen, whole
from cco.ledger.records import NANOS_PER_USD, AgentRun, Session, Usage

NOW = 1_800_000_000.0
HEALTH = {"status": "ok", "version": "0.1.0", "instance": "ab", "uptime_s": 3_723.5}


def usage(cents: int = 0, tokens: int = 0) -> Usage:
    return Usage(calls=1, input_tokens=tokens, cost_nanousd=cents * NANOS_PER_USD // 100)


def agent(name: str, parent: str | None = None, **fields: Any) -> AgentRun:
    """A specialist whose id is its name."""
    fields = {"started_at": NOW - 60, "model": "claude-haiku-4-5-20251001", **fields}
    return AgentRun(name, name=name, parent_id=parent, **fields)


def session(*agents: AgentRun, **fields: Any) -> Session:
    known = {"project": "/work/shop", "started_at": NOW - 100, "last_seen_at": NOW}
    fields = {"session_id": "0123456789abcdef", "orchestrated": True, **known, **fields}
    return Session(**fields, agents={one.agent_id: one for one in agents})


def shown(*sessions: Session, budget: Any = None, **more: Any) -> dict[str, Any]:
    """A picture, as the daemon would tell it."""
    total = Usage()
    for one in sessions:
        total.add(one.total())
    page = {"sessions": [one.document() for one in sessions], "next": None, **more}
    return picture(NOW, HEALTH, page, {"total": total.document(), "hours": []}, budget)


def text_of(lines: list[Line]) -> str:
    return "\n".join(line.text for line in lines)


def row(lines: list[Line], word: str) -> list[str]:
    (found,) = [line.text for line in lines if word in line.text]
    return found.split()


BUSY = session(
    agent("architect", usage=usage(20, 200), tool_calls=3, description="Look around"),
    agent("tester", "architect", status="done", ended_at=NOW - 30, usage=usage(50, 10)),
    agent("writer", "tester", usage=usage(1, 5_000), started_at=NOW - 10),
    agent("lost-one", status="lost", ended_at=NOW - 1, usage=usage(7, 70)),
    own_usage=usage(100, 1_000),
    tool_calls=2,
    prompts=1,
    model="opus",
)
WAITING = session(agent("asker"), agent("worker"))
WAITING.waits.hear("PermissionRequest", {"tool_name": "Bash", "agent_id": "asker"}, NOW - 75)


def test_who_waits_for_the_person_stands_out() -> None:
    lines = whole(shown(WAITING), View(), 120)
    assert "1 session waiting for you" in text_of(lines)
    assert "waiting 0:01:15" in " ".join(row(lines, "/work/shop"))
    assert "waiting 0:01:15" in " ".join(row(lines, "asker "))
    assert "running" in row(lines, "worker")
    assert "running" in row(lines, "(session itself)")
    alarms = [line.text for line in lines if line.style == "alarm"]
    assert [word for word in ("waits for you: Bash (asker)", "├─ asker") if word in alarms[0]]
    assert any("asker " in one for one in alarms)


# --- the tree ---


def tree(runs: list[AgentRun], sort: str = "cost", **options: bool) -> list[str]:
    documents = [run.document() for run in runs]
    return [lead + run["name"] for lead, run in agents_tree(documents, sort, NOW, **options)]


def test_agents_stand_below_those_who_started_them() -> None:
    runs = list(BUSY.agents.values())
    assert tree(runs) == ["├─ architect", "│  └─ tester", "│     └─ writer", "└─ lost-one"]


@pytest.mark.parametrize(
    ("sort", "first"), [("cost", "dear"), ("tokens", "wordy"), ("time", "old")]
)
def test_agents_are_sorted_by_what_is_asked_for(sort: str, first: str) -> None:
    runs = [
        agent("wordy", usage=usage(1, 900), started_at=NOW - 5),
        agent("dear", usage=usage(9, 1), started_at=NOW - 5),
        agent("old", usage=usage(2, 2), started_at=NOW - 500),
    ]
    assert tree(runs, sort)[0] == f"├─ {first}"


def test_without_ended_ones_those_stay_whose_agents_still_run() -> None:
    runs = list(BUSY.agents.values())
    found = tree(runs, with_ended=False)
    assert [one.split()[-1] for one in found] == ["architect", "tester", "writer"]


names = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(names, st.none() | names | st.just("nobody")), max_size=12))
def test_every_agent_is_drawn_once_whoever_is_said_to_have_started_it(
    pairs: list[tuple[str, str | None]],
) -> None:
    runs = list({name: agent(name, parent) for name, parent in pairs}.values())
    found = [one.split()[-1] for one in tree(runs)]
    assert sorted(found) == sorted(run.agent_id for run in runs)
    running = [one.split()[-1] for one in tree(runs, with_ended=False)]
    assert sorted(running) == sorted(found)


def test_a_chain_of_two_thousand_agents_stays_within_the_terminal() -> None:
    runs = [agent(f"n{number}", f"n{number - 1}") for number in range(2_000)]
    lines = whole(shown(session(*runs)), View(), 80)
    assert len(lines) > 2_000
    assert max(width(line.text) for line in lines) <= 80
    assert "n1999" in text_of(lines)


# --- the figures ---


def test_rows_add_up_to_their_session() -> None:
    lines = whole(shown(BUSY), View(), 120)
    expected = ["5", "6280", "$1.7800", "0:01:40"]
    assert row(lines, "01234567")[-4:] == expected
    assert row(lines, "(session itself)")[-6:] == "running opus 2 1000 $1.0000 0:01:40".split()
    assert row(lines, "architect")[-6:] == "running haiku-4-5 3 200 $0.2000 0:01:00".split()
    assert row(lines, "tester")[-6:] == "done haiku-4-5 0 10 $0.5000 0:00:30".split()
    parts = [float(amount) for amount in re.findall(r"\$(\d+\.\d{4})  ", text_of(lines[3:]))]
    assert math.isclose(parts[0], sum(parts[1:]))


def test_hidden_agents_are_summed_in_one_row() -> None:
    lines = whole(shown(BUSY), View(shows_ended=False), 120)
    assert "lost-one" not in text_of(lines)
    assert row(lines, "(1 agent)")[-4:] == ["ended", "0", "70", "$0.0700"]


def test_the_summary_tells_total_today_daemon_and_budgets() -> None:
    budget = {
        "day": {"spent_usd": 1.78, "limit_usd": 5.0, "used_percent": 35, "state": "under"},
        "sessions": [
            {"session_id": BUSY.session_id, "spent_usd": 1.78, "limit_usd": 2, "used_percent": 89}
        ],
    }
    text = text_of(whole(shown(BUSY, budget=budget), View(), None))
    assert "daemon ok, version 0.1.0, up 1:02:03" in text
    assert "total $1.7800, 6280 tokens   today $0.0000   1 session, 2 agents at work" in text
    assert "budget of today $1.78 of $5.00 (35 %)" in text
    assert "│  budget $1.78 of $2.00 (89 %)\n├─ (session itself), 1 prompt " in text
    assert "budget" not in text_of(whole(shown(BUSY), View(), None))


def test_only_hours_of_this_day_count_as_today() -> None:
    midnight = datetime.fromtimestamp(NOW).replace(hour=0, minute=0, second=0, microsecond=0)
    hours = [
        {"hour": (midnight + timedelta(hours=hour)).astimezone(UTC).isoformat(), "cost_usd": cost}
        for hour, cost in ((-1, 4.0), (0, 0.1), (1, 0.2), (24, 8.0))
    ]
    found = picture(NOW, HEALTH, {"sessions": []}, {"total": {}, "hours": hours}, None)
    assert found["today_usd"] == 0.3


def test_ended_and_foreign_sessions_are_not_among_those_that_run() -> None:
    ended, foreign = session(ended_at=NOW), session(orchestrated=False)
    found = shown(BUSY, ended, foreign)
    assert [one["session_id"] for one in found["sessions"]] == [BUSY.session_id]
    assert "no session runs" in text_of(whole(shown(ended), View(), 80))
    assert "more sessions run than" in text_of(whole(shown(BUSY, next="x"), View(), 120))


def used_up(one: Session) -> dict[str, Any]:
    """The budgets where a session has used up its own of a tenth of a cent."""
    mine = {"session_id": one.session_id, "spent_usd": 0.004, "limit_usd": 0.001}
    return {"sessions": [{**mine, "used_percent": 400, "state": "reached"}]}


def test_trouble_and_quiet_are_told() -> None:
    one = session(compactions=1, api_errors=2, conflicts=1, last_seen_at=NOW - 200)
    text = text_of(whole(shown(one), View(), None))
    assert "1 compaction, 1 edit conflict, 2 API errors, quiet for 3 min" in text
    narrow = whole(shown(one, budget=used_up(one)), View(), 80)
    assert "\n1 edit conflict\n" in text_of(narrow)
    (told,) = [line for line in narrow if "2 API errors" in line.text]
    assert told.style == "alarm"
    assert "2 API errors, budget $0.0040 of $0.0010 (" in told.text


# --- fitting a terminal ---

anything = st.text(max_size=60) | st.text(
    st.sampled_from("漢字\u0301\ufe0f❤👩🇩🇪\x1b[2J\r\n\t\u202e\ud800…─a "), max_size=60
)


@st.composite
def pictures(draw: st.DrawFn) -> dict[str, Any]:
    sessions = []
    for number in range(draw(st.integers(0, 3))):
        runs = [
            agent(
                f"{draw(anything)}{index}",
                draw(st.none() | st.just("0")),
                description=draw(anything),
                status=draw(st.sampled_from(("running", "done", "lost")) | anything),
                usage=usage(draw(st.integers(0, 10**9)), draw(st.integers(0, 2**53))),
                model=draw(st.none() | anything),
            )
            for index in range(draw(st.integers(0, 4)))
        ]
        sessions.append(
            session(*runs, session_id=f"{number}{draw(anything)}", project=draw(anything))
        )
    return shown(*sessions, next=draw(st.none() | st.just("more")))


views = st.builds(
    View,
    sort=st.sampled_from(SORTS),
    shows_ended=st.booleans(),
    shows_help=st.booleans(),
    offset=st.integers(0, 1 << 60),
)


@given(pictures(), views, st.integers(1, 200), st.integers(1, 60), st.just("") | anything)
def test_nothing_is_wider_or_longer_than_the_terminal_or_drives_it(
    found: dict[str, Any], view: View, columns: int, rows: int, message: str
) -> None:
    lines = screen(found, view, columns, rows, message)
    assert len(lines) <= rows
    for line in [*lines, *whole(found, view, columns), *whole(found, view, None)]:
        assert line.text.isprintable() or not line.text
    for line in [*lines, *whole(found, view, columns)]:
        assert width(line.text) <= columns


@given(pictures(), st.integers(40, 200), st.integers(8, 60))
def test_the_keys_stand_in_the_last_row(found: dict[str, Any], columns: int, rows: int) -> None:
    lines = screen(found, View(), columns, rows)
    assert len(lines) == rows
    assert lines[-1].text.startswith("q quit")


@pytest.mark.parametrize(
    ("columns", "there"),
    [
        (120, "STATE MODEL TOOLS TOKENS COST TIME"),
        (72, "STATE MODEL TOKENS COST TIME"),
        (46, "TOKENS COST"),
        (34, "COST"),
        (20, ""),
    ],
)
def test_a_narrow_terminal_goes_without_the_lesser_columns(columns: int, there: str) -> None:
    (heading,) = [one for one in whole(shown(BUSY), View(), columns) if one.style == "heading"]
    assert heading.text.removeprefix("SESSION AND AGENTS").split() == there.split()


def test_of_a_long_path_the_end_is_seen() -> None:
    text = text_of(whole(shown(session(project="/long" * 50 + "/shop")), View(), 80))
    assert re.search(r"^01234567 ….*/shop ", text, re.MULTILINE)


def test_rather_the_last_part_of_a_path_alone_than_that_part_cut() -> None:
    one = session(project="/home/ada/work/" + "x" * 21)
    text = text_of(whole(shown(one), View(), 80))
    assert re.search(r"^01234567 x{21} ", text, re.MULTILINE)


def test_many_tokens_are_written_short() -> None:
    found = [
        row(whole(shown(session(own_usage=usage(0, number))), View(), 120), "01234567")[-3]
        for number in (9_999, 10_000, 1_265_201, 999_949_999, 2_500_000_000)
    ]
    assert found == ["9999", "10.0K", "1.3M", "999.9M", "2.5G"]


def test_what_is_said_of_nothing_and_of_the_columns_is_not_cut_at_80() -> None:
    lines = whole(shown(), View(), 80) + screen(shown(BUSY), View(shows_help=True), 80, 24)
    assert "…" not in text_of(lines)


def test_scrolling_shows_every_row_and_stops_at_the_last() -> None:
    found = shown(session(*(agent(f"agent-{number:02}") for number in range(30))))
    view, seen = View(), set()
    for offset in range(40):
        view.offset = offset
        lines = screen(found, view, 100, 12)
        seen |= set(re.findall(r"agent-\d\d", text_of(lines)))
    assert len(seen) == 30
    assert view.offset < 39
    assert "32 of 32" in lines[-1].text


@given(anything, st.integers(0, 40))
def test_a_cut_text_fits_and_keeps_its_beginning_or_end(text: str, columns: int) -> None:
    for cut in (fit(text, columns), fit_end(text, columns)):
        assert width(cut) <= columns
        assert cut == text or cut.replace("…", "") in text.replace("…", "")
    padded = pad(fit(text, columns), columns)
    assert width(padded) == columns


def test_wide_and_combining_characters_are_counted() -> None:
    assert [width(text) for text in ("abc", "漢字", "e\u0301", "👩", "─└")] == [3, 4, 1, 2, 2]
    assert fit("漢字漢字", 5) == "漢字…"
    assert fit_end("漢字漢字", 6) == "…漢字"
