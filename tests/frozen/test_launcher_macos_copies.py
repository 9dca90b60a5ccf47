"""How the launcher knows its copies on macOS, where the system adds attributes to files that ran.

The launcher is compiled here with what it does there switched on; the rest is this system's.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from freezing import bundle
from freezing.launcher import build_launcher, decoder_folder
from freezing.scratch import scratch_folder
from freezing.target import Native

from tests.frozen.conftest import MakeSingleFile
from tests.frozen.single_file import SingleFile, contents, report

WORK = Path(__file__).parent.parent.parent / ".build"


@pytest.fixture(scope="module")
def launcher() -> Iterator[bytes]:
    """The launcher as it is on macOS in this one respect."""
    if not decoder_folder(WORK).exists():
        pytest.skip("the sources of Zstandard are not fetched: make freeze")
    build = bundle.Build(b"", release=False, version="0.0.0", commit="unknown", build_id="0" * 16)
    with pytest.MonkeyPatch.context() as patched, scratch_folder(WORK) as work:
        patched.setenv("CC", f"{os.environ.get('CC', 'cc')} -DATTRIBUTES_COME_LATER")
        yield build_launcher(work, Native(), build)


def test_an_attribute_that_comes_later_changes_nothing(single_file: SingleFile) -> None:
    report(single_file.run())
    copy = single_file.copy
    inode = copy.stat().st_ino
    for path in (copy / "cco", copy / "_internal" / "data", copy / "_internal"):
        before = path.stat().st_ctime_ns
        os.chown(path, os.getuid(), os.getgid())  # an attribute, too, changes just the change time
        assert path.stat().st_ctime_ns > before
    report(single_file.run())
    assert copy.stat().st_ino == inode


def _edit(data: Path) -> None:
    data.write_bytes(b"!" * data.stat().st_size)


def _put_another_there_with_its_time(data: Path) -> None:
    shutil.copy2(data, data.with_name("other"))
    data.with_name("other").replace(data)


def _change_its_mode(data: Path) -> None:
    data.chmod(0o600)


def _truncate(data: Path) -> None:
    before = data.stat()
    os.truncate(data, 3)
    os.utime(data, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    "damage",
    [_edit, _put_another_there_with_its_time, _change_its_mode, _truncate],
    ids=lambda damage: damage.__name__[1:],
)
def test_a_damaged_copy_is_replaced(
    make_single_file: MakeSingleFile, damage: Callable[[Path], None]
) -> None:
    single_file = make_single_file()
    report(single_file.run())
    good, inode = contents(single_file.copy), single_file.copy.stat().st_ino
    damage(single_file.copy / "_internal" / "data")
    report(single_file.run())
    assert single_file.copy.stat().st_ino != inode
    assert contents(single_file.copy) == good
