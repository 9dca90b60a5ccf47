"""The single file on Windows: unpacked once, checked each time, and never in anybody's way."""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
import sys
import uuid
from collections.abc import Callable
from ctypes import wintypes
from dataclasses import dataclass
from pathlib import Path

import pytest
from freezing.payload import read_trailer

from cco.build_info import VERSION
from tests.conftest import TIMEOUT_S, Sandbox, wait_until
from tests.frozen.single_file import Member, launcher_of, pack, write_single_file
from tests.windows.conftest import LONG_PATHS, NEEDS_LONG_PATHS, WINE

assert sys.platform == "win32"  # tells the type checker where this runs

EXIT_LAUNCHER = 125
DATA = b"some data\r\n"


@dataclass
class SingleFile:
    """The real launcher in front of a stand-in's folder, and where it may unpack it."""

    path: Path
    local: Path
    temp: Path
    reported: Path

    @property
    def content_id(self) -> str:
        return read_trailer(self.path.read_bytes()).content_id

    @property
    def store(self) -> Path:
        return self.local / "cco" / "Cache"

    @property
    def copy(self) -> Path:
        return self.store / self.content_id

    def environment(self, **more: str) -> dict[str, str]:
        base = {"LOCALAPPDATA": str(self.local), "TEMP": str(self.temp), "TMP": str(self.temp)}
        base |= {"SYSTEMROOT": os.environ["SYSTEMROOT"], "FAKE_REPORTS": str(self.reported)}
        return {**base, **more}

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.path, *arguments],
            executable=str(self.path),  # taken from the command line, it may have 260 characters
            env=self.environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        with self.start(*arguments, **more) as process:
            out, err = process.communicate(timeout=TIMEOUT_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def reports(self) -> list[Path]:
        """What the stand-in has written about its starts."""
        return list(self.reported.glob("start.*"))


Make = Callable[..., SingleFile]


@pytest.fixture
def make(binary: Path, fake_program: Path, tmp_path: Path) -> Make:
    """Make single files of different contents with the same places to unpack to."""
    launcher = launcher_of(binary)

    def make(name: str = "cco.exe", more: tuple[Member, ...] = ()) -> SingleFile:
        members = [
            Member("_internal", mode=0o755, kind=b"5"),
            Member("_internal/data", DATA),
            Member("_internal/different", uuid.uuid4().bytes),
            *more,
            Member("cco.exe", fake_program.read_bytes(), 0o755),
        ]
        folders = [tmp_path / "Local", tmp_path / "Temp", tmp_path / Path(name).stem]
        single_file = SingleFile(tmp_path / name, *folders)
        for folder in (single_file.path.parent, *folders):
            folder.mkdir(parents=True, exist_ok=True)
        write_single_file(single_file.path, launcher, pack(members))
        return single_file

    return make


@pytest.fixture
def single_file(make: Make) -> SingleFile:
    return make()


def strings_of(path: Path) -> dict[str, str]:
    """The texts of a program's version resource, as Explorer shows them."""
    version = ctypes.WinDLL("version", use_last_error=True)
    size = version.GetFileVersionInfoSizeW(str(path), None)
    assert size, ctypes.WinError(ctypes.get_last_error())
    block = ctypes.create_string_buffer(size)
    assert version.GetFileVersionInfoW(str(path), 0, size, block)
    found = {}
    for name in ("FileDescription", "FileVersion", "OriginalFilename", "ProductVersion"):
        text, length = wintypes.LPWSTR(), wintypes.UINT()
        query = f"\\StringFileInfo\\040904B0\\{name}"
        assert version.VerQueryValueW(block, query, ctypes.byref(text), ctypes.byref(length)), name
        found[name] = str(text.value)
    return found


def manifest_of(path: Path) -> str:
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    for name in ("LoadLibraryExW", "FindResourceW", "LoadResource", "LockResource"):
        getattr(kernel, name).restype = ctypes.c_void_p
    module = ctypes.c_void_p(kernel.LoadLibraryExW(str(path), None, 2))  # as a data file
    found = ctypes.c_void_p(kernel.FindResourceW(module, ctypes.c_void_p(1), ctypes.c_void_p(24)))
    assert found.value, ctypes.WinError(ctypes.get_last_error())
    loaded = ctypes.c_void_p(kernel.LoadResource(module, found))
    size = kernel.SizeofResource(module, found)
    text = ctypes.string_at(kernel.LockResource(loaded), size).decode()
    kernel.FreeLibrary(module)
    return text


def test_what_windows_shows_of_it(binary: Path, frozen: Sandbox) -> None:
    frozen.ok("version")
    (inside,) = Path(frozen.environment()["XDG_CACHE_HOME"]).glob("cco/*/cco.exe")
    for path in (binary, inside):
        texts = strings_of(path)
        assert texts["FileDescription"] == "Claude Code Orchestrator"
        assert texts["FileVersion"] == VERSION
        assert texts["ProductVersion"].startswith(f"{VERSION} (")
        manifest = manifest_of(path)
        assert "asInvoker" in manifest
        assert ">UTF-8<" in manifest
        assert ">true</longPathAware>" in manifest


def test_it_is_small_and_says_its_version(binary: Path, frozen: Sandbox) -> None:
    assert binary.stat().st_size < 16_000_000
    assert VERSION in frozen.ok("version")


def test_it_is_unpacked_once(single_file: SingleFile) -> None:
    assert single_file.run("first").returncode == 0
    made = (single_file.copy / "cco.exe").stat()
    assert single_file.run("second").returncode == 0
    again = (single_file.copy / "cco.exe").stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    assert (single_file.copy / "_internal" / "data").read_bytes() == DATA
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]


