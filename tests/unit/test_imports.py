"""Who imports whom: downwards only, and as little as possible where every millisecond counts."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cco
from tests.conftest import Sandbox

ROOT = Path(cco.__file__).parent
LAYERS = [
    {"cco.errors"},
    {"cco.build_info", "cco.files", "cco.folders", "cco.own_command"},
    {"cco.config"},
    {"cco.redaction", "cco.unexpected"},
    {"cco.sealing"},
    {"cco.catalogue"},
    {"cco.ledger", "cco.claude", "cco.installation"},
    {"cco.daemon"},
    {"cco.demo", "cco.doctor"},
    {"cco.cli"},
    {"cco.__main__"},
]
"""From the bottom up. A part imports from its own and from lower layers; two parts of one layer do
not know each other."""

HEAVY = frozenset(
    "click tornado asyncio cryptography psutil platformdirs yaml machineid tomllib".split()
)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    """The layered part that a module of ours belongs to; the bare package belongs to none."""
    return ".".join(module.split(".")[:2])


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere in it, function bodies included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            if node.module == "cco":
                yield from (f"cco.{alias.name}" for alias in node.names)
            else:
                yield node.module


FILES = sorted(ROOT.rglob("*.py"))
RANKS = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
NAMES = [str(path.relative_to(ROOT)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_point_downwards(path: Path) -> None:
    part = part_of(module_of(path))
    if part == "cco":
        assert [name for name in imports(path) if name.startswith("cco")] == []
        return
    for name in imports(path):
        if name.split(".")[0] != "cco":
            continue
        other = part_of(name)
        assert other in RANKS, f"{path} imports {name}, which no layer knows"
        assert other == part or RANKS[other] < RANKS[part], f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_only_the_daemon_imports_tornado_and_only_the_command_line_click(path: Path) -> None:
    part = part_of(module_of(path))
    names = {name.split(".")[0] for name in imports(path)}
    if part != "cco.daemon":
        assert not names & {"tornado", "asyncio"}
    if part != "cco.cli":
        assert "click" not in names


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_only_the_command_line_prints(path: Path) -> None:
    if part_of(module_of(path)) == "cco.cli":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_are_of_a_size_to_be_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_every_part_is_in_a_layer() -> None:
    parts = {part_of(module_of(path)) for path in FILES} - {"cco"}
    assert parts <= set(RANKS)


# --- the hot paths ---


def imported(arguments: list[str], env: dict[str, str], stdin: bytes = b"") -> set[str]:
    """The top-level modules that a fresh Python imported to run something to its end."""
    process = subprocess.run(
        [sys.executable, "-I", "-X", "importtime", *arguments],
        env=env,
        input=stdin,
        capture_output=True,
        check=False,
    )
    lines = process.stderr.decode().splitlines()
    assert process.returncode == 0, "\n".join(one for one in lines if "import time" not in one)
    modules = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert {"cco", "cco.errors"} & modules, "nothing was measured"
    return {module.split(".")[0] for module in modules}


@pytest.mark.parametrize(
    "arguments",
    [["version"], ["--version"], ["version", "--json"], ["hook", "SessionStart"], ["hook", "Stop"],
     ["statusline"]],
    ids=" ".join,
)  # fmt: skip
def test_hot_commands_import_little(daemon: Sandbox, arguments: list[str]) -> None:
    found = imported(
        ["-m", "cco", *arguments], daemon.session_environment(), b'{"session_id": "s"}'
    )
    assert not found & HEAVY


def test_outside_a_session_a_hook_imports_little(daemon: Sandbox) -> None:
    for command in (["hook", "SessionStart"], ["statusline"]):
        assert not imported(["-m", "cco", *command], daemon.environment()) & HEAVY


def test_the_health_probe_imports_little(daemon: Sandbox) -> None:
    settings = daemon.sealed().settings
    probe = "from cco.daemon.client import is_alive; raise SystemExit(not is_alive({}, {!r}))"
    code = probe.format(settings.port, settings.token)
    assert not imported(["-c", code], daemon.environment()) & HEAVY


def claude_that_does_nothing(folder: Path) -> str:
    program = folder / "claude"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    return str(program)


def test_a_plain_launch_imports_no_daemon(daemon: Sandbox, tmp_path: Path) -> None:
    program = claude_that_does_nothing(tmp_path)
    env = daemon.environment(CCO_CLAUDE=program, ORCHESTRATOR_ENABLED="false")
    heavy = HEAVY - {"platformdirs"} if sys.platform != "linux" else HEAVY
    assert not imported(["-m", "cco", "-p", "x"], env) & heavy


def test_a_launch_imports_what_unsealing_takes_and_no_more(daemon: Sandbox, tmp_path: Path) -> None:
    """Inspecting source, which dataclasses do, alone takes as long as a bare Python."""
    env = daemon.environment(CCO_CLAUDE=claude_that_does_nothing(tmp_path))
    heavy = (HEAVY | {"dataclasses", "inspect"}) - {"cryptography", "machineid"}
    if sys.platform != "linux":
        heavy -= {"platformdirs"}
    found = imported(["-m", "cco", "-p", "x"], env)
    assert not found & heavy
    assert "cryptography" in found, "nothing was unsealed"
