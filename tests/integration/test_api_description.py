"""The description of the API: of every route, and true of what a used daemon answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
import tornado.web
from tornado.routing import PathMatches

from cco.daemon.api import openapi
from cco.daemon.api.openapi.document import PIECES, description
from cco.daemon.application import make_application
from cco.daemon.handler import allowed_methods
from cco.daemon.state import State
from tests.conftest import Sandbox
from tests.integration.test_http_api import POSTS, assert_problem
from tests.integration.test_http_hooks import send_logs

METHODS = {"get", "head", "post", "put", "patch", "delete", "options"}
EXAMPLES = {"event": "Stop"}


def routes() -> list[tuple[re.Pattern[str], type[tornado.web.RequestHandler]]]:
    """Every route of the application."""
    application = make_application(cast(State, None))
    found = []
    for rule in application.wildcard_router.rules:
        assert isinstance(rule.matcher, PathMatches)
        found.append((rule.matcher.regex, rule.target))
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, described in description()["paths"].items():
        for method in described.keys() & METHODS:
            yield path, method, described[method]


def address(path: str) -> str:
    """An address that fits a template."""
    return re.sub(r"\{(\w+)\}", lambda found: EXAMPLES.get(found[1], "x"), path)


def test_every_route_and_method_is_described() -> None:
    paths = description()["paths"]
    for pattern, handler in routes():
        templates = [path for path in paths if pattern.match(address(path))]
        assert templates, (
            f"{pattern.pattern} is not described: add a piece to cco/daemon/api/openapi"
        )
        for template in templates:
            described = {method.upper() for method in paths[template].keys() & METHODS}
            assert set(allowed_methods(handler)) == described, template


def test_everything_described_has_a_route() -> None:
    for path in description()["paths"]:
        fitting = [pattern for pattern, _ in routes() if pattern.match(address(path))]
        assert len(fitting) == 1, path


def test_path_parameters_are_those_of_the_path() -> None:
    for path, _, operation in operations():
        named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), path


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)


def test_every_piece_is_put_in() -> None:
    modules = {path.stem for path in Path(str(openapi.__file__)).parent.glob("*.py")}
    pieces = {piece.__name__.rpartition(".")[2] for piece in PIECES}
    assert modules - pieces == {"__init__", "document", "handler", "parts"}


def references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def test_references_lead_somewhere_and_every_schema_is_used() -> None:
    document = description()
    used = set(references(document))
    for reference in used:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert names <= used


def test_schemas_are_schemas() -> None:
    for schema in description()["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


# --- against what is answered ---


def strict(schema: Any) -> Any:
    """The same with nothing that it does not name, so that a field nobody described is found."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    stricter = {name: strict(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        stricter.setdefault("additionalProperties", False)
    return stricter


def check(
    operation: Mapping[str, Any], daemon: Sandbox, method: str, target: str, **more: Any
) -> Any:
    """Ask, and hold the answer against its description."""
    answer = daemon.request(method, target, **more)
    described = operation["responses"][str(answer.status)]
    document = strict(description())
    if "$ref" in described:
        described = document["components"]["responses"][str(answer.status)]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    schema = strict(described["content"][media_type]["schema"])
    if media_type.startswith("text/"):
        return answer.body.decode()
    instance = answer.json()
    whole = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(whole).validate(instance)
    return instance


@pytest.fixture(scope="module")
def used(daemon: Sandbox) -> Sandbox:
    """A daemon that has seen most of what there is."""
    for session_id in ("one", "two"):
        daemon.hook("SessionStart", session_id, source="startup", cwd="/project", model="m")
        daemon.hook("UserPromptSubmit", session_id, prompt="hello")
        for agent in ("debugger", "somebody"):
            told = {"agent_id": f"{session_id}-{agent}", "agent_type": f"cco:{agent}"}
            daemon.hook("SubagentStart", session_id, **told)
            edit = {"tool_name": "Edit", "tool_input": {"file_path": "/project/a.py"}}
            daemon.hook("PreToolUse", session_id, **told, **edit)
            daemon.hook("PostToolUse", session_id, **told, **edit)
            daemon.hook("PostToolUseFailure", session_id, **told, tool_name="Bash")
        for asking in ({}, told):
            daemon.hook("PermissionRequest", session_id, **asking, tool_name="Bash")
        daemon.hook("SubagentStop", session_id, **told, last_assistant_message="done")
        daemon.hook("PreCompact", session_id)
        daemon.hook("PostCompact", session_id)
    call = {"event__name": "api_request", "model": "m", "cost_usd": 0.5, "input_tokens": 3}
    send_logs(
        daemon,
        {**call, "session__id": "one", "event__sequence": 1},
        {**call, "session__id": "one", "event__sequence": 2, "agent_id": "one-debugger"},
        {**call, "session__id": "stranger", "event__sequence": 1},
        {"event__name": "api_error", "session__id": "one", "event__sequence": 3},
    )
    daemon.hook("SessionEnd", "two", reason="other")
    return daemon


