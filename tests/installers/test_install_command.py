"""cco install, by the frozen program as users have it."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cco.build_info import VERSION
from tests.conftest import BINARY, TIMEOUT_S, wait_until
from tests.installers.conftest import Box

pytestmark = pytest.mark.skipif(os.name == "nt", reason="places and shells of POSIX")
INSTALLED = [
    ".config/fish/completions/cco.fish",
    ".local/bin/cco",
    ".local/share/bash-completion/completions/cco",
    ".local/share/cco/install.json",
    ".local/share/man/man1/cco.1",
    ".local/share/zsh/site-functions/_cco",
]


def install(box: Box, *arguments: str, **more: str) -> Any:
    return json.loads(box.ok("install", "--json", *arguments, env=box.environment(**more)))


def results(document: Any) -> set[str]:
    return {step["result"] for step in document["steps"]}


def files(box: Box) -> list[str]:
    return [name for name in box.tree() if (box.home / name).is_file() and ".cache" not in name]


def as_installed(box: Box, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run what was installed, by its name alone as a shell would find it."""
    env = box.environment(PATH=f"{box.installed.parent}:/usr/bin:/bin", **more)
    command = [str(box.installed), *arguments]
    return subprocess.run(
        command, env=env, cwd=box.project, capture_output=True, text=True, check=False
    )


def test_it_installs_tells_the_line_and_is_idempotent(box: Box) -> None:
    first = install(box)
    assert files(box) == INSTALLED
    assert results(first) == {"created"}
    assert first["on_path"] is False
    assert first["path_line"]["file"] == str(box.home / ".bashrc")
    again = install(box)
    assert results(again) == {"unchanged"}
    assert files(box) == INSTALLED
    assert box.installed.read_bytes() == Path(str(BINARY)).read_bytes()
    assert box.installed.stat().st_mode & 0o777 == 0o755
    done = as_installed(box, "version", "--json")
    assert json.loads(done.stdout)["version"] == VERSION
    assert as_installed(box, "install").stdout.count("unchanged") == len(INSTALLED)


def test_no_umask_lets_others_replace_what_is_on_path(box: Box) -> None:
    before = os.umask(0)
    try:
        install(box, "--modify-path")
    finally:
        os.umask(before)
    made = [path for path in box.home.rglob("*") if not path.is_symlink()]
    assert [path for path in made if path.stat().st_mode & 0o022] == []


def test_the_line_that_it_tells_works(box: Box) -> None:
    text = box.ok("install", env=box.environment())
    line = text.strip().splitlines()[-1].strip()
    assert "is not on your PATH" in text
    env = box.environment()
    for shell in ("sh", "bash"):
        script = f"{line}\ncommand -v cco"
        found = subprocess.check_output([shell, "-c", script], env=env, text=True)
        assert found.strip() == str(box.installed)


def test_a_dry_run_changes_nothing(box: Box) -> None:
    box.ok("version", env=box.environment())
    before = box.tree()
    document = install(box, "--dry-run", "--modify-path")
    assert results(document) == {"created"}
    assert len(document["steps"]) == len(INSTALLED) + 1
    assert box.tree() == before
    install(box)
    before = box.tree()
    gone = install(box, "--uninstall", "--dry-run", "--purge")
    assert {step["path"] for step in gone["steps"]} >= {str(box.home / one) for one in INSTALLED}
    assert box.tree() == before


def test_a_dry_run_says_what_it_would_do(box: Box) -> None:
    def told(*arguments: str) -> list[str]:
        text = box.ok("install", "--dry-run", *arguments, env=box.environment())
        steps, _, rest = text.partition("nothing was changed: this was a dry run\n")
        assert rest or "--uninstall" in arguments  # the line for PATH
        return [line.rpartition(" ")[0].strip() for line in steps.splitlines()]

    assert told() == ["would create"] * len(INSTALLED)
    install(box)
    assert told() == ["unchanged"] * len(INSTALLED)
    box.installed.write_bytes(box.installed.read_bytes()[:-1])
    assert sorted(told("--force")) == ["unchanged"] * (len(INSTALLED) - 1) + ["would replace"]
    install(box, "--force")
    assert as_installed(box, "daemon", "start").returncode == 0
    *removals, daemon = told("--uninstall")
    assert set(removals) == {"would remove"}
    assert daemon == "would stop the"
    assert len(box.daemon_processes()) == 1
    assert (box.home / INSTALLED[0]).exists()


def test_modify_path_edits_one_file_once_and_is_taken_back(box: Box) -> None:
    rc = box.home / "dot files" / "bashrc"
    rc.parent.mkdir()
    rc.write_text("alias ll='ls -l'\n")
    rc.chmod(0o600)
    (box.home / ".bashrc").symlink_to(rc)
    for _ in range(2):
        document = install(box, "--modify-path")
        assert document["path_line"] is None
    assert (box.home / ".bashrc").is_symlink()
    assert rc.stat().st_mode & 0o777 == 0o600
    assert rc.read_text().count("export PATH") == 1
    found = subprocess.check_output(
        ["bash", "-c", '. "$HOME/.bashrc"; command -v cco'], env=box.environment(), text=True
    )
    assert found.strip() == str(box.installed)
    install(box, "--uninstall")
    assert rc.read_text() == "alias ll='ls -l'\n"
    assert sorted(os.listdir(box.home)) == [".bashrc", "dot files"]


