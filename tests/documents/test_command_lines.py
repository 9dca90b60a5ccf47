"""Every command line that is shown works as it is shown, from source and frozen."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from cco.cli import COMMANDS
from cco.errors import CcoError
from tests.browser import scenes
from tests.conftest import TIMEOUT_S, Sandbox, free_port, make_sandbox
from tests.documents.command_lines import (
    ROOT,
    Shown,
    is_complete,
    is_synopsis,
    lines_of,
    resolve,
    shown_lines,
)
from tests.fake_claude import FakeClaude

SESSION = "0d6e5a1c-6f0e-4a8e-9d4b-1f2a3b4c5d6e"
NOT_HERE = {
    r"^curl .*install\.sh": "the network; tests/installers/test_install_sh.py runs it, served here",
    r"^(irm|Get-ChildItem|&) ": "PowerShell; tests/installers/test_scripts.py reads install.ps1",
    r"^curl -N ": "it never ends; tests/integration/test_api_streams.py reads that stream",
    r"^(brew|winget|apt) ": "other package managers; tests/installers has their manifests",
    r"^gh ": "GitHub, after a release; tests/release runs what comes before",
    r"^git (tag|push)": "it would release; tests/release/test_workflow_runs.py runs what follows",
    r"^ssh ": "another machine",
    r"^npm install -g": "the network, and every account of this machine",
    r"^claude ": "Claude Code's own, without cco",
    r"^xattr ": "macOS",
    r"^sha256sum ": "the files of a release; tests/release/test_assets.py checks them",
    r"^prometheus ": "tests/integration/test_metrics_prometheus.py runs them with their files",
    r"^(python build\\|set CCO_TEST_BINARY|python -m pytest tests\\)": "Windows",
    r"^python build/(windows|pack\.py)": "wine, or minutes; tests/windows and tests/installers do",
    r"^python -m tests\.(routing|bench)": "figures, minutes; test_documents.py compares the first",
    r"^(cco|dist/cco) demo": "long; tests/e2e/test_demo.py runs it with the real client",
    r"cco completion (bash|zsh|fish)": "in that shell; tests/installers/test_completions.py does",
    r"^cco daemon run": "until Ctrl-C; tests/integration/test_daemon_lifecycle.py ends it",
    r"^cco daemon logs .*--follow": "until Ctrl-C; tests/integration/test_daemon_log.py reads on",
    r"^cco (hook|statusline)": "Claude Code calls it; tests/integration/test_hook_command.py does",
    r"^TMPDIR=~": "a daemon more; tests/integration/test_daemon_places.py starts it",
}
"""Lines that are not run here, each kind with the reason and what runs it in its stead."""
ONLY_FROZEN = r"^(cco|\./cco|dist/cco) install"
"""A source checkout is installed by nothing: there the line is known, and refused."""

BEFORE = {r"daemon start --port": "cco daemon stop"}
"""What a reader has done before, where that is not to work."""
EXIT_CODES = {"cco agents lint": 1}
"""Other than 0, since the definition that docs/agents.md begins with has a flaw, as it says."""

LINES = shown_lines()
RUN = [
    one
    for one in LINES
    if not is_synopsis(one.line)
    and not any(re.search(pattern, one.line) for pattern in NOT_HERE)
    and (not one.inline or not one.line.startswith("cco ") or is_complete(one.line))
]
CASES = [
    pytest.param(form, one, id=f"{form}-{one.line}")
    for form in ("source", "frozen")
    for one in RUN
    if form == "source" or re.search(r"\bcco\b", one.line)
]
MENTIONED = [one for one in LINES if re.match(r"(dist/|\./)?cco ", one.line) and one not in RUN]


class Desk:
    """A sandbox in which somebody has worked, and a shell in it."""

    def __init__(self, place: Sandbox, client: FakeClaude) -> None:
        self.place, self.client = place, client
        self.bin = place.root / "bin"
        self.bin.mkdir()
        self._put("cco", shlex.join(place.command))
        self._put("python", shlex.quote(str(ROOT / ".venv/bin/python")))
        (place.home / "shop").mkdir()
        (place.project / "src").mkdir()
        agents = place.home / ".config/cco/agents"
        agents.mkdir(parents=True)
        document = (ROOT / "docs/agents.md").read_text()
        definition = document.partition("```markdown\n")[2].partition("```")[0]
        (agents / "dock-worker.md").write_text(definition)

    def _put(self, name: str, command: str) -> None:
        path = self.bin / name
        path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        path.chmod(0o755)

    def prepare(self) -> None:
        """Have a daemon that knows a session, whatever the line before this one did."""
        with suppress(CcoError, OSError):
            if self.place.request("GET", f"/api/v1/sessions/{SESSION}").status == 200:
                return
        if self.place.run("daemon", "status").code != 0:
            self.place.ok("daemon", "start")
        scenes.team(self.place, SESSION, str(self.place.project))
        scenes.meeting(self.place, SESSION, str(self.place.project))
        self.place.hook("SubagentStop", SESSION, agent_id=f"{SESSION}-db", agent_type="cco:x")

    def environment(self) -> dict[str, str]:
        env = self.place.environment(
            CCO_CLAUDE=str(self.client.path),
            NO_COLOR="1",
        )
        return {**env, "PATH": f"{self.bin}:{os.environ['PATH']}"}

    def filled_in(self, line: str) -> str:
        """The line with what its reader would put in the place of names."""
        line = re.sub(r"\b300[01]\b", lambda _: str(free_port()), line)
        line = re.sub(r"^(dist/|\./)cco", "cco", line)
        line = line.replace("/opt/claude/bin/claude", str(self.client.path))
        for name, meant in {"ID": SESSION[:8], "NAME": "debugger", "DIR": "~/prefix"}.items():
            line = re.sub(rf"(?<=[ =]){name}\b", meant, line)
        return re.sub(r"^make ", f"make -n -C {shlex.quote(str(ROOT))} ", line)

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", self.filled_in(line)],
            env=self.environment(),
            cwd=ROOT if line.startswith("python ") else self.place.project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )


@pytest.fixture(scope="module")
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    place = make_sandbox(request.param, folder / "box")
    yield Desk(place, FakeClaude(folder / "fake"))
    place.close()


@pytest.mark.parametrize(("desk", "shown"), CASES, indirect=["desk"])
def test_it_works(desk: Desk, shown: Shown) -> None:
    desk.prepare()
    for pattern, line in BEFORE.items():
        if re.search(pattern, shown.line):
            assert desk.run(line).returncode == 0
    done = desk.run(shown.line)
    if re.match(ONLY_FROZEN, shown.line) and not desk.place.frozen:
        assert (done.returncode, "make freeze" in done.stderr) == (14, True), done
        return
    assert done.returncode == EXIT_CODES.get(shown.line, 0), done
    assert "Traceback" not in done.stderr
    if shown.output:
        assert_like(done.stdout.splitlines(), shown.output)


def assert_like(printed: Sequence[str], expected: Sequence[str]) -> None:
    """Every line that is shown is printed, in this order; `…` is anything, numbers are numbers."""
    rest = [_normal(line) for line in printed]
    for line in expected:
        if line == "…":
            continue
        pattern = re.escape(_normal(line)).replace("…", ".*")
        while rest and not re.fullmatch(pattern, rest[0]):
            rest.pop(0)
        assert rest, f"{line!r} is not in {printed}"
        rest.pop(0)


def _normal(line: str) -> str:
    return re.sub(r" +", " ", re.sub(r"\d+", "0", line)).strip()


# --- what is shown without being run ---


@pytest.mark.parametrize("shown", MENTIONED, ids=lambda one: one.line)
def test_what_is_only_mentioned_exists(shown: Shown) -> None:
    words = re.sub(r'"[^"]*"', "", shown.line).split()[1:]
    name = words[0].split("|")[0] if words else ""
    if name in ("hook", "statusline", "version") or name not in COMMANDS:
        return  # no command of click's: a launch, or one that needs none
    command, rest = resolve(word.split("|")[0] for word in words)
    assert name == command.name or command.name != "cco"
    options = {flag for one in command.params for flag in (*one.opts, *one.secondary_opts)}
    for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(rest)):
        assert flag in options, f"{shown.line}: {flag}"


def test_the_table_of_commands_has_every_option() -> None:
    table = (ROOT / "docs/cli.md").read_text()
    rows = re.findall(r"^\| `cco ((?:[^`\\]|\\.)+)`", table, re.MULTILINE)
    told: dict[str, set[str]] = {}
    for row in rows:
        head, *alternatives = row.replace("\\|", "|").split("|", 1)
        first = head.split()
        names = [head] if not alternatives or len(first) < 2 else [head, row]
        for text in names:
            command, _ = resolve(word.split("|")[0] for word in text.split())
            flags = set(re.findall(r"--[a-z][a-z-]*", row))
            told.setdefault(str(id(command.callback)), set()).update(flags)
    for row in rows:
        command, _ = resolve(word.split("|")[0] for word in row.replace("\\|", "|").split())
        if command.name == "cco" or not command.params:
            continue
        options = {one.opts[0] for one in command.params if one.opts[0].startswith("--")}
        short = {"--lines"}  # told as -n
        assert options - short <= told[str(id(command.callback))], row


@pytest.mark.parametrize("pattern", NOT_HERE)
def test_every_reason_is_needed(pattern: str) -> None:
    assert any(re.search(pattern, one.line) for one in LINES)


@pytest.mark.parametrize("reason", sorted(set(NOT_HERE.values())))
def test_what_a_reason_names_is_there(reason: str) -> None:
    for path in re.findall(r"tests/[\w/]+(?:\.py)?", reason):
        assert (ROOT / path).exists(), path


def test_lines_are_found_and_parted_from_what_is_said_of_them() -> None:
    document = (
        'Run `cco top`, or `cco`:\n\n```\ncco -p "a  b"    asks\nmake demo  # builds\nwords\n```\n'
        "\n```console\n$ cco usage\ntotal $1\n```\n\n```toml\ncco = 1\n```\n"
    )
    found = [(one.line, one.output) for one in lines_of(document, "x.md")]
    assert found == [
        ('cco -p "a  b"', []),
        ("make demo", []),
        ("cco usage", ["total $1"]),
        ("cco top", []),
    ]


def test_output_is_compared_in_order() -> None:
    assert_like(["a 12", "b", "c /x/y"], ["a 5", "…", "c …"])
    with pytest.raises(AssertionError):
        assert_like(["b", "a"], ["a", "b"])
    with pytest.raises(AssertionError):
        assert_like(json.dumps({}).splitlines(), ["[]"])


@pytest.mark.parametrize("desk", ["source", "frozen"], indirect=True)
def test_endless_lines_end_when_interrupted(desk: Desk) -> None:
    """`cco daemon logs -n 20 --follow`, as its help has it."""
    desk.prepare()
    with subprocess.Popen(
        [*desk.place.command, "daemon", "logs", "-n", "20", "--follow"],
        env=desk.environment(), stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) in (0, 130)


def test_no_document_is_left_out() -> None:
    told = {Path(place) for one in LINES for place in one.places if place.endswith(".md")}
    assert Path("README.md") in told
    assert Path("docs/cli.md") in told
