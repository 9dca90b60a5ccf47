"""What hooks and telemetry are answered, and what the daemon makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cco.catalogue.model import INJECTION_LIMIT_CHARS
from cco.claude.bridge import EVENTS
from cco.sealing import names
from tests.conftest import Answer, Sandbox
from tests.integration.test_http_api import assert_problem

pytestmark = pytest.mark.usefixtures("undisturbed")

SILENT = sorted(set(EVENTS) - {"SessionStart", "SubagentStart", "PreCompact"})


def context(answer: Answer, event: str) -> str:
    """The text that an answer adds to the model's context."""
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert set(document) == {"hookSpecificOutput"}
    assert document["hookSpecificOutput"]["hookEventName"] == event
    text = document["hookSpecificOutput"]["additionalContext"]
    assert isinstance(text, str)
    assert 0 < len(text) <= INJECTION_LIMIT_CHARS
    return text


def attributes(**values: object) -> list[dict[str, Any]]:
    """Attributes in OTLP's JSON encoding, names with `__` for a dot."""
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    return [
        {"key": name.replace("__", "."), "value": {kinds[type(value)]: value}}
        for name, value in values.items()
    ]


def send_logs(daemon: Sandbox, *records: Mapping[str, object]) -> None:
    logs = [{"attributes": attributes(**record)} for record in records]
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}
    answer = daemon.request("POST", "/v1/logs", document)
    assert (answer.status, answer.json()) == (200, {"partialSuccess": {}})


def test_a_session_starts_with_the_rules(daemon: Sandbox) -> None:
    rules = daemon.sealed().open_member(names.RULES)["rules"]
    for source in ("startup", "resume", "clear", None, "anything"):
        assert context(daemon.hook("SessionStart", source=source), "SessionStart") == rules


def test_every_specialist_gets_its_own_brief(daemon: Sandbox) -> None:
    agents = daemon.sealed().open_member(names.AGENTS)["agents"]
    assert len(agents) >= 12
    for number, agent in enumerate(agents):
        kind = f"cco:{agent['name']}"
        answer = daemon.hook("SubagentStart", agent_id=f"a{number}", agent_type=kind)
        assert context(answer, "SubagentStart") == agent["brief"]


@pytest.mark.parametrize(
    "agent_type",
    [None, "", 5, "Explore", "general-purpose", "chief-architect", "cco", "cco:", "cco:nobody",
     "other:chief-architect", "x:cco:chief-architect", "cco:cco:chief-architect",
     "CCO:chief-architect", "cco:chief-architect ", "cco:*", "cco:../rules"],
)  # fmt: skip
def test_agents_of_others_get_nothing(daemon: Sandbox, agent_type: object) -> None:
    answer = daemon.hook("SubagentStart", agent_id="x", agent_type=agent_type)
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("event", SILENT)
def test_other_events_are_taken_in_silence(daemon: Sandbox, event: str) -> None:
    told = {"tool_name": "Bash", "tool_input": {"command": "ls"}}
    answer = daemon.hook(event, f"silent-{event}", cwd="/project", **told)
    assert (answer.status, answer.body) == (200, b"")


def work(daemon: Sandbox, session_id: str) -> None:
    """A session with a request, a specialist at work, another done, and an edit each."""
    daemon.hook("UserPromptSubmit", session_id, prompt="Add a cache to\nthe server")
    daemon.hook("SubagentStart", session_id, agent_id="a", agent_type="cco:python-engineer")
    daemon.hook("SubagentStart", session_id, agent_id="b", agent_type="cco:test-engineer")
    daemon.hook(
        "PostToolUse",
        session_id,
        tool_name="Agent",
        tool_input={"description": "write the cache", "prompt": "…"},
        tool_response={"agentId": "a"},
    )
    for agent_id, path in (("a", "/project/cache.py"), (None, "/project/README.md")):
        daemon.hook(
            "PostToolUse",
            session_id,
            agent_id=agent_id,
            tool_name="Edit",
            tool_input={"file_path": path},
        )
    daemon.hook("SubagentStop", session_id, agent_id="b", agent_type="cco:test-engineer")


def test_a_compaction_is_told_what_to_keep(daemon: Sandbox) -> None:
    work(daemon, "compacted")
    answer = daemon.hook("PreCompact", "compacted", trigger="auto")
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert set(document) == {"instructions"}
    text = "\n".join(document["instructions"])
    asked, _, rest = daemon.sealed().open_member(names.HOOKS)["pre_compact"].partition("$state")
    assert text.startswith(asked)
    assert text.endswith(rest)
    assert len(text) <= INJECTION_LIMIT_CHARS
    assert "Add a cache to the server" in text
    assert "python-engineer (running" in text
    assert "write the cache" in text
    assert "test-engineer (done" in text
    assert "/project/cache.py (by python-engineer)" in text
    assert "/project/README.md (by the session itself)" in text