@pytest.mark.parametrize("purge", [False, True])
def test_uninstall_stops_the_daemon_and_leaves_nothing(box: Box, purge: bool) -> None:
    settings = box.home / ".config/cco/config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"port = {box.port}\nkeep_history = true\n")
    identity = box.home / ".local/share/cco/machine-id"
    identity.parent.mkdir(parents=True)
    identity.write_text("0" * 64 + "\n")  # as a machine without an id has it
    install(box, "--modify-path")
    assert as_installed(box, "daemon", "start").returncode == 0
    assert len(box.daemon_processes()) == 1
    arguments = ["--uninstall", "--json", *(["--purge"] if purge else [])]
    done = as_installed(box, "install", *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    document = json.loads(done.stdout)
    assert (document["was_installed"], document["daemon_was_running"]) == (True, True)
    assert document["notes"] == []
    wait_until(lambda: not box.daemon_processes(), "the end of the daemon")
    left = [] if purge else [".config", ".config/cco", ".config/cco/config.toml"]
    assert box.tree() == left
    assert list(box.temp.iterdir()) == []


def test_uninstall_again_or_without_an_installation(box: Box) -> None:
    text = box.ok("install", "--uninstall", env=box.environment())
    assert "was not installed here" in text  # its unpacked copy was there
    assert box.tree() == []
    document = install(box, "--uninstall")
    assert document["was_installed"] is False
    assert box.tree() == []


def test_uninstall_keeps_what_is_not_as_it_was_installed(box: Box) -> None:
    install(box)
    completion = box.home / ".local/share/bash-completion/completions/cco"
    completion.write_text("# mine now\n")
    beside = box.home / ".local/bin/other"
    beside.write_text("another program")
    document = install(box, "--uninstall")
    assert any(str(completion) in note for note in document["notes"])
    assert files(box) == [
        ".local/bin/other",
        ".local/share/bash-completion/completions/cco",
    ]


def test_a_prefix_of_its_own(box: Box, tmp_path: Path) -> None:
    prefix = tmp_path / "größe & co" / "$HOME"
    document = install(box, "--prefix", str(prefix))
    program = prefix / "bin" / "cco"
    assert document["program"] == str(program)
    assert files(box) == []
    line = document["path_line"]["line"]
    env = box.environment()
    found = subprocess.check_output(["sh", "-c", f"{line}\ncommand -v cco"], env=env, text=True)
    assert found.strip() == str(program)
    # the program itself knows what it was installed below
    subprocess.run([program, "install", "--uninstall"], env=env, check=True, capture_output=True)
    assert not prefix.parent.exists()
    assert box.tree() == []


def test_a_relative_prefix_is_below_the_current_folder(box: Box) -> None:
    install(box, "--prefix", "here")
    assert (box.project / "here/bin/cco").is_file()
    install(box, "--prefix", "here", "--uninstall")
    assert list(box.project.iterdir()) == []


def test_what_is_somebody_elses_is_not_replaced(box: Box) -> None:
    box.installed.parent.mkdir(parents=True)
    box.installed.write_text("#!/bin/sh\necho mine\n")
    manual = box.home / ".local/share/man/man1/cco.1"
    manual.parent.mkdir(parents=True)
    manual.write_text("a page about carbon monoxide\n")
    refused = box.run("install", env=box.environment())
    assert refused.code == 14
    assert "--force" in refused.err
    assert box.installed.read_text() == "#!/bin/sh\necho mine\n"
    document = install(box, "--force")
    assert any(str(manual) in note for note in document["notes"])
    assert as_installed(box, "version").returncode == 0
    install(box, "--uninstall")
    assert files(box) == [".local/share/man/man1/cco.1"]


def test_a_newer_one_takes_the_place_while_the_older_runs(box: Box, tmp_path: Path) -> None:
    install(box)
    older = box.installed.read_bytes()
    payload = older[:-56] + b"\0" * 8 + older[-56:]
    assert payload != older  # stands for another version: a single file with another content
    box.installed.write_bytes(payload)
    with box.installed.open("rb") as running:
        document = install(box)
        assert running.read() == payload
    assert "replaced" in results(document)
    assert box.installed.read_bytes() == older
    install(box, "--uninstall")
    assert box.tree() == []


def test_another_cco_that_comes_first_is_told(box: Box, tmp_path: Path) -> None:
    other = tmp_path / "first" / "cco"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    path = f"{other.parent}:{box.installed.parent}:/usr/bin:/bin"
    document = install(box, PATH=path)
    assert document["on_path"] is True
    assert any(str(other) in note for note in document["notes"])
    assert install(box, PATH=f"{box.installed.parent}:/usr/bin")["notes"] == []


@pytest.mark.parametrize(
    ("shell", "file", "words"),
    [
        ("/usr/bin/zsh", ".zshrc", "export PATH="),
        ("/usr/bin/fish", ".config/fish/conf.d/cco.fish", "set -gx PATH"),
        ("/bin/dash", ".profile", "export PATH="),
        ("", ".profile", "export PATH="),
    ],
)
def test_the_line_is_that_of_the_users_shell(box: Box, shell: str, file: str, words: str) -> None:
    document = install(box, "--modify-path", SHELL=shell)
    assert document["path_line"] is None
    assert words in (box.home / file).read_text()
    install(box, "--uninstall")
    assert box.tree() == []


@pytest.mark.skipif(shutil.which("man") is None, reason="no man here")
def test_the_manual_has_every_command_and_no_fault(box: Box) -> None:
    install(box)
    page = box.home / ".local/share/man/man1/cco.1"
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page],
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    shown = re.sub(".\b", "", done.stdout)  # bold as overstrikes
    for name in ("cco daemon start", "cco install", "cco version", "--uninstall"):
        assert name in shown, name


