"""The scripts as texts: no fault that a linter knows, and documented as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import powershell_syntax
import pytest
from npm_parts import is_installed
from release.names import RELEASES

ROOT = Path(__file__).parents[2]
SHELL_SCRIPT = ROOT / "installers/install.sh"
POWERSHELL = ROOT / "installers/install.ps1"
DOCUMENT = (ROOT / "docs/install.md").read_text()


def test_shellcheck_finds_nothing() -> None:
    beside = Path(sys.executable).parent / "shellcheck"
    shellcheck = str(beside) if beside.exists() else shutil.which("shellcheck")
    assert shellcheck, "make bootstrap installs it"
    scripts = [ROOT / "installers/install.sh", *sorted((ROOT / "build").glob("*.sh"))]
    command = [shellcheck, "--norc", *map(str, scripts)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_powershell_script_is_powershell(tmp_path: Path) -> None:
    if not is_installed(powershell_syntax.PINNED, powershell_syntax.INSTALLED):
        pytest.skip("the parser is not there: make test-tools")
    assert powershell_syntax.find_faults(POWERSHELL) == ""
    broken = tmp_path / "broken.ps1"
    text = POWERSHELL.read_text()
    broken.write_text(text.replace("function Find-CcoNewest(", "function Find-CcoNewest((", 1))
    assert re.search(r"broken\.ps1:\d+:\d+: ", powershell_syntax.find_faults(broken))


def test_old_powershells_read_the_script_as_it_is() -> None:
    """Windows PowerShell 5.1 takes a file without a mark for one in the system's code page."""
    text = POWERSHELL.read_bytes()
    assert text.isascii()
    for later in (b"??", b"?.", b" && ", b" || ", b"-Parallel", b"ternary"):
        assert later not in text


@pytest.mark.parametrize(
    ("script", "calls"),
    [(SHELL_SCRIPT, r"cco_fail (\d+) |exit (\d+)"), (POWERSHELL, r"Stop-CcoInstall (\d+) ")],
)
def test_every_exit_code_is_documented(script: Path, calls: str) -> None:
    text = script.read_text()
    used = {int(code) for found in re.findall(calls, text) for code in found if code.isdigit()}
    assert {2, 3, 5, 6, 7} <= used
    told = text.lower().partition("exit codes: ")[2].partition("\n\n")[0]
    assert used <= {int(code) for code in re.findall(r"\b\d+\b", told)}
    assert used <= {int(code) for code in re.findall(r"^\| (\d+) \|", DOCUMENT, re.M)}


def test_the_scripts_know_the_place_of_the_releases() -> None:
    for script in (SHELL_SCRIPT, POWERSHELL):
        assert RELEASES in script.read_text()


@pytest.mark.parametrize("word", ["sudo ", "eval ", "sh -c", "/etc/"])
def test_it_asks_for_no_more_than_it_needs(word: str) -> None:
    lines = [line.partition("#")[0] for line in SHELL_SCRIPT.read_text().splitlines()]
    assert not [line for line in lines if word in line]
