"""What the user has set up in Claude Code already."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cco.claude import user_settings
from cco.claude.user_settings import (
    UserSettings,
    exports_telemetry,
    load_given,
    read_user_settings,
)
from cco.errors import UsageInvalid

NOTHING = UserSettings(has_status_line=False, exports_telemetry=False)
STATUS_LINE = {"statusLine": {"type": "command", "command": "mine"}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder that ends the search upwards."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))


def test_nothing_is_set_up(project: Path) -> None:
    assert read_user_settings(project, {}, None) == NOTHING


@pytest.mark.parametrize("name", ["settings.json", "settings.local.json"])
def test_a_status_line_of_the_project(project: Path, name: str) -> None:
    write(project / ".claude" / name, STATUS_LINE)
    assert read_user_settings(project, {}, None).has_status_line
    deeper = project / "src/deeper"
    deeper.mkdir(parents=True)
    assert read_user_settings(deeper, {}, None).has_status_line


def test_the_search_ends_at_the_repository(tmp_path: Path, project: Path) -> None:
    write(tmp_path / ".claude/settings.json", STATUS_LINE)
    assert not read_user_settings(project, {}, None).has_status_line


def test_a_status_line_of_the_user(home: Path, project: Path) -> None:
    write(home / ".claude/settings.json", STATUS_LINE)
    assert read_user_settings(project, {}, None).has_status_line


def test_another_configuration_folder(home: Path, tmp_path: Path, project: Path) -> None:
    write(home / ".claude/settings.json", STATUS_LINE)
    environ = {"CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")}
    assert not read_user_settings(project, environ, None).has_status_line
    write(tmp_path / "elsewhere/settings.json", STATUS_LINE)
    assert read_user_settings(project, environ, None).has_status_line


def test_a_status_line_in_what_was_given(project: Path) -> None:
    assert read_user_settings(project, {}, STATUS_LINE).has_status_line
    assert not read_user_settings(project, {}, {"statusLine": None}).has_status_line


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"x"', "[1", "\udcff", '{"env": []}', '{"env": "x"}']
)
def test_what_cannot_be_read_counts_as_absent(home: Path, project: Path, text: str) -> None:
    path = home / ".claude/settings.json"
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    (project / ".claude/settings.json").mkdir(parents=True)
    assert read_user_settings(project, {}, None) == NOTHING


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
@pytest.mark.parametrize("target", [None, "/dev/zero", "/dev/tty"])
def test_no_project_makes_a_launch_wait(home: Path, project: Path, target: str | None) -> None:
    path = project / ".claude" / "settings.json"
    path.parent.mkdir()
    if target is None:
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    assert read_user_settings(project, {}, None).has_status_line is False


EXPORT = '{"env": {"OTEL_LOGS_EXPORTER": "otlp"}'


@pytest.mark.parametrize(
    "data",
    [
        f'{EXPORT}, "x": {"1" * 5_000}}}'.encode(),
        f'{EXPORT}, "x": -{"9" * 400_000}}}'.encode(),
        f"\ufeff{EXPORT}}}".encode("utf-16-le"),
        f"\ufeff{EXPORT}}}".encode(),
        f'{{"env": {{}}, {EXPORT[1:]}}}'.encode(),
    ],
    ids=["digits", "more digits", "UTF-16", "a mark", "twice"],
)
def test_no_file_that_claude_code_reads_is_hidden(project: Path, data: bytes) -> None:
    path = project / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_bytes(data)
    found = read_user_settings(project, {}, None)
    assert found.exports_telemetry
    assert found.blockers == ()


def test_nesting_that_only_claude_code_can_read_is_told(project: Path) -> None:
    write(project / ".claude" / "settings.json", f'{EXPORT}, "x": {"[" * 5_000}{"]" * 5_000}}}')
    (blocker,) = read_user_settings(project, {}, None).blockers
    assert "nesting too deep" in blocker
    assert str(project) in blocker


def test_a_work_tree_has_the_settings_of_its_repository_too(tmp_path: Path, project: Path) -> None:
    """Whatever its `.git` file names: a repository need not know of it for that."""
    kept = project / ".git" / "worktrees" / "x"
    kept.mkdir(parents=True)
    (kept / "commondir").write_text("../..\n")
    tree = tmp_path / "tree"
    write(tree / ".git", f"gitdir: {kept}\n")
    assert not read_user_settings(tree, {}, None).has_status_line
    write(project / ".claude" / "settings.local.json", STATUS_LINE)
    assert read_user_settings(tree, {}, None).has_status_line
    for wrong in ("gitdir: nowhere", "\0", "gitdir: /dev/zero", "x" * 10_000):
        write(tree / ".git", wrong)
        assert not read_user_settings(tree, {}, None).has_status_line


def test_the_global_file_sets_variables(home: Path, tmp_path: Path, project: Path) -> None:
    write(home / ".claude.json", EXPORT + "}")
    assert read_user_settings(project, {}, None).exports_telemetry
    elsewhere = {"CLAUDE_CONFIG_DIR": str(tmp_path / "elsewhere")}
    assert not read_user_settings(project, elsewhere, None).exports_telemetry
    write(tmp_path / "elsewhere/.claude.json", {"env": {"NO_PROXY": "a", "CCO_TOKEN": "x"}})
    found = read_user_settings(project, elsewhere, None)
    assert found.proxy_exceptions == {"NO_PROXY": "a"}
    assert [one.partition(" in ")[0] for one in found.blockers] == ["env sets CCO_TOKEN"]
    write(home / ".claude.json", {"projects": {"OTEL_": 1}, "statusLine": {"command": "x"}})
    assert read_user_settings(project, {}, None) == NOTHING


def test_an_export_in_settings(home: Path, project: Path) -> None:
    write(home / ".claude/settings.json", {"env": {"OTEL_METRICS_EXPORTER": "otlp"}})
    assert read_user_settings(project, {}, None).exports_telemetry
    given = {"env": {"CLAUDE_CODE_ENABLE_TELEMETRY": "1"}}
    assert read_user_settings(project, {}, given).exports_telemetry


@pytest.mark.parametrize(
    ("name", "exports"),
    [
        ("OTEL_LOGS_EXPORTER", True),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", True),
        ("CLAUDE_CODE_ENABLE_TELEMETRY", True),
        ("OTEL_RESOURCE_ATTRIBUTES", False),
        ("OTEL_LOG_USER_PROMPTS", False),
        ("OTEL_LOG_TOOL_DETAILS", False),
        ("PATH", False),
        ("otel_logs_exporter", False),
    ],
)
def test_which_variables_are_an_export(name: str, exports: bool) -> None:
    assert exports_telemetry({name: "x"}) is exports


@pytest.mark.parametrize(
    ("document", "blocked"),
    [
        ({"disableAllHooks": True}, "disableAllHooks"),
        ({"env": {"CCO_TOKEN": "x"}}, "env"),
        ({"env": {"ORCHESTRATOR_ENABLED": "false"}}, "env"),
        ({"env": {"ORCHESTRATOR_API_URL": "http://localhost:1"}}, "env"),
        ({"env": {"PATH": "/bin"}}, ""),
        ({"env": ["CCO_TOKEN"]}, ""),
        ({"enabledPlugins": {"cco@inline": False}}, "enabledPlugins"),
        ({"enabledPlugins": {"cco@inline": True, "other@inline": False}}, ""),
        ({"enabledPlugins": ["cco@inline"]}, ""),
        ({"disableAllHooks": False}, ""),
        ({"allowedHttpHookUrls": []}, "allowedHttpHookUrls"),
        ({"allowedHttpHookUrls": ["https://hooks.example/*", 5]}, "allowedHttpHookUrls"),
        ({"allowedHttpHookUrls": ["http://127.0.0.1:*"]}, ""),
        ({"allowedHttpHookUrls": ["https://hooks.example/*", "http://127.0.0.1:*/hooks/*"]}, ""),
        ({"allowedHttpHookUrls": ["*"]}, ""),
        ({"allowedHttpHookUrls": None}, ""),
        ({"disableSideloadFlags": True, "allowManagedHooksOnly": True}, ""),  # not the managed ones
    ],
)
def test_what_keeps_hooks_away_is_named(
    home: Path, project: Path, document: dict[str, Any], blocked: str
) -> None:
    write(home / ".claude/settings.json", document)
    blockers = read_user_settings(project, {}, None).blockers
    assert [one.partition(" ")[0].rstrip(",") for one in blockers] == ([blocked] if blocked else [])


@pytest.mark.parametrize("name", ["disableSideloadFlags", "allowManagedHooksOnly"])
def test_managed_settings_can_forbid_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(tmp_path / "managed.json", {name: True})
    monkeypatch.setattr(user_settings, "managed_paths", lambda: [tmp_path / "managed.json"])
    (blocker,) = read_user_settings(tmp_path, {}, None).blockers
    assert name in blocker
    assert "managed" in blocker


@pytest.mark.parametrize(
    ("value", "blocks"),
    [(True, True), (["hooks"], True), (["skills"], False), (False, False), ("hooks", False)],
)
def test_managed_settings_can_lock_the_hooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object, blocks: bool
) -> None:
    write(tmp_path / "managed.json", {"strictPluginOnlyCustomization": value})
    monkeypatch.setattr(user_settings, "managed_paths", lambda: [tmp_path / "managed.json"])
    assert bool(read_user_settings(tmp_path, {}, None).blockers) is blocks


def test_managed_settings_are_a_file_and_those_beside_it(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_settings, "managed_folder", lambda: tmp_path / "managed")
    write(tmp_path / "managed/managed-settings.json", {"env": {"NO_PROXY": "a", "X": "1"}})
    write(tmp_path / "managed/managed-settings.d/20.json", {"env": {"NO_PROXY": "b"}})
    write(tmp_path / "managed/managed-settings.d/10.json", {"allowManagedHooksOnly": True})
    write(tmp_path / "managed/managed-settings.d/.hidden.json", {"disableSideloadFlags": True})
    write(tmp_path / "managed/managed-settings.d/notes.txt", {"disableSideloadFlags": True})
    found = read_user_settings(project, {}, None)
    (blocker,) = found.blockers
    assert blocker.startswith("allowManagedHooksOnly in the managed settings (")
    assert "10.json" in blocker
    assert found.managed_variables == {"NO_PROXY": "b", "X": "1"}


@pytest.mark.parametrize(
    ("name", "ours", "other"),
    [
        ("allowedHttpHookUrls", "http://127.0.0.1:*", "https://hooks.example/*"),
        ("httpHookAllowedEnvVars", "CCO_TOKEN", "MY_TOKEN"),
    ],
)
def test_lists_of_what_hooks_may_do_are_joined(
    home: Path, project: Path, name: str, ours: str, other: str
) -> None:
    """As the client's own description of its settings says."""
    write(home / ".claude/settings.json", {name: [other]})
    (blocker,) = read_user_settings(project, {}, None).blockers
    assert blocker.startswith(f"{name} in ")
    write(project / ".claude/settings.json", {name: [ours]})
    assert read_user_settings(project, {}, None).blockers == ()


