"""The notes over HTTP and at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cco.ledger.notes import MAX_TEXT_CHARS
from tests.conftest import TIMEOUT_S, Answer, Sandbox
from tests.integration.test_http_api import assert_problem

pytestmark = pytest.mark.usefixtures("undisturbed")


def post(daemon: Sandbox, **note: object) -> Answer:
    return daemon.request("POST", "/api/v1/notes", note)


def texts(daemon: Sandbox, query: str) -> list[str]:
    answer = daemon.request("GET", f"/api/v1/notes?{query}")
    assert answer.status == 200, answer.body
    return [note["text"] for note in answer.json()["notes"]]


def test_a_note_is_left_found_and_taken_away(daemon: Sandbox, tmp_path: Path) -> None:
    answer = post(
        daemon,
        text="The cache key lacks the tenant.",
        project=str(tmp_path),
        path="src/cache.py",
        author="Ada",
    )
    assert answer.status == 201
    note = answer.json()
    assert answer.headers["location"] == f"/api/v1/notes/{note['note_id']}"
    assert (note["author"], note["path"], note["session_id"]) == ("Ada", "src/cache.py", "")
    assert note["project"] == str(tmp_path.resolve())
    assert texts(daemon, f"project={tmp_path}&q=cached") == ["The cache key lacks the tenant."]
    assert texts(daemon, f"project={tmp_path}&q=unrelated") == []
    assert daemon.request("DELETE", answer.headers["location"]).status == 204
    assert texts(daemon, f"project={tmp_path}") == []
    assert_problem(daemon.request("DELETE", answer.headers["location"]), 404)


def test_a_session_leaves_it_in_its_project(daemon: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    daemon.hook("SessionStart", "sess-12345", cwd=str(tmp_path / "deep"), source="startup")
    note = post(daemon, text="one", session_id="sess-12345").json()
    assert note["author"] == "session sess-123"
    assert note["project"] == str(tmp_path.resolve())
    assert texts(daemon, f"project={tmp_path / 'deep' / 'er'}") == ["one"]
    assert_problem(post(daemon, text="x", session_id="nobody"), 404)


def test_pages_neither_repeat_nor_miss(daemon: Sandbox, tmp_path: Path) -> None:
    for number in range(7):
        post(daemon, text=f"note {number}", project=str(tmp_path))
    found: list[str] = []
    more = ""
    while True:
        target = f"/api/v1/notes?project={tmp_path}&limit=3{more}"
        page = daemon.request("GET", target).json()
        found += [note["text"] for note in page["notes"]]
        post(daemon, text=f"later than {len(found)}", project=str(tmp_path))
        if page["next"] is None:
            break
        more = f"&cursor={page['next']}"
    assert found == [f"note {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    "note",
    [
        {"project": "/p"},
        {"text": "", "project": "/p"},
        {"text": " \n", "project": "/p"},
        {"text": "a\0b", "project": "/p"},
        {"text": "x" * (MAX_TEXT_CHARS + 1), "project": "/p"},
        {"text": 5, "project": "/p"},
        {"text": "x"},
        {"text": "x", "project": "relative"},
        {"text": "x", "project": "/" + "p" * 1_000},
        {"text": "x", "project": "/p", "author": ""},
        {"text": "x", "project": "/p", "path": ["a"]},
        {"text": "x", "project": "/p", "colour": "red"},
    ],
)
def test_a_bad_note_is_refused(daemon: Sandbox, note: dict[str, object]) -> None:
    before = daemon.request("GET", "/api/v1/notes").body
    assert_problem(post(daemon, **note), 400)
    assert daemon.request("GET", "/api/v1/notes").body == before


@pytest.mark.parametrize(
    "query", ["q=", "limit=0", "limit=x", "cursor=x", "project=relative", "colour=red"]
)
def test_a_bad_question_is_refused(daemon: Sandbox, query: str) -> None:
    assert_problem(daemon.request("GET", f"/api/v1/notes?{query}"), 400)


def test_notes_need_the_token_and_other_methods_are_named(daemon: Sandbox) -> None:
    for method, target in (("GET", ""), ("POST", ""), ("DELETE", "/1")):
        answer = daemon.request(method, f"/api/v1/notes{target}", {}, token=False)
        assert_problem(answer, 401)
    answer = daemon.request("PUT", "/api/v1/notes", {})
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert daemon.request("GET", "/api/v1/notes/1").status == 405
    foreign = {"Origin": "http://evil.example"}
    assert_problem(daemon.request("DELETE", "/api/v1/notes/1", headers=foreign), 403)


def test_any_text_comes_back_as_it_was(daemon: Sandbox, tmp_path: Path) -> None:
    said = "größer “quoted” 🎉 </script>\n\ttwo lines"
    assert post(daemon, text=said, project=str(tmp_path)).json()["text"] == said
    post(daemon, text="a lone \ud800 surrogate", project=str(tmp_path))
    assert texts(daemon, f"project={tmp_path}") == ["a lone ? surrogate", said]


def test_no_text_reaches_the_log(daemon: Sandbox) -> None:
    post(daemon, text="UNSPEAKABLE-TEXT", project="/p")
    post(daemon, text="UNSPEAKABLE-TEXT", project="relative")
    log = daemon.log_file
    assert b"UNSPEAKABLE" not in log.read_bytes()


def test_the_command_adds_and_finds(daemon: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    here = tmp_path / "sub"
    added = daemon.run("notes", "--add", "Run the tests with -x", "--path", "ci.yml", cwd=here)
    assert (added.code, added.err) == (0, "")
    assert daemon.run("notes", "--add", "\x1b[31mred\nsecond line", cwd=tmp_path).code == 0
    shown = daemon.run("notes", cwd=tmp_path)
    assert "Run the tests with -x" in shown.out
    assert "ci.yml" in shown.out
    assert "a person" in shown.out
    assert "\x1b" not in shown.out
    found = json.loads(daemon.run("notes", "test", "--json", cwd=here).out)["notes"]
    assert [note["text"] for note in found] == ["Run the tests with -x"]
    assert daemon.run("notes", cwd=daemon.project).out == "no notes here yet\n"
    assert "Run the tests" in daemon.run("notes", "--all", cwd=daemon.project).out
    assert daemon.run("notes", "nothing", "like-that", cwd=here).out == "no note fits\n"


def test_the_command_names_the_session_it_runs_in(daemon: Sandbox, tmp_path: Path) -> None:
    daemon.hook("SessionStart", "0123456789", cwd=str(tmp_path), source="startup")
    for session_id in ("0123456789", "unknown-to-the-daemon"):
        env = daemon.environment(CLAUDE_CODE_SESSION_ID=session_id)
        assert daemon.run("notes", "--add", session_id, env=env, cwd=tmp_path).code == 0
    rows = daemon.request("GET", f"/api/v1/notes?project={tmp_path}").json()["notes"]
    assert [row["author"] for row in rows] == ["a person", "session 01234567"]


def test_the_command_says_what_is_wrong(daemon: Sandbox) -> None:
    for arguments, said in (
        (("--add",), "the note is empty"),
        (("--add", "x" * (MAX_TEXT_CHARS + 1)), "characters"),
        (("--path", "x"), "--path goes with --add"),
    ):
        result = daemon.run("notes", *arguments)
        assert result.code == 2, result
        assert said in result.err
        assert result.out == ""


def test_notes_outlive_a_killed_daemon_and_a_restart(sandbox: Sandbox, tmp_path: Path) -> None:
    """Sealed with the ledger: back after a crash, gone after a clean stop."""
    sandbox.ok("daemon", "start")
    for path in (None, "src/cache.py"):
        note = {"text": "UNSPEAKABLE finding", "project": str(tmp_path), "path": path}
        assert sandbox.request("POST", "/api/v1/notes", note).status == 201
    before = sandbox.request("GET", "/api/v1/notes").json()
    sandbox.ok("daemon", "restart")
    assert sandbox.request("GET", "/api/v1/notes").json() == before
    (process,) = sandbox.daemon_processes()
    process.kill()
    process.wait(TIMEOUT_S)
    for sealed in sandbox.temp.rglob("*"):
        assert not sealed.is_file() or b"UNSPEAKABLE" not in sealed.read_bytes()
    sandbox.ok("daemon", "start")
    assert sandbox.request("GET", "/api/v1/notes").json() == before
    sandbox.ok("daemon", "stop")
    sandbox.ok("daemon", "start")
    assert sandbox.request("GET", "/api/v1/notes").json()["notes"] == []
