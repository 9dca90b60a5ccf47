"""installers/install.sh against a release server on loopback: what it does and what it refuses."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TIMEOUT_S, Result, wait_until
from tests.installers.release_server import VERSION, Release, serve
from tests.installers.script import PLATFORM, SCRIPT, SHELLS, STAND_IN, Machine

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="runs as on Linux")
SHA256 = hashlib.sha256(STAND_IN).hexdigest()


@pytest.fixture
def release() -> Iterator[Release]:
    with serve() as served:
        served.publish(STAND_IN, PLATFORM)
        yield served


@pytest.fixture(params=SHELLS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    """A machine whose sh is each of the shells in turn."""
    if shutil.which(SHELLS[request.param][0]) is None:
        pytest.skip(f"no {request.param} here: build/installer_tools.sh installs it on Debian")
    return Machine(tmp_path / "a machine", request.param)


@pytest.fixture
def dash(tmp_path: Path) -> Machine:
    """A machine for what does not depend on the shell."""
    return Machine(tmp_path / "a machine", "dash")


def refused(result: Result, code: int, *parts: str) -> None:
    """It ended with this code and one clear line."""
    assert result.code == code, result
    lines = [line for line in result.err.splitlines() if "downloading" not in line]
    assert len(lines) == 1, result.err
    assert lines[0].startswith("install.sh: error: ")
    for part in parts:
        assert part in lines[0]
    assert result.out == ""


# --- what goes well ---


@pytest.mark.parametrize("downloader", ["curl", "wget"])
def test_the_newest_is_downloaded_verified_and_installed(
    machine: Machine, release: Release, downloader: str
) -> None:
    machine.tools.remove("wget" if downloader == "curl" else "curl")
    result = machine.run(release.base)
    assert result.code == 0, result
    assert machine.ran == ["version", "install"]
    assert (machine.home / ".local/bin/cco").read_bytes() == STAND_IN
    folder = f"/download/v{VERSION}"
    assert release.asked == [
        "/latest/download/SHA256SUMS",
        f"{folder}/SHA256SUMS",
        f"{folder}/cco-{VERSION}-{PLATFORM}",
    ]


def test_a_version_a_prefix_and_path(machine: Machine, release: Release, tmp_path: Path) -> None:
    release.publish(STAND_IN + b"# newer\n", PLATFORM, "10.0.0")
    prefix = tmp_path / "it's a $(prefix) \\ größe"
    arguments = ["--version", f"v{VERSION}", f"--prefix={prefix}", "--modify-path"]
    result = machine.run(release.base, *arguments)
    assert result.code == 0, result
    assert machine.ran == ["version", f"install --prefix {prefix} --modify-path"]
    assert (prefix / "bin/cco").read_bytes() == STAND_IN
    assert list(machine.home.iterdir()) == []
    assert not any("10.0.0" in path or "latest" in path for path in release.asked)
    gone = machine.run(release.base, "--uninstall", "--prefix", str(prefix), "--purge")
    assert gone.code == 0, gone
    assert machine.ran[2:] == [f"install --uninstall --prefix {prefix} --purge"]
    assert len(release.asked) == 2


def test_a_relative_prefix(machine: Machine, release: Release) -> None:
    assert machine.run(release.base, "--prefix", "here").code == 0
    assert (machine.cwd / "here/bin/cco").exists()


def test_an_older_one_is_replaced(machine: Machine, release: Release) -> None:
    program = machine.home / ".local/bin/cco"
    program.parent.mkdir(parents=True)
    program.write_text("an older one")
    assert machine.run(release.base).code == 0
    assert program.read_bytes() == STAND_IN


@pytest.mark.parametrize("named", ["SHA256SUMS", "--sha256", "--SHA256"])
def test_offline_from_a_downloaded_file(machine: Machine, named: str, release: Release) -> None:
    folder = machine.root / "Down loads"
    folder.mkdir()
    file = folder / f"cco-{VERSION}-{PLATFORM}"
    file.write_bytes(STAND_IN)
    arguments = ["--file", str(file)]
    if named == "SHA256SUMS":
        (folder / named).write_bytes(release.sums)
    else:
        file = file.rename(folder / "renamed")
        digest = SHA256.upper() if named == "--SHA256" else SHA256
        arguments = ["--file", f"../{folder.name}/renamed", "--sha256", digest]
    for tool in ("curl", "wget"):
        machine.tools.remove(tool)
    result = machine.run("http://127.0.0.1:1", *arguments)
    assert result.code == 0, result
    assert (machine.home / ".local/bin/cco").read_bytes() == STAND_IN
    assert file.read_bytes() == STAND_IN


def test_a_dry_run_only_tells(machine: Machine, release: Release) -> None:
    result = machine.run(release.base, "--dry-run")
    assert result.code == 0, result
    for part in (f"cco-{VERSION}-{PLATFORM}", SHA256, f"{machine.home}/.local/bin/cco"):
        assert part in result.out
    assert machine.untouched()
    assert not any(path.endswith(PLATFORM) for path in release.asked)


@pytest.mark.parametrize("tool", ["sha256sum", "shasum", "openssl"])
def test_any_tool_for_checksums_will_do(dash: Machine, release: Release, tool: str) -> None:
    dash.tools.remove("sha256sum")
    dash.tools += [tool, *(["perl"] if tool == "shasum" else [])]
    assert dash.run(release.base).code == 0
    release.files[f"/download/v{VERSION}/cco-{VERSION}-{PLATFORM}"] += b"#"
    refused(dash.run(release.base), 6, "not what was released")


def test_it_can_be_piped_into_a_shell(machine: Machine, release: Release) -> None:
    shell, *options = SHELLS[machine.shell]
    with SCRIPT.open("rb") as script:
        done = subprocess.run(
            [str(shutil.which(shell)), *options, "-s", "--", "--prefix", str(machine.cwd)],
            stdin=script, env=machine.environment(release.base), capture_output=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done
    assert (machine.cwd / "bin/cco").exists()


def test_help(machine: Machine) -> None:
    result = machine.run("", "--help")
    assert result.code == 0
    for option in re.findall(r"^  (--[a-z0-9-]+)", result.out, re.M):
        assert f"{option})" in SCRIPT.read_text()


# --- what is refused ---


def test_a_tampered_file_is_never_run(machine: Machine, release: Release) -> None:
    path = f"/download/v{VERSION}/cco-{VERSION}-{PLATFORM}"
    release.files[path] = STAND_IN.replace(b"notes", b"noted")
    refused(machine.run(release.base), 6, "not what was released", SHA256)
    assert machine.untouched()


@pytest.mark.parametrize(
    "sums",
    [
        b"",
        b"\n\n",
        b"<html>not found</html>",
        f"{SHA256}  cco-{VERSION}-{PLATFORM}.tar.gz\n".encode(),
        f"{SHA256}  x-cco-{VERSION}-{PLATFORM}\n".encode(),
        f"{SHA256[:-1]}  cco-{VERSION}-{PLATFORM}\n".encode(),
        f"{SHA256[:-1]}g  cco-{VERSION}-{PLATFORM}\n".encode(),
        f"{SHA256}  cco-{VERSION}-{PLATFORM}\n{'0' * 64}  cco-{VERSION}-{PLATFORM}\n".encode(),
        f"  cco-{VERSION}-{PLATFORM}\n".encode(),
    ],
    ids=range(9),
)
def test_checksums_that_make_no_sense_are_refused(
    machine: Machine, release: Release, sums: bytes
) -> None:
    release.files[f"/download/v{VERSION}/SHA256SUMS"] = sums
    refused(machine.run(release.base, "--version", VERSION), 6, "SHA256SUMS")
    assert machine.untouched()


def test_a_newest_release_that_makes_no_sense(dash: Machine, release: Release) -> None:
    for sums in (b"", f"{SHA256}  cco-1.0.0-plan9-mips\n".encode(), release.sums * 2,
                 f"{SHA256}  cco-$(id)-{PLATFORM}\n".encode()):  # fmt: skip
        release.files[f"/download/v{VERSION}/SHA256SUMS"] = sums
        refused(dash.run(release.base), 3, "newest", PLATFORM)
    assert dash.untouched()


def test_checksums_in_binary_mode_and_without_a_last_newline(
    machine: Machine, release: Release
) -> None:
    sums = f"{'0' * 64} *other\n{SHA256} *cco-{VERSION}-{PLATFORM}".encode()
    release.files[f"/download/v{VERSION}/SHA256SUMS"] = sums
    assert machine.run(release.base, "--version", VERSION).code == 0


def test_without_checksums_nothing_is_installed(machine: Machine, release: Release) -> None:
    del release.files[f"/download/v{VERSION}/SHA256SUMS"]
    refused(machine.run(release.base), 5, "SHA256SUMS")
    file = machine.root / f"cco-{VERSION}-{PLATFORM}"
    file.write_bytes(STAND_IN)
    refused(machine.run(release.base, "--file", str(file)), 6, "SHA256SUMS is missing")
    assert machine.untouched()


@pytest.mark.parametrize("downloader", ["curl", "wget"])
def test_a_truncated_download_is_refused(
    machine: Machine, release: Release, downloader: str
) -> None:
    machine.tools.remove("wget" if downloader == "curl" else "curl")
    release.truncated.add(f"/download/v{VERSION}/cco-{VERSION}-{PLATFORM}")
    result = machine.run(release.base)
    assert result.code in (5, 6), result
    assert machine.untouched()


@pytest.mark.parametrize("downloader", ["curl", "wget"])
def test_a_version_that_is_not_there(machine: Machine, release: Release, downloader: str) -> None:
    machine.tools.remove("wget" if downloader == "curl" else "curl")
    refused(machine.run(release.base, "--version", "0.0.1"), 5, "0.0.1", PLATFORM)
    assert machine.untouched()


def test_a_server_that_is_not_there(machine: Machine) -> None:
    refused(machine.run("http://127.0.0.1:1"), 5, "could not be downloaded")


@pytest.mark.parametrize(
    "base",
    [
        "http://example.com", "http://localhost.example.com/", "http://127.0.0.1@example.com/",
        "http://127.0.0.1.example.com", "ftp://127.0.0.1/", "file:///tmp", "example.com",
        "http://127.0.0.1:80@example.com", "https://exa mple.com", "https://",
        "http://[::1]x.example.com",
    ],
)  # fmt: skip
def test_only_https_or_loopback(dash: Machine, base: str) -> None:
    refused(dash.run(base), 2, "CCO_RELEASE_BASE")
    assert dash.untouched()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--versoin"], ["--version"], ["--version", "../../x"], ["--prefix"], ["--prefix="],
        ["--file"], ["--file", "/none"], ["--sha256", "00", "--version", "1.0.0"],
        ["--sha256", "0" * 64], ["--purge"], ["--uninstall", "--version", "1.0.0"], ["extra"],
        ["--file", "/x", "--version", "1.0.0"], ["--file", "/"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_command_line_that_makes_no_sense(machine: Machine, arguments: list[str]) -> None:
    refused(machine.run("http://127.0.0.1:1", *arguments), 2)
    assert machine.untouched()


@pytest.mark.parametrize(
    ("missing", "named"),
    [(["curl", "wget"], "curl"), (["sha256sum"], "sha256sum"), (["mktemp"], "mktemp"),
     (["uname"], "uname"), (["cp"], "cp")],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_missing_tool_is_named(
    dash: Machine, release: Release, missing: list[str], named: str
) -> None:
    for tool in missing:
        dash.tools.remove(tool)
    refused(dash.run(release.base), 4, named)
    assert dash.untouched()


def test_a_wget_that_may_not_check_certificates_is_refused(dash: Machine, release: Release) -> None:
    dash.tools.remove("curl")
    dash.stubs["wget"] = "#!/bin/sh\necho BusyBox v1.35\n"
    refused(dash.run(release.base), 4, "certificates")


# --- odd homes and folders ---


@pytest.mark.parametrize("home", [None, "", "relative", "."])
def test_a_home_that_is_none(machine: Machine, release: Release, home: str | None) -> None:
    refused(machine.run(release.base, HOME=home), 7, "HOME", "--prefix")
    assert release.asked == []
    prefix = machine.root / "prefix"
    assert machine.run(release.base, "--prefix", str(prefix), HOME=home).code == 0
    assert (prefix / "bin/cco").exists()


@pytest.mark.parametrize("name", ["with space", "größe", "$HOME", "a'b\"c", "-rf", "x\ty", "*"])
def test_a_home_with_an_odd_name(machine: Machine, release: Release, name: str) -> None:
    home = machine.root / name
    home.mkdir()
    assert machine.run(release.base, HOME=f"{home}/").code == 0
    assert (home / ".local/bin/cco").read_bytes() == STAND_IN


def test_a_home_that_cannot_be_written(machine: Machine, release: Release) -> None:
    refused(machine.run(release.base, HOME="/proc/1"), 7, "cannot be written")
    (machine.root / "file").touch()
    refused(machine.run(release.base, HOME=str(machine.root / "file")), 7, "is not a folder")
    assert machine.ran == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another account")
def test_a_home_of_another_account(machine: Machine, release: Release) -> None:
    """As `sudo` leaves it: they could put a program of theirs in the place of ours."""
    os.chown(machine.home, 47_112, 47_112)
    refused(machine.run(release.base), 7, "belongs to another account", "--prefix")
    assert release.asked == machine.ran == []
    prefix = machine.root / "prefix"
    assert machine.run(release.base, "--prefix", str(prefix)).code == 0
    assert (prefix / "bin/cco").exists()


def test_a_file_whose_name_looks_like_an_option(machine: Machine) -> None:
    (machine.cwd / "-rf").write_bytes(STAND_IN)
    result = machine.run("http://127.0.0.1:1", "--file", "-rf", "--sha256", SHA256)
    assert result.code == 0, result
    assert (machine.home / ".local/bin/cco").read_bytes() == STAND_IN


def test_a_temp_folder_that_is_not_there(machine: Machine, release: Release) -> None:
    refused(machine.run(release.base, TMPDIR=str(machine.root / "none")), 7, "TMPDIR")


# --- when it goes wrong later ---


def test_a_program_that_does_not_run_here_replaces_nothing(
    machine: Machine, release: Release
) -> None:
    program = machine.home / ".local/bin/cco"
    program.parent.mkdir(parents=True)
    program.write_text("an older one")
    result = machine.run(release.base, STAND_IN_FAILS_AT="version")
    refused(result, 8, "does not run here", "no such luck")
    assert program.read_text() == "an older one"
    result = machine.run(release.base, STAND_IN_FAILS_AT="install")
    assert (result.code, program.read_text()) == (1, "an older one")


def test_uninstalling_what_is_not_there(machine: Machine) -> None:
    refused(machine.run("", "--uninstall"), 1, f"{machine.home}/.local/bin/cco", "--prefix")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_nothing(
    machine: Machine, release: Release, sent: signal.Signals, code: int
) -> None:
    path = f"/download/v{VERSION}/cco-{VERSION}-{PLATFORM}"
    release.held.add(path)
    process = machine.start(release.base)
    wait_until(lambda: path in release.asked, "the download")
    os.killpg(process.pid, sent)
    process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == code
    assert os.listdir(machine.temp) == []
    assert machine.untouched()


def test_a_script_that_arrived_in_part_does_nothing(machine: Machine, release: Release) -> None:
    """Wherever a piped download of the script itself breaks off."""
    text = SCRIPT.read_bytes().rstrip(b"\n")
    shell, *options = SHELLS[machine.shell]
    cuts = [*range(0, len(text), 997), *range(len(text) - 20, len(text))]
    for cut in cuts:
        done = subprocess.run(
            [str(shutil.which(shell)), *options, "-s", "--", "--uninstall"],
            input=text[:cut], env=machine.environment(release.base), capture_output=True,
            check=False,
        )  # fmt: skip
        assert b"there is no" not in done.stderr, f"cut at {cut}, it ran"
        assert done.stdout == b""
    assert release.asked == []
    assert machine.untouched()