def test_after_a_compaction_the_work_and_the_rules_come_back(daemon: Sandbox) -> None:
    work(daemon, "resumed")
    text = context(daemon.hook("SessionStart", "resumed", source="compact"), "SessionStart")
    rules = daemon.sealed().open_member(names.RULES)["rules"]
    assert text.endswith(rules)
    recap = text.removesuffix(rules)
    assert "$state" not in recap
    assert "/project/cache.py (by python-engineer)" in recap
    assert "python-engineer (running" in recap
    assert text.count(rules) == 1


def test_a_long_session_still_fits(daemon: Sandbox) -> None:
    daemon.hook("UserPromptSubmit", "long", prompt="word " * 10_000)
    for number in range(60):
        path = f"/project/{number}/" + "deep/" * 60 + "$state ${x} %s {} file.py"
        daemon.hook(
            "PostToolUse", "long", tool_name="Write", tool_input={"file_path": path, "content": "x"}
        )
        agent = {"agent_id": f"agent-{number}", "agent_type": f"cco:{'long' * 25}-{number}"}
        daemon.hook("SubagentStart", "long", **agent)
    answer = daemon.hook("PreCompact", "long")
    assert len("\n".join(answer.json()["instructions"])) <= INJECTION_LIMIT_CHARS
    text = context(daemon.hook("SessionStart", "long", source="compact"), "SessionStart")
    assert text.endswith(daemon.sealed().open_member(names.RULES)["rules"])
    assert "agents" in text


RUST = "error[E0502]: cannot borrow as mutable, the borrow checker rejects my lifetimes"


def test_a_prompt_of_somebodys_field_gets_a_hint_and_others_nothing(daemon: Sandbox) -> None:
    text = context(daemon.hook("UserPromptSubmit", prompt=RUST), "UserPromptSubmit")
    assert "cco:rust-engineer" in text
    for prompt in ("thanks", "rename x to y", "/review " + RUST, "<task-notification>" + RUST, 5):
        answer = daemon.hook("UserPromptSubmit", prompt=prompt)
        assert (answer.status, answer.body) == (200, b"")


def test_the_rules_come_with_the_next_prompt_if_the_start_did_not(daemon: Sandbox) -> None:
    work(daemon, "owed")
    rules = daemon.sealed().open_member(names.RULES)["rules"]
    for _ in range(2):
        daemon.hook("PreCompact", "owed", trigger="auto")
        daemon.hook("PostCompact", "owed", trigger="auto")
        text = context(daemon.hook("UserPromptSubmit", "owed", prompt=RUST), "UserPromptSubmit")
        assert text.endswith(rules)
        assert "/project/cache.py (by python-engineer)" in text
        again = daemon.hook("UserPromptSubmit", "owed", prompt="thanks")
        assert again.body == b""
        assert daemon.hook("SessionStart", "owed", source="resume").body == b""


@pytest.mark.parametrize("start_first", [True, False])
def test_the_rules_come_once(daemon: Sandbox, start_first: bool) -> None:
    session_id = f"once-{start_first}"
    daemon.hook("PreCompact", session_id)
    order = ["SessionStart", "PostCompact"] if start_first else ["PostCompact", "SessionStart"]
    for event in order:
        daemon.hook(event, session_id, source="compact")
    assert daemon.hook("UserPromptSubmit", session_id, prompt="thanks").body == b""


def test_a_specialists_own_compaction_is_about_its_own_task(daemon: Sandbox) -> None:
    work(daemon, "inner")
    agent = {"agent_id": "a", "agent_type": "cco:python-engineer"}
    lines = daemon.hook("PreCompact", "inner", trigger="auto", **agent).json()["instructions"]
    told = "\n".join(lines)
    opening = daemon.sealed().open_member(names.HOOKS)["agent_pre_compact"].splitlines()[0]
    assert told.startswith(opening)
    assert "write the cache" in told
    assert "/project/cache.py" in told
    assert "README.md" not in told
    daemon.hook("PostCompact", "inner", trigger="auto", **agent)
    text = context(daemon.hook("SessionStart", "inner", source="compact", **agent), "SessionStart")
    sealed = daemon.sealed()
    briefs = {one["name"]: one["brief"] for one in sealed.open_member(names.AGENTS)["agents"]}
    assert text.endswith(briefs["python-engineer"])
    assert sealed.open_member(names.RULES)["rules"] not in text
    assert "/project/cache.py" in text
    session = daemon.request("GET", "/api/v1/sessions/inner").json()
    assert session["compactions"] == 0
    assert daemon.hook("UserPromptSubmit", "inner", prompt="thanks").body == b""