def test_arguments_environment_and_code_are_the_programs(single_file: SingleFile) -> None:
    arguments = ["", 'a "b" c\\', "größer ✓", "--", "line\nbreak"]
    for number in (1, 2):
        result = single_file.run(*arguments, FAKE_EXIT="0xC0000005", CCO_EXECUTABLE="C:\\other.exe")
        assert result.returncode == 0xC0000005
        assert len(single_file.reports()) == number
    fields = single_file.reports()[0].read_bytes().decode().split("\0")
    assert fields[2 : 2 + len(arguments)] == arguments
    named = next(one for one in fields if one.upper().startswith("CCO_EXECUTABLE="))
    assert Path(named.partition("=")[2]).samefile(single_file.path)


def test_variables_of_a_cco_above_are_not_believed(single_file: SingleFile) -> None:
    single_file.run(_PYI_ARCHIVE_FILE="C:\\elsewhere", _PYI_PARENT_PROCESS_LEVEL="1")
    assert b"_PYI_" not in single_file.reports()[0].read_bytes()


def test_many_first_runs_at_once(make: Make) -> None:
    single_file = make(more=(Member("large", os.urandom(3_000_000)),))
    processes = [single_file.start(str(number)) for number in range(8)]
    for process in processes:
        _, errors = process.communicate(timeout=TIMEOUT_S)
        assert (process.returncode, errors) == (0, b"")
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]
    assert len(single_file.reports()) == len(processes)


def _edit_behind_its_back(copy: Path) -> None:
    data = copy / "_internal" / "data"
    before = data.stat()
    data.write_bytes(b"!" * before.st_size)
    os.utime(data, ns=(before.st_atime_ns, before.st_mtime_ns))


def _truncate(copy: Path) -> None:
    os.truncate(copy / "cco.exe", 3)


def _remove_one(copy: Path) -> None:
    (copy / "_internal" / "data").unlink()


def _add_one(copy: Path) -> None:
    (copy / "_internal" / "version.dll").write_bytes(b"MZ")


def _unmark(copy: Path) -> None:
    (copy / ".complete").unlink()


def _corrupt_marker(copy: Path) -> None:
    (copy / ".complete").write_bytes(os.urandom(200))


def _put_a_file_in_its_place(copy: Path) -> None:
    copy.rename(copy.with_name("elsewhere"))
    copy.write_bytes(b"")


DAMAGES = [
    _edit_behind_its_back,
    _truncate,
    _remove_one,
    _add_one,
    _unmark,
    _corrupt_marker,
    _put_a_file_in_its_place,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__.strip("_"))
def test_a_damaged_copy_is_replaced(
    single_file: SingleFile, damage: Callable[[Path], None]
) -> None:
    single_file.run()
    damage(single_file.copy)
    assert single_file.run().returncode == 0
    assert (single_file.copy / "_internal" / "data").read_bytes() == DATA
    assert not (single_file.copy / "_internal" / "version.dll").exists()
    assert {path.name for path in single_file.store.iterdir()} <= {
        single_file.content_id,
        "elsewhere",
    }


def test_new_times_of_the_same_contents_are_no_damage(single_file: SingleFile) -> None:
    """As when a virus scanner has attached its findings to a file: once read, and remembered."""
    single_file.run()
    program = single_file.copy / "cco.exe"
    before, marker = program.stat(), (single_file.copy / ".complete").read_bytes()
    os.utime(program, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert single_file.run().returncode == 0
    assert program.stat().st_ino == before.st_ino
    assert (single_file.copy / ".complete").read_bytes() != marker


def test_what_the_dead_left_is_removed(single_file: SingleFile) -> None:
    left = single_file.store / ".unpack-000000000000000000000007-00" / "_internal"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"half")
    (left / "half").chmod(0o400)
    single_file.run()
    assert [path.name for path in single_file.store.iterdir()] == [single_file.content_id]