def test_the_daemon_tells_its_own_description(used: Sandbox) -> None:
    answer = used.request("GET", "/api/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == description()
    assert_problem(used.request("GET", "/api/v1/openapi.json", token=False), 401)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/health", "/health"),
        ("/health", f"/health?challenge={'00' * 16}"),
        ("/health", "/health?challenge=0"),
        ("/api/v1/openapi.json", "/api/v1/openapi.json"),
        ("/api/v1/sessions", "/api/v1/sessions"),
        ("/api/v1/sessions", "/api/v1/sessions?limit=1"),
        ("/api/v1/sessions", "/api/v1/sessions?limit=0"),
        ("/api/v1/sessions/{session_id}", "/api/v1/sessions/one"),
        ("/api/v1/sessions/{session_id}", "/api/v1/sessions/none"),
        ("/api/v1/sessions/{session_id}/events", "/api/v1/sessions/one/events"),
        ("/api/v1/sessions/{session_id}/events", "/api/v1/sessions/one/events?limit=1"),
        ("/api/v1/sessions/{session_id}/events", "/api/v1/sessions/none/events"),
        ("/api/v1/agents", "/api/v1/agents"),
        ("/api/v1/agents", "/api/v1/agents?limit=3"),
        ("/api/v1/agents", "/api/v1/agents?q=the+app+is+slow"),
        ("/api/v1/agents/{name}", "/api/v1/agents/debugger"),
        ("/api/v1/agents/{name}", "/api/v1/agents/somebody"),
        ("/api/v1/agents/{name}", "/api/v1/agents/nobody"),
        ("/api/v1/usage", "/api/v1/usage"),
        ("/api/v1/usage", "/api/v1/usage?session=one"),
        ("/api/v1/usage", "/api/v1/usage?project=%2Fproject"),
        ("/api/v1/usage", "/api/v1/usage?session=none"),
    ],
)
def test_what_is_read_is_as_described(used: Sandbox, path: str, target: str) -> None:
    described = description()["paths"][path]
    check(described["get"], used, "GET", target)
    head = used.request("HEAD", target)
    assert str(head.status) in described["head"]["responses"]
    assert head.body == b""
    if path != "/health":
        check(described["get"], used, "GET", target, token=False)


def test_what_is_sent_is_answered_as_described(used: Sandbox) -> None:
    paths = description()["paths"]
    hook = paths["/hooks/{event}"]["post"]
    agent = {"agent_id": "x", "agent_type": "cco:debugger"}
    for event, payload in [
        ("SessionStart", {}),
        ("SubagentStart", agent),
        ("PreCompact", {}),
        ("StatusLine", {}),
        ("UserPromptSubmit", {"prompt": "our postgres query is slow, explain analyze it"}),
        ("Stop", {}),
        ("Nothing", {}),
    ]:
        body = {"session_id": "one", **payload}
        check(hook, used, "POST", f"/hooks/{event}", body=body)
    for path in ("/v1/logs", "/v1/metrics"):
        check(paths[path]["post"], used, "POST", path, body={})
    for target in POSTS:
        path = re.sub(r"^/hooks/.*", "/hooks/{event}", target)
        for headers in ({"Content-Type": "text/plain"}, {"Origin": "null"}):
            check(paths[path]["post"], used, "POST", target, body=b"{}", headers=headers)
        check(paths[path]["post"], used, "POST", target, body=b"[")


@pytest.mark.usefixtures("undisturbed")
def test_methods_that_are_not_there_are_told_which_are(used: Sandbox) -> None:
    for path, described in description()["paths"].items():
        allowed = {method.upper() for method in described.keys() & METHODS}
        others = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "NONSENSE"} - allowed
        for method in others:
            answer = used.request(method, address(path))
            assert answer.status == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == allowed
            if method != "HEAD":
                assert_problem(answer, 405)


@pytest.mark.usefixtures("undisturbed")
def test_strangers_are_not_told_which_methods_there_are(used: Sandbox) -> None:
    for method in ("NONSENSE", "DELETE"):
        for target in ("/api/v1/usage", "/nothing"):
            answer = used.request(method, target, token=False)
            assert_problem(answer, 401)
            assert "allow" not in answer.headers