@pytest.mark.parametrize("agent_type", ["Explore", "", "other:python-engineer", "cco:nobody", None])
def test_the_compaction_of_anothers_agent_is_left_alone(
    daemon: Sandbox, agent_type: object
) -> None:
    agent = {"agent_id": "a", "agent_type": agent_type}
    assert daemon.hook("SessionStart", "not-ours", source="compact", **agent).body == b""
    if agent_type != "cco:nobody":
        assert daemon.hook("PreCompact", "not-ours", **agent).body == b""


def test_a_session_of_nothing_can_be_compacted(daemon: Sandbox) -> None:
    text = context(daemon.hook("SessionStart", "fresh", source="compact"), "SessionStart")
    assert "Specialists still working: 0; ended: 0." in text
    assert "No file was edited" in text


def test_tokens_and_cost_arrive_per_agent(daemon: Sandbox) -> None:
    daemon.hook("SessionStart", "counted", cwd="/project", model="claude-test")
    agent = {"agent_id": "agent-1", "agent_type": "cco:debugger"}
    daemon.hook("SubagentStart", "counted", **agent)
    call = {
        "event__name": "api_request",
        "session__id": "counted",
        "model": "claude-test",
        "input_tokens": 10,
        "output_tokens": "20",
        "cache_read_tokens": 30,
        "cache_creation_tokens": 40,
        "cost_usd": 0.1,
        "duration_ms": 1500,
    }
    send_logs(
        daemon,
        {**call, "event__sequence": 1},
        {**call, "event__sequence": 2, "agent_id": "agent-1", "cost_usd": "0.2"},
        {**call, "event__sequence": 2, "agent_id": "agent-1", "cost_usd": "0.2"},
        {"event__name": "api_error", "session__id": "counted", "event__sequence": 3},
        {"event__name": "user_prompt", "session__id": "counted", "event__sequence": 4},
    )
    daemon.hook("SubagentStop", "counted", **agent, last_assistant_message="done")
    usage = daemon.request("GET", "/api/v1/usage?session=counted").json()
    assert usage["total"]["cost_usd"] == 0.3
    assert usage["total"]["calls"] == 2
    assert [row["agent"] for row in usage["agents"]] == ["debugger", "(session itself)"]
    assert [row["cost_usd"] for row in usage["agents"]] == [0.2, 0.1]
    assert [row["model"] for row in usage["models"]] == ["claude-test"]
    session = daemon.request("GET", "/api/v1/sessions/counted").json()
    assert session["project"] == "/project"
    assert session["api_errors"] == 1
    (run,) = session["agents"]
    assert (run["name"], run["status"]) == ("debugger", "done")
    assert run["usage"]["output_tokens"] == 20
    assert run["usage"]["duration_ms"] == 1500
    shown = daemon.request("GET", "/api/v1/agents/cco:debugger").json()
    assert "counted" in [one["session_id"] for one in shown["runs"]]
    listed = daemon.request("GET", "/api/v1/agents").json()["agents"]
    (row,) = [one for one in listed if one["name"] == "debugger"]
    assert row["description"]
    assert row["cost_usd"] == 0.2