def test_other_versions_go_when_nobody_runs_from_them(make: Make) -> None:
    old, used, new = make("old.exe"), make("used.exe"), make("new.exe")
    assert old.run().returncode == 0
    with used.start(FAKE_HOLD="1") as running:
        wait_until(used.reports, "the start of the program")
        assert not old.copy.exists()
        assert new.run().returncode == 0
        assert used.copy.exists()
        running.kill()
    wait_until(lambda: new.run().returncode == 0 and not used.copy.exists(), "the end of the copy")
    assert [path.name for path in new.store.iterdir()] == [new.content_id]


def test_where_it_cannot_write_it_goes_elsewhere(single_file: SingleFile, tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"")
    result = single_file.run(LOCALAPPDATA=str(tmp_path / "a file"))
    assert (result.returncode, result.stderr) == (0, b"")
    assert (single_file.temp / "cco-cache" / single_file.content_id / "cco.exe").exists()


def test_xdg_cache_home_goes_first(single_file: SingleFile, tmp_path: Path) -> None:
    assert single_file.run(XDG_CACHE_HOME=str(tmp_path / "new").replace("\\", "/")).returncode == 0
    assert (tmp_path / "new" / "cco" / single_file.content_id / "cco.exe").exists()
    assert not single_file.store.exists()


def test_without_any_place_it_says_so_in_one_line(single_file: SingleFile, tmp_path: Path) -> None:
    blocked = tmp_path / "größer ✓"
    blocked.write_bytes(b"")
    (single_file.temp / "cco-cache").write_bytes(b"")
    result = single_file.run(LOCALAPPDATA=str(blocked))
    assert result.returncode == EXIT_LAUNCHER
    (line,) = result.stderr.decode().splitlines()
    assert str(blocked) in line
    assert "XDG_CACHE_HOME" in line


def test_a_download_that_broke_off(single_file: SingleFile) -> None:
    whole = single_file.path.read_bytes()
    single_file.path.write_bytes(whole[:-1000])
    result = single_file.run()
    assert result.returncode == EXIT_LAUNCHER
    assert b"download it again" in result.stderr


def test_a_damaged_download(single_file: SingleFile) -> None:
    whole = bytearray(single_file.path.read_bytes())
    trailer = read_trailer(bytes(whole))
    whole[trailer.offset + trailer.length // 2] ^= 0xFF
    single_file.path.write_bytes(whole)
    result = single_file.run()
    assert result.returncode == EXIT_LAUNCHER
    assert b"is damaged" in result.stderr
    assert not single_file.store.exists()


def test_a_signature_behind_it_does_not_matter(single_file: SingleFile) -> None:
    """What signtool does: append a certificate table and name it in the headers."""
    whole = bytearray(single_file.path.read_bytes())
    assert len(whole) % 8 == 0
    (header,) = struct.unpack_from("<I", whole, 0x3C)
    certificate = b"\x18\0\0\0\0\x02\x02\0" + b"signed by me...."
    struct.pack_into("<II", whole, header + 24 + 112 + 4 * 8, len(whole), len(certificate))
    single_file.path.write_bytes(bytes(whole) + certificate)
    assert single_file.run(FAKE_EXIT="3").returncode == 3


def test_its_path_may_be_of_any_alphabet(make: Make) -> None:
    single_file = make("größer ✓ 名前/a b.exe")
    assert single_file.run(FAKE_EXIT="5").returncode == 5
    assert "größer ✓ 名前" in single_file.reports()[0].read_bytes().decode()


@pytest.mark.skipif(WINE, reason="wine starts no program whose path is beyond 260 characters")
@pytest.mark.skipif(not LONG_PATHS, reason=NEEDS_LONG_PATHS)
def test_its_path_may_be_long(make: Make) -> None:
    single_file = make(f"{'d' * 150}/{'e' * 150}.exe")
    assert single_file.run(FAKE_EXIT="5").returncode == 5


def test_where_paths_would_be_too_long_it_goes_elsewhere(
    single_file: SingleFile, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 200) / ("e" * 200)
    deep.mkdir(parents=True)
    assert single_file.run(LOCALAPPDATA=str(deep), FAKE_EXIT="5").returncode == 5
    if WINE or not LONG_PATHS:
        assert list(deep.iterdir()) == []
        assert (single_file.temp / "cco-cache" / single_file.content_id / "cco.exe").exists()