def test_inline_settings(tmp_path: Path) -> None:
    assert load_given('{"a": "ü\\n"}', tmp_path) == {"a": "ü\n"}
    assert load_given(' \n{"a": 1}', tmp_path) == {"a": 1}


def test_settings_in_a_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "my settings.json", {"a": 1})
    assert load_given("my settings.json", tmp_path) == {"a": 1}
    assert load_given(str(tmp_path / "my settings.json"), Path("/")) == {"a": 1}
    write(home / "s.json", {"b": 2})
    assert load_given("~/s.json", tmp_path) == {"b": 2}
    (tmp_path / "bom.json").write_bytes(b'\xef\xbb\xbf{"c": 3}')
    assert load_given("bom.json", tmp_path) == {"c": 3}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("absent.json", "No such file"),
        ("", "cannot be read"),
        (".", "cannot be read"),
        ("~nobody-of-that-name/x", "No such file"),
        ("x" * 5_000, "cannot be read"),
        ("{", "not JSON"),
        ('{"a": NaN', "not JSON"),
        ('{"a":' * 100_000, "not JSON"),
        ("list.json", "not a JSON object"),
        ("binary.json", "not UTF-8"),
        ("large.json", "larger than"),
        ("[]", "No such file"),
    ],
)
def test_what_cannot_be_used_is_said_so(tmp_path: Path, value: str, reason: str) -> None:
    write(tmp_path / "list.json", [])
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.json").write_bytes(b" " * (5 << 20))
    with pytest.raises(UsageInvalid, match=reason):
        load_given(value, tmp_path)


def test_numbers_that_no_json_holds_do_not_get_into_our_copy(tmp_path: Path) -> None:
    """Python would write Infinity, over which Claude Code refuses the whole copy."""
    assert json.dumps(load_given('{"a": [1e999, -1e999]}', tmp_path)) == (
        '{"a": [1.7976931348623157e+308, -1.7976931348623157e+308]}'
    )
    for constant in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(UsageInvalid, match="is not JSON"):
            load_given(f'{{"a": {constant}}}', tmp_path)


def test_a_file_that_is_not_all_utf8_is_read_as_claude_code_reads_it(project: Path) -> None:
    path = project / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'{"statusLine": {"command": "\xff"}}')
    assert read_user_settings(project, {}, None).has_status_line