def test_who_waits_for_the_person_is_told_until_it_is_answered(daemon: Sandbox) -> None:
    call = {"tool_name": "Bash", "tool_input": {"command": "make"}}
    agent = {"agent_id": "asking-a", "agent_type": "cco:debugger"}
    daemon.hook("SessionStart", "asking", source="startup", cwd="/project/asking")
    daemon.hook("SubagentStart", "asking", **agent)
    daemon.hook("PreToolUse", "asking", **agent, **call, tool_use_id="call-1")
    asked = daemon.hook("PermissionRequest", "asking", **agent, **call)
    assert (asked.status, asked.body) == (200, b""), "it must not answer the question"

    def waiting(query: str = "") -> list[Any]:
        listed = daemon.request("GET", f"/api/v1/sessions{query}").json()["sessions"]
        return [one["waiting"] for one in listed if one["session_id"] == "asking"]

    ((told,),) = waiting("?status=waiting")
    assert {name: told[name] for name in ("agent_id", "agent", "tool")} == {
        "agent_id": "asking-a",
        "agent": "debugger",
        "tool": "Bash",
    }
    assert waiting("?status=running") == [[told]]
    (row,) = [one for one in daemon.ok("sessions").splitlines() if "asking" in one]
    assert " waiting 0:0" in row
    shown = daemon.ok("sessions", "asking")
    assert "Waiting for you: Bash (debugger). Answer in the session's terminal." in shown
    assert "waits for you: Bash (debugger)" in daemon.ok("top", "--once")
    send_logs(
        daemon,
        {"event__name": "tool_decision", "session__id": "asking", "tool_use_id": "call-1"},
    )
    assert waiting() == [[]]
    assert waiting("?status=waiting") == []
    assert "waits for you: Bash (debugger)" not in daemon.ok("top", "--once")
    events = daemon.request("GET", "/api/v1/sessions/asking/events").json()["events"]
    told_of = [(one["kind"], one["agent"], one["tool"]) for one in events if "tool" in one]
    assert told_of == [("waiting", "debugger", "Bash"), ("answered", "debugger", "Bash")]


def test_active_time_is_added_up(daemon: Sandbox) -> None:
    point = {"asDouble": 1.5, "attributes": attributes(session__id="active")}
    metric = {"name": "claude_code.active_time.total", "sum": {"dataPoints": [point, point]}}
    document = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    assert daemon.request("POST", "/v1/metrics", document).status == 200
    assert daemon.request("GET", "/api/v1/sessions/active").json()["active_time_s"] == 3.0


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/v1/logs", b'{"resourceLogs": {}}'),
        ("/v1/logs", b'{"resourceLogs": [1]}'),
        ("/v1/logs", b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [null]}]}]}'),
        ("/v1/metrics", b'{"resourceMetrics": "x"}'),
        ("/v1/metrics", b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [[]]}]}]}'),
    ],
)
def test_telemetry_that_is_none_is_refused(daemon: Sandbox, target: str, body: bytes) -> None:
    assert_problem(daemon.request("POST", target, body), 400)


def test_empty_telemetry_is_fine(daemon: Sandbox) -> None:
    for target in ("/v1/logs", "/v1/metrics"):
        assert daemon.request("POST", target, {}).status == 200


@pytest.mark.parametrize("text", ["1e999", '"1e999999999999999999"', '"1e999999"', '"NaN"', "-1e9"])
@pytest.mark.parametrize("field", ["input_tokens", "cost_usd", "duration_ms"])
@pytest.mark.parametrize("kind", ["intValue", "doubleValue", "stringValue"])
def test_nonsense_figures_count_nothing(daemon: Sandbox, text: str, field: str, kind: str) -> None:
    session_id = f"nonsense-{text}-{field}-{kind}".replace('"', "")
    base = '{"key": "event.name", "value": {"stringValue": "api_request"}}'
    own = f'{{"key": "session.id", "value": {{"stringValue": "{session_id}"}}}}'
    odd = f'{{"key": "{field}", "value": {{"{kind}": {text}}}}}'
    record = f'{{"attributes": [{base}, {own}, {odd}]}}'
    body = f'{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{record}]}}]}}]}}'
    assert daemon.request("POST", "/v1/logs", body.encode()).status == 200
    total = daemon.request("GET", f"/api/v1/usage?session={session_id}").json()["total"]
    assert total["calls"] == 1
    assert (total["input_tokens"], total["cost_usd"], total["duration_ms"]) == (0, 0, 0)


def test_the_status_line_is_one_short_line(daemon: Sandbox) -> None:
    for number in range(40):
        agent = {"agent_id": str(number), "agent_type": f"cco:{'name' * 20}\n\x1b[31m{number}"}
        daemon.hook("SubagentStart", "busy", **agent)
    payload = {"cost": {"total_cost_usd": 1.234}, "context_window": {"used_percentage": 42.4}}
    answer = daemon.hook("StatusLine", "busy", **payload)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    line = answer.body.decode()
    assert line == "cco · $1.23 · 40 running · context 42%"  # their names have no room
    assert line.isprintable()
    daemon.hook("SubagentStart", "calm", agent_id="a", agent_type="cco:debugger")
    assert b"1 running: debugger" in daemon.hook("StatusLine", "calm").body
    daemon.hook("SubagentStop", "calm", agent_id="a", agent_type="cco:debugger")
    line = daemon.hook("StatusLine", "calm", **payload).body.decode()
    assert line == "cco · $1.23 · 1 agent done · context 42%"
