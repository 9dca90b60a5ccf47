"""Claude Code's command line: what is taken out and merged, and what stays as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.claude.arguments import UserArguments, orchestrated, parse, runs_a_session

NUDGE = "use the specialists"
words = st.text(alphabet=st.characters(exclude_characters="\0"), max_size=8) | st.sampled_from(
    ["--settings", "--append-system-prompt", "--settings=x", "-p", "--", "", "--model", "é\n", "-"]
)


def ours(user: UserArguments) -> list[str]:
    return orchestrated(user, settings="/bridge.json", plugin="/plugin", nudge=NUDGE)


@pytest.mark.parametrize(
    ("arguments", "rest", "settings", "prompt"),
    [
        ([], [], None, None),
        (["-p", "hello"], ["-p", "hello"], None, None),
        (["--settings", "a.json"], [], "a.json", None),
        (["--settings=a.json"], [], "a.json", None),
        (["--settings="], [], "", None),
        (["--settings", ""], [], "", None),
        (["--settings", "a", "--settings=b", "--settings", "c"], [], "c", None),
        (["--settings", "c", "--settings=b"], [], "b", None),
        (["--settings", '{"a": "--settings"}'], [], '{"a": "--settings"}', None),
        (["--settings", "--settings"], [], "--settings", None),
        (["--settings", "--", "x"], ["x"], "--", None),
        (["--", "--settings", "a"], ["--", "--settings", "a"], None, None),
        (["-p", "--", "--settings=a"], ["-p", "--", "--settings=a"], None, None),
        (["--settings"], ["--settings"], None, None),
        (["--append-system-prompt", "be brief"], [], None, "be brief"),
        (["--append-system-prompt=be\nbrief"], [], None, "be\nbrief"),
        (["--append-system-prompt", ""], [], None, ""),
        (["--append-system-prompt"], ["--append-system-prompt"], None, None),
        (["--append-system-prompt", "--settings", "x"], ["x"], None, "--settings"),
        (["--model", "--settings", "x"], ["--model", "--settings", "x"], None, None),
        (["-n", "--settings"], ["-n", "--settings"], None, None),
        (["--model=opus", "--settings", "x"], ["--model=opus"], "x", None),
        (["--settings-file", "x"], ["--settings-file", "x"], None, None),
        (["--Settings", "x"], ["--Settings", "x"], None, None),
        (["", "é", 'a "b" \'c\'', "a\nb"], ["", "é", 'a "b" \'c\'', "a\nb"], None, None),
        (["--system-prompt-file", "--settings"],
         ["--system-prompt-file", "--settings"], None, None),
        (["-p", "x", "--resume", "--settings", "a"], ["-p", "x", "--resume"], "a", None),
        (["--plugin-dir", "--settings", "--mcp-config", "m.json"],
         ["--plugin-dir", "--settings", "--mcp-config", "m.json"], None, None),
    ],
)  # fmt: skip
def test_only_what_must_be_merged_is_taken_out(
    arguments: list[str], rest: list[str], settings: str | None, prompt: str | None
) -> None:
    assert parse(arguments) == UserArguments(tuple(rest), settings, prompt)


@given(st.lists(words))
def test_nothing_else_changes(arguments: list[str]) -> None:
    user = parse(arguments)
    rest = list(user.rest)
    remaining = iter(arguments)
    assert all(word in remaining for word in rest)  # in order, with gaps where ours was
    taken = len(arguments) - len(rest)
    assert (taken == 0) == (user.settings is None and user.append_system_prompt is None)
    assert ours(user)[6:] == rest


@given(st.lists(words))
def test_after_two_dashes_everything_stays(arguments: list[str]) -> None:
    assert parse(["--", *arguments]) == UserArguments(("--", *arguments))


def test_ours_come_first() -> None:
    assert ours(parse(["-p", "hello"])) == [
        "--settings", "/bridge.json",
        "--plugin-dir", "/plugin",
        "--append-system-prompt", NUDGE,
        "-p", "hello",
    ]  # fmt: skip


@pytest.mark.parametrize("prompt", ["be brief", "", "--help", "a\n\nb", "größer"])
def test_a_users_own_prompt_follows_ours(prompt: str) -> None:
    for arguments in (["--append-system-prompt", prompt], [f"--append-system-prompt={prompt}"]):
        found = ours(parse([*arguments, "-p"]))
        assert found.count("--append-system-prompt") == 1
        assert found[found.index("--append-system-prompt") + 1] == f"{NUDGE}\n\n{prompt}"
        assert found[-1] == "-p"


def test_a_users_file_to_append_follows_both() -> None:
    """Claude Code took no file beside a prompt for long; a file that cannot be merged stays."""
    user = parse(["--append-system-prompt-file=a.txt", "--append-system-prompt", "be brief", "-p"])
    assert user.append_system_prompt_file == "a.txt"
    paths = {"settings": "/bridge.json", "plugin": "/plugin"}
    merged = orchestrated(user, **paths, nudge=NUDGE, appended="be kind")
    assert merged[4:] == ["--append-system-prompt", f"{NUDGE}\n\nbe brief\n\nbe kind", "-p"]
    assert ours(user)[5:] == [
        f"{NUDGE}\n\nbe brief", "--append-system-prompt-file", "a.txt", "-p"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "arguments", [[], ["-p", "x"], ["--bg", "x"], ["-c"], ["fix the tests"], ["--resume", "mcp"],
                  ["--", "mcp"], [""], ["--model", "opus", "mcp"], ["-p", "--help"], ["MCP"]]
)  # fmt: skip
def test_these_start_a_session(arguments: list[str]) -> None:
    assert runs_a_session(arguments)


@pytest.mark.parametrize(
    "first",
    ["mcp", "update", "plugin", "doctor", "install", "auth", "agents", "--version", "-v", "--help"],
)
def test_these_manage_the_client(first: str) -> None:
    assert not runs_a_session([first])
    assert not runs_a_session([first, "list", "--settings", "x"])
