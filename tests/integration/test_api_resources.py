"""Sessions, agents and usage: page by page, filtered, and strict about what is asked."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from cco.cli import paging
from tests.conftest import Sandbox
from tests.integration.test_http_api import assert_problem
from tests.integration.test_http_hooks import send_logs

pytestmark = pytest.mark.usefixtures("undisturbed")

SESSIONS = "/api/v1/sessions"


def get(daemon: Sandbox, path: str, **query: object) -> Any:
    target = f"{path}?{urlencode(query)}" if query else path
    answer = daemon.request("GET", target)
    assert answer.status == 200, answer.body
    return answer.json()


def ids(page: dict[str, Any]) -> list[str]:
    return [one["session_id"] for one in page["sessions"]]


def page_through(daemon: Sandbox, **query: object) -> list[str]:
    found: list[str] = []
    while True:
        page = get(daemon, SESSIONS, **query)
        assert len(page["sessions"]) <= query.get("limit", 100)  # type: ignore[operator]
        found += ids(page)
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


def start(daemon: Sandbox, prefix: str, count: int, **told: object) -> list[str]:
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        daemon.hook("SessionStart", name, source="startup", **told)
    return names


def test_sessions_come_page_by_page_the_latest_first(daemon: Sandbox) -> None:
    started = start(daemon, "paged", 7, cwd="/paged")
    assert page_through(daemon, limit=3, project="/paged") == started[::-1]
    assert page_through(daemon, limit=7, project="/paged") == started[::-1]
    assert page_through(daemon, limit=1, project="/paged") == started[::-1]
    assert get(daemon, SESSIONS, limit=7, project="/paged")["next"] is None
    whole = ids(get(daemon, SESSIONS, limit=500))
    assert [one for one in whole if one.startswith("paged-")] == started[::-1]
    assert page_through(daemon, limit=2) == whole


def test_pages_hold_while_sessions_change(daemon: Sandbox) -> None:
    started = start(daemon, "moving", 9, cwd="/moving")
    seen: list[str] = []
    query: dict[str, object] = {"limit": 2, "project": "/moving"}
    while True:
        page = get(daemon, SESSIONS, **query)
        seen += ids(page)
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
        for name in started:  # all of them are seen again, some end, new ones come
            daemon.hook("UserPromptSubmit", name)
        daemon.hook("SessionEnd", started[0])
        daemon.hook("SessionEnd", page["sessions"][-1]["session_id"])
        start(daemon, f"new-{len(seen)}", 2, cwd="/moving")
    assert seen == started[::-1]


def test_sessions_are_filtered_by_project_and_status(daemon: Sandbox) -> None:
    start(daemon, "here", 3, cwd="/filtered/größe & co")
    start(daemon, "there", 2, cwd="/filtered/else")
    daemon.hook("SessionEnd", "here-1")
    project = "/filtered/größe & co"
    assert page_through(daemon, project=project) == ["here-2", "here-1", "here-0"]
    assert page_through(daemon, project=project, status="ended") == ["here-1"]
    assert page_through(daemon, project=project, status="running", limit=1) == ["here-2", "here-0"]
    assert page_through(daemon, project="/filtered") == []
    assert {one["status"] for one in get(daemon, SESSIONS, status="ended")["sessions"]} == {"ended"}


def test_ids_of_any_kind_are_paged_through(daemon: Sandbox) -> None:
    odd = ["odd \ud83d", "odd/ü&?=%2F#", "odd \x00\n", "o" * 200]
    for name in odd:
        daemon.hook("SessionStart", name, cwd="/odd")
    assert len(page_through(daemon, limit=1, project="/odd")) == len(odd)
    shown = get(daemon, f"{SESSIONS}/{quote(odd[1], safe='')}")
    assert shown["session_id"] == odd[1]


def cursor(place: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        (SESSIONS, "limit=0", "limit"),
        (SESSIONS, "limit=501", "limit"),
        (SESSIONS, "limit=-1", "limit"),
        (SESSIONS, "limit=1e2", "limit"),
        (SESSIONS, "limit=%2B5", "limit"),
        (SESSIONS, "limit=", "limit"),
        (SESSIONS, "limit=%20%205", "limit"),
        (SESSIONS, "limit=" + "9" * 5_000, "limit"),
        (SESSIONS, "limit=5&limit=5", "limit"),
        (SESSIONS, "limit=5&Limit=5", "Limit"),
        (SESSIONS, "status=Running", "status"),
        (SESSIONS, "status=", "status"),
        (SESSIONS, "project=", "project"),
        (SESSIONS, "project=" + "x" * 1_001, "project"),
        (SESSIONS, "project=%c3%28", "project"),
        (SESSIONS, "cursor=", "cursor"),
        (SESSIONS, "cursor=x", "cursor"),
        (SESSIONS, "cursor=%ff", "cursor"),
        (SESSIONS, "cursor=%C3%BC", "cursor"),
        (SESSIONS, f"cursor={cursor(None)}", "cursor"),
        (SESSIONS, f"cursor={cursor([1, 'a'])}", "cursor"),
        (SESSIONS, f"cursor={cursor([1.0])}", "cursor"),
        (SESSIONS, f"cursor={cursor([1.0, 'a', 'b'])}", "cursor"),
        (SESSIONS, f"cursor={cursor([float('nan'), 'a'])}", "cursor"),
        (SESSIONS, f"cursor={cursor([0, 'a'])}", "cursor"),
        (SESSIONS, f"cursor={quote(cursor(['['] * 5_000))}", "cursor"),
        (SESSIONS, "offset=3", "offset"),
        (SESSIONS, "token=x", "token"),
        (SESSIONS, "=x", ""),
        (SESSIONS, "%0a%1b=x", "??"),
        (f"{SESSIONS}/none", "limit=1", "limit"),
        ("/api/v1/agents", "q=", "q"),
        ("/api/v1/agents", "q=" + "x" * 4_001, "q"),
        ("/api/v1/agents", "limit=1000", "limit"),
        ("/api/v1/agents", f"cursor={cursor([1.0, 'a'])}", "cursor"),
        ("/api/v1/agents", f"q=slow&cursor={cursor([0, '000001'])}", "cursor"),
        ("/api/v1/agents/debugger", "x=1", "x"),
        ("/api/v1/usage", "session=", "session"),
        ("/api/v1/usage", "session=a&session=b", "session"),
        ("/api/v1/usage", "day=1", "day"),
        ("/api/v1/openapi.json", "pretty=1", "pretty"),
    ],
)  # fmt: skip
def test_a_parameter_that_makes_no_sense_is_named(
    daemon: Sandbox, path: str, query: str, name: str
) -> None:
    answer = daemon.request("GET", f"{path}?{query}")
    assert_problem(answer, 400)
    problem = answer.json()
    assert problem.get("parameter", "") == name
    assert name in problem["detail"]
    assert len(answer.body) < 1_000
    assert_problem(daemon.request("GET", f"{path}?{query}", token=False), 401)


def test_no_answer_is_one_to_be_stored(daemon: Sandbox) -> None:
    answer = daemon.request("GET", "/api/v1/usage", headers={"If-None-Match": "*"})
    assert (answer.status, "etag" in answer.headers) == (200, False)
    assert answer.headers["cache-control"] == "no-store"


# --- agents ---


def test_agents_come_page_by_page(daemon: Sandbox) -> None:
    for name in ("zoe", "cco:debugger", "adam"):
        told = {"agent_id": f"paged-{name}", "agent_type": name}
        daemon.hook("SubagentStart", "agents-paged", **told)
    whole = get(daemon, "/api/v1/agents")
    assert whole["next"] is None
    roster = [agent["name"] for agent in daemon.sealed().settings.roster]
    names = [one["name"] for one in whole["agents"]]
    assert names[: len(roster)] == roster
    others = names[len(roster) :]
    assert others == sorted(others)
    assert {"adam", "zoe"} <= set(others)
    found, query = [], {"limit": "50"}
    while True:
        page = get(daemon, "/api/v1/agents", **query)
        found += page["agents"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == whole["agents"]
    assert {"debugger"} == {one["name"] for one in found if one.get("runs") and one.get("source")}


def test_agents_are_found_by_what_they_are_good_at(daemon: Sandbox) -> None:
    text = "our postgres query is slow, explain analyze shows a sequential scan"
    found = get(daemon, "/api/v1/agents", q=text)
    assert found["next"] is None
    scores = [one["score"] for one in found["agents"]]
    assert scores == sorted(scores, reverse=True)
    assert found["agents"][0]["clear"] is True
    shown = json.loads(daemon.ok("agents", "search", "--json", "--limit", "5", text))
    best = get(daemon, "/api/v1/agents", q=text, limit=5)["agents"]
    assert [(one["name"], one["score"], one["clear"]) for one in best] == [
        (one["name"], one["score"], one["clear"]) for one in shown
    ]
    assert best[0]["description"]
    assert get(daemon, "/api/v1/agents", q="qwertzuiop")["agents"] == []
    assert b"keywords" not in daemon.request("GET", "/api/v1/agents?q=slow").body


def test_agents_are_found_where_hints_are_off(source_sandbox: Sandbox) -> None:
    env = source_sandbox.environment(CCO_HINTS="false")
    source_sandbox.ok("daemon", "start", env=env)
    assert get(source_sandbox, "/api/v1/agents", q="slow postgres query")["agents"]


# --- usage, and the commands ---


def call(session_id: str, sequence: int, cost: str) -> dict[str, object]:
    told = {"session__id": session_id, "event__sequence": sequence, "cost_usd": cost}
    return {"event__name": "api_request", "model": "m", "input_tokens": 1, **told}


def test_usage_is_told_by_project(daemon: Sandbox) -> None:
    start(daemon, "cheap", 1, cwd="/usage/cheap")
    start(daemon, "dear", 2, cwd="/usage/dear")
    records = [("cheap-0", "0.25"), ("dear-0", "1"), ("dear-1", "2")]
    send_logs(daemon, *(call(name, number, cost) for number, (name, cost) in enumerate(records)))
    dear = get(daemon, "/api/v1/usage", project="/usage/dear")
    assert dear["total"]["cost_usd"] == 3.0
    assert [one["session_id"] for one in dear["sessions"]] == ["dear-1", "dear-0"]
    assert [one["project"] for one in dear["projects"]] == ["/usage/dear"]
    assert sum(one["cost_usd"] for one in dear["hours"]) == 3.0
    both = get(daemon, "/api/v1/usage", project="/usage/dear", session="dear-0")
    assert both["total"]["cost_usd"] == 1.0
    none = get(daemon, "/api/v1/usage", project="/usage/cheap", session="dear-0")
    assert none["total"]["cost_usd"] == 0
    assert get(daemon, "/api/v1/usage", project="/nowhere")["sessions"] == []
    shown = daemon.ok("usage", "--project", "/usage/dear")
    assert "total $3.0000" in shown
    assert "/usage/dear" in shown
    assert "cheap" not in shown
    assert "HOUR" not in shown
    hours = daemon.ok("usage", "--project", "/usage/dear", "--hours")
    assert re.search(r"^HOUR \(UTC\) .*\n[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:00 ", hours, re.M)
    assert json.loads(daemon.ok("usage", "--project", "/usage/dear", "--json")) == dear
    assert "PROJECT" in daemon.ok("usage")


def test_the_command_lists_all_sessions(daemon: Sandbox) -> None:
    names = start(daemon, "many", 150, cwd="/many")
    shown = daemon.ok("sessions")
    assert all(f"{name} " in shown for name in names)
    listed = json.loads(daemon.ok("sessions", "--json"))
    assert set(listed) == {"sessions"}
    assert set(names) <= set(ids(listed))


def test_the_command_follows_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(method: str, target: str) -> dict[str, Any]:
        asked.append(target)
        number = len(asked)
        return {"things": [{"number": number}], "next": f"&={number}" if number < 3 else None}

    monkeypatch.setattr(paging, "call", answer)
    found = list(paging.pages("/things", "things", {"limit": 1}))
    assert found == [{"number": 1}, {"number": 2}, {"number": 3}]
    assert asked == [
        "/things?limit=1",
        "/things?limit=1&cursor=%26%3D1",
        "/things?limit=1&cursor=%26%3D2",
    ]
