"""Whether others could replace what is in a folder: links, groups and access lists on the way."""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cco.claude.plugin import write_plugin
from cco.sealing import names, replaceable
from cco.sealing.locks import Lock
from cco.sealing.private_files import make_private_folder, write_private
from cco.sealing.replaceable import replaceable_part
from tests.unit.test_plugin import AGENT
from tests.unit.test_sealing_files import ONLY_POSIX, mode, needs_root

pytestmark = ONLY_POSIX


@needs_root
def test_a_link_that_others_can_turn_elsewhere_is_not_gone_through(tmp_path: Path) -> None:
    """Whoever owns a link, or may replace it, decides where our files are tomorrow."""
    shared, temp = tmp_path / "shared", tmp_path / "temp"
    for folder in (shared, temp):
        folder.mkdir()
    shared.chmod(0o1777)
    link, through = shared / "link", tmp_path / "through"
    link.symlink_to("../temp")
    through.symlink_to(f"{shared}/link")
    assert replaceable_part(link) is None
    assert replaceable_part(through) is None
    os.lchown(link, 47_112, 47_112)
    assert replaceable_part(link) == link
    assert replaceable_part(through) == link
    os.lchown(link, 0, 0)
    shared.chmod(0o777)
    assert replaceable_part(link) == shared
    assert replaceable_part(temp) is None


def test_links_without_an_end_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match=r"(?i)link"):
        replaceable_part(tmp_path / "loop")


def access_list_with(uid: int) -> bytes:
    """rwx for the owner and for one more account, nothing for others.

    Source: Linux, posix_acl_xattr.h: version 2, then tag, permissions and id of each.
    """
    nobody = 0xFFFFFFFF
    owner, named, group, mask, others = 1, 2, 4, 16, 32
    entries = [(owner, 7, nobody), (named, 7, uid), (group, 0, nobody), (mask, 7, nobody)]
    packed = [struct.pack("<HHI", *entry) for entry in [*entries, (others, 0, nobody)]]
    return struct.pack("<I", 2) + b"".join(packed)


@pytest.mark.skipif(sys.platform != "linux", reason="access lists of other systems are not read")
@pytest.mark.parametrize("kind", ["access", "default"])
def test_an_access_list_opens_nothing_of_ours(kind: str, tmp_path: Path) -> None:
    """One for a folder lets somebody else replace files; one that files inherit does nothing."""
    temp = tmp_path / "temp"
    temp.mkdir(mode=0o700)
    try:
        os.setxattr(temp, f"system.posix_acl_{kind}", access_list_with(47_112))
    except OSError as error:
        pytest.skip(f"no access lists here: {error}")
    if kind == "access":
        assert replaceable_part(temp) == temp
        return
    assert replaceable_part(temp) is None
    write_private(temp / names.BRIDGE, b"")
    write_plugin(temp / names.PLUGIN, [AGENT], "1", port=4711)
    make_private_folder(temp / "private")
    with Lock(temp / names.DAEMON_LOCK) as lock:
        assert lock.acquire()
        made = [*temp.rglob("*")]
        assert len(made) == 8
        for path in made:
            assert mode(path) & 0o077 == 0, path  # the mask: nobody in the list may anything


def test_a_group_of_many_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`users` of some systems and `staff` of macOS are everybody's first group."""
    monkeypatch.setattr("os.getegid", lambda: 4_711)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_name="ana"))
    cases: list[tuple[str, list[str], bool]] = [
        ("ana", [], True),
        ("ana", ["ana"], True),
        ("ana", ["ana", "bob"], False),
        ("users", [], False),
    ]
    for name, members, own in cases:
        found = SimpleNamespace(gr_name=name, gr_mem=members)
        monkeypatch.setattr("grp.getgrgid", lambda gid, found=found: found)
        assert replaceable._is_own_group(str(tmp_path), 4_711) is own
    assert not replaceable._is_own_group(str(tmp_path), 4_712)
    assert replaceable._is_own_group(str(tmp_path), 0)


def test_a_link_to_the_temp_folder_is_looked_behind(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o777)
    (tmp_path / "link").symlink_to("real")
    assert replaceable_part(tmp_path / "link") == tmp_path / "real"


def test_a_group_of_ones_own_is_none(tmp_path: Path) -> None:
    tmp_path.chmod(0o770)
    assert replaceable_part(tmp_path) is None
