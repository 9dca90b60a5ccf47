"""Who this is: the machine's id or the one kept in its place, and the account's name."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import machineid
import pytest

from cco.errors import MachineIdUnavailable
from cco.sealing import identity
from cco.sealing.keys import Identity
from tests.unit.test_sealing_files import (
    ONLY_POSIX,
    UMASKS,
    UNSAFE,
    give_away,
    mode,
    needs_root,
    private,
    umask_set,
)
from tests.unit.test_sealing_locks import ended, said, start_python

pytestmark = ONLY_POSIX
IOREG = """+-o J316sAP  <class IOPlatformExpertDevice, id 0x100000278, registered, matched, active>
    {
      "IOPlatformSerialNumber" = "XXXXXXXXXX"
      "IOPlatformUUID" = "01234567-89AB-CDEF-0123-456789ABCDEF"
      "IOBusyInterest" = "IOCommand is not serializable"
    }"""
pwd = pytest.importorskip("pwd")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of its own, on a machine without an id."""
    folder = tmp_path / "data"
    folder.mkdir(0o700)
    monkeypatch.setattr(identity, "data_folder", lambda: folder)
    monkeypatch.setattr(machineid, "id", no_machine_id)
    return folder


def no_machine_id() -> NoReturn:
    raise machineid.MachineIdNotFound("none")


def test_machine_id_of_the_system(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machineid, "id", lambda: "AbC-1")
    assert identity.machine_id() == identity.MachineId("AbC-1", "operating system")
    assert os.listdir(data) == []


@pytest.mark.parametrize("path", ["/nowhere", "", None])
def test_machine_id_of_macos_does_not_depend_on_the_path(
    path: str | None, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library as it is, its commands run by a shell that finds them in the system's folders."""
    monkeypatch.undo()
    monkeypatch.setattr(identity, "data_folder", lambda: data)
    tools = data.parent / "tools"
    tools.mkdir()
    (tools / "ioreg").write_text(f"#!/bin/sh\ncat <<END\n{IOREG}\nEND\n")
    (tools / "ioreg").chmod(0o755)
    monkeypatch.setattr(identity, "_MACOS_PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(machineid, "platform", "darwin")
    if path is None:
        monkeypatch.delenv("PATH")
    else:
        monkeypatch.setenv("PATH", path)
    found = identity.machine_id()
    assert found == identity.MachineId("01234567-89AB-CDEF-0123-456789ABCDEF", "operating system")
    assert os.environ.get("PATH") == path


def test_the_path_of_macos_holds_ioreg() -> None:
    assert identity._MACOS_PATH.split(":")[0] == "/usr/sbin"


@UMASKS
@pytest.mark.parametrize("answer", [no_machine_id, lambda: "", lambda: None])
def test_machine_id_kept_instead(
    answer: Callable[[], str], umask: int, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machineid, "id", answer)
    path = data / "machine-id"
    with umask_set(umask):
        first = identity.machine_id()
    assert first.source == str(path)
    assert len(bytes.fromhex(first.value)) == 32
    assert identity.machine_id() == first
    assert path.read_bytes() == first.value.encode() + b"\n"
    assert mode(path) == 0o600
    assert os.listdir(data) == ["machine-id"]


def test_machine_id_makes_its_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = data / "a" / "b"
    monkeypatch.setattr(identity, "data_folder", lambda: folder)
    assert identity.machine_id() == identity.machine_id()
    assert mode(folder) == 0o700


def test_machine_id_asked_for_by_threads_at_once(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds, crowd = 10, 20
    for number in range(rounds):
        folder = data / str(number)
        monkeypatch.setattr(identity, "data_folder", lambda folder=folder: folder)
        barrier = threading.Barrier(crowd)
        answers: list[object] = []

        def ask(barrier: threading.Barrier = barrier, answers: list[object] = answers) -> None:
            barrier.wait(60)
            try:
                answers.append(identity.machine_id().value)
            except MachineIdUnavailable as error:
                answers.append(error)

        threads = [threading.Thread(target=ask) for _ in range(crowd)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [identity.machine_id().value] * crowd
        assert os.listdir(folder) == ["machine-id"]


_ASK = """
import json, sys
from pathlib import Path
import machineid
from cco.sealing import identity
def none():
    raise machineid.MachineIdNotFound("none")
machineid.id = none
identity.data_folder = lambda: Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(identity.machine_id().value))
"""


def test_machine_id_asked_for_by_processes_at_once(data: Path) -> None:
    processes = [start_python(_ASK, str(data / "new")) for _ in range(6)]
    with ended(*processes):
        assert [said(process) for process in processes] == ["ready"] * 6
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        answers = {json.loads(said(process)) for process in processes}
    assert len(answers) == 1
    assert os.listdir(data / "new") == ["machine-id"]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", UNSAFE)
def test_machine_id_in_an_unsafe_file(make: Callable[[Path], None], data: Path) -> None:
    make(data / "machine-id")
    with pytest.raises(MachineIdUnavailable):
        identity.machine_id()


@needs_root
def test_machine_id_in_a_file_of_another(data: Path) -> None:
    identity.machine_id()
    give_away(data / "machine-id")
    with pytest.raises(MachineIdUnavailable):
        identity.machine_id()


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"a" * 63, b"a" * 65, b"\xe9" * 64, b"g" * 64, b"a" * 5000]
)
def test_machine_id_that_is_none(text: bytes, data: Path) -> None:
    private(data / "machine-id", text)
    with pytest.raises(MachineIdUnavailable):
        identity.machine_id()


def test_machine_id_that_cannot_be_kept(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = private(data / "file")
    monkeypatch.setattr(identity, "data_folder", lambda: file)
    with pytest.raises(MachineIdUnavailable):
        identity.machine_id()


def test_machine_id_half_made_by_one_that_died(data: Path) -> None:
    private(data / "machine-id.lock", b"")
    private(data / "machine-id.0123456789abcdef.tmp", b"")
    assert identity.machine_id() == identity.machine_id()


def test_username_is_the_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "LNAME", "SUDO_USER", "HOME"):
        monkeypatch.setenv(name, "/a/lie")
    assert identity.username() == pwd.getpwuid(os.geteuid()).pw_name


def test_username_of_an_account_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_entry(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setenv("USER", "lie")
    monkeypatch.setattr(pwd, "getpwuid", no_entry)
    monkeypatch.setattr(os, "geteuid", lambda: 100123)
    assert identity.username() == "uid-100123"


@pytest.mark.parametrize("raw", [b"ana", "zo\u00eb".encode(), b"jos\xe9"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_username_is_the_same_in_every_locale(
    raw: bytes, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pwd` decodes by the locale, which is taken from the environment."""
    entry = list(pwd.getpwuid(os.geteuid()))
    entry[0] = raw.decode(encoding, "surrogateescape")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(entry))
    monkeypatch.setattr(os, "fsencode", lambda name: name.encode(encoding, "surrogateescape"))
    who = Identity("m", identity.username(), b"s")
    assert who.ikm == b"\0\0\0\1m" + len(raw).to_bytes(4, "big") + raw + b"\0\0\0\1s"


def test_current_identity(data: Path) -> None:
    who = identity.current_identity()
    assert who.machine_id == identity.machine_id().value
    assert who.username == identity.username()
    assert who.build_secret == b"cco-development-build-secret"
    assert "development" not in repr(who)