def test_a_folder_that_cannot_be_written_is_named(box: Box, tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file in the place of a folder")
    result = box.run("install", "--prefix", str(blocked), env=box.environment())
    assert result.code == 14
    assert str(blocked) in result.err
    assert "--prefix" in result.err
    assert blocked.read_text() == "a file in the place of a folder"


def test_a_record_that_makes_no_sense_is_refused(box: Box) -> None:
    install(box)
    record = box.home / ".local/share/cco/install.json"
    record.write_text('{"format": 1, "version": "x", "files": {"/etc/passwd": null}}')
    result = box.run("install", "--uninstall", env=box.environment())
    assert result.code == 14
    assert str(record) in result.err
    assert box.installed.exists()


def test_without_a_home_it_says_so(box: Box) -> None:
    env = box.environment(HOME="relative")
    result = box.run("install", env=env)
    assert result.code == 14
    assert "--prefix" in result.err


# --- the folder form ---


def in_folder_form(
    box: Box, folder: Path, *arguments: str, **more: str
) -> subprocess.CompletedProcess[str]:
    command = [str(folder / "cco"), "install", "--json", *arguments]
    env = box.environment(**more)
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_a_folder_is_linked_and_not_copied(box: Box, folder_form: Path) -> None:
    done = in_folder_form(box, folder_form)
    assert done.returncode == 0, done
    assert os.readlink(box.installed) == str(folder_form / "cco")
    assert as_installed(box, "version").returncode == 0
    again = json.loads(in_folder_form(box, folder_form).stdout)
    assert results(again) == {"unchanged"}
    done = as_installed(box, "install", "--uninstall")
    assert done.returncode == 0, done
    assert box.tree() == []
    assert (folder_form / "cco").exists()


def test_a_folder_that_a_package_put_on_path_needs_nothing(
    box: Box, folder_form: Path, tmp_path: Path
) -> None:
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr/cco").symlink_to(folder_form / "cco")
    done = in_folder_form(box, folder_form, PATH=f"{tmp_path}/usr:/usr/bin:/bin")
    document = json.loads(done.stdout)
    assert document["steps"] == []
    assert "on PATH already" in document["notes"][0]
    assert box.tree() == []


# --- what others still use ---


def test_a_copy_that_another_cco_runs_from_stays_until_it_ends(box: Box) -> None:
    """A daemon of another temp folder is not ours to stop: its files stay with it."""
    install(box)
    elsewhere = box.root / "other tmp"
    elsewhere.mkdir()
    env = box.environment(TMPDIR=str(elsewhere))
    assert as_installed(box, "daemon", "start", TMPDIR=str(elsewhere)).returncode == 0
    try:
        document = install(box, "--uninstall")
        assert "in use" in document["notes"][0]
        (copy,) = (box.home / ".cache/cco").iterdir()
        assert (copy / "cco").exists()
    finally:
        box.ok("daemon", "stop", env=env)
    install(box, "--uninstall", TMPDIR=str(elsewhere))
    assert box.tree() == []


def test_it_runs_at_a_terminal(box: Box) -> None:
    """The same at a terminal, in the colours and widths of which nothing depends."""
    parent, child = pty.openpty()
    command = [*box.command, "install"]
    process = subprocess.Popen(
        command, env=box.environment(TERM="xterm"), stdin=child, stdout=child, stderr=child
    )
    os.close(child)
    shown = b""
    try:
        while True:
            shown += os.read(parent, 65536)
    except OSError:  # the end of the terminal
        pass
    finally:
        os.close(parent)
    assert process.wait(TIMEOUT_S) == 0
    assert b"is installed" in shown
    assert b"\x1b" not in shown
