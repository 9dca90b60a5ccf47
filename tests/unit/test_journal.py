"""The sealed file that grows: whatever is done to it, what opens is what was written, from its
beginning on, or nothing is."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.errors import (
    FolderUnusable,
    SealedFileChanged,
    SealedFileForeign,
    SealedFileMissing,
    SealedFileTruncated,
    SealedFileUnsafe,
    SealError,
)
from cco.sealing import journal, names
from cco.sealing.envelope import seal
from cco.sealing.journal import LENGTH_BYTES, Draft, open_segments, segment_bytes
from cco.sealing.keys import Identity
from cco.sealing.private_files import MAX_BYTES, read_private

NAME = names.HISTORY
ANA = Identity("machine", "ana", b"s" * 32)
KNOWN = (
    "00000022000102030405060708090a0b0c0d0e0f32fe8236e4235c9a0c260d067d1a1b905d810000"
    "0022101112131415161718191a1b1c1d1e1f7b86d748d78d04830c05ab75bed3db69c5c1"
)
"""Two segments, as Node's `crypto` made them after docs/sealing.md."""
OTHERS = [
    Identity("another", "ana", b"s" * 32),
    Identity("machine", "bob", b"s" * 32),
    Identity("machine", "ana", b"t" * 32),
]
PAYLOADS = (b"header", b"", b"second", b"x" * 100, b"last")


def write(folder: Path, payloads: Sequence[bytes], identity: Identity = ANA) -> bytes:
    """A file whose first two segments were drafted, and the others appended."""
    draft = Draft(folder / NAME, identity)
    for payload in payloads[:2]:
        draft.add(payload)
    draft.sync()
    written = draft.publish()
    for payload in payloads[2:]:
        written.append(payload)
    data = read_private(folder / NAME)
    assert len(data) == written.size_bytes
    return data


def read(data: bytes, identity: Identity = ANA, name: str = NAME) -> list[bytes]:
    return list(open_segments(data, name, identity))


def split(data: bytes) -> list[bytes]:
    """The segments of a file, each with its length."""
    parts = []
    while data:
        end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "big")
        parts.append(data[:end])
        data = data[end:]
    return parts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("journal"), PAYLOADS)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=8))
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    data = write(folder, payloads)
    assert read(data) == payloads
    assert sum(map(segment_bytes, payloads)) == len(data)
    assert os.listdir(folder) == [NAME]
    assert (folder / NAME).stat().st_mode & 0o777 == 0o600


def test_no_payload_and_no_segment_repeats_in_the_file(tmp_path: Path) -> None:
    data = write(tmp_path, [b"the same words"] * 5)
    assert b"the same words" not in data
    assert len({part[LENGTH_BYTES : LENGTH_BYTES + 16] for part in split(data)}) == 5


def test_cut_anywhere_it_opens_up_to_the_last_whole_segment(whole: bytes) -> None:
    ends = [sum(map(len, split(whole)[:number])) for number in range(1, len(PAYLOADS) + 1)]
    for size in range(len(whole)):
        cut = whole[:size]
        complete = sum(end <= size for end in ends)
        if complete:
            assert read(cut) == list(PAYLOADS[:complete])
        else:
            with pytest.raises((SealedFileTruncated, SealedFileForeign)):
                read(cut)


@pytest.mark.parametrize("zeros", [1, 3, 4, 5, 16, 64, 5_000])
def test_zeros_behind_its_end_are_what_a_lost_power_left(whole: bytes, zeros: int) -> None:
    """Some file systems note how long a file is before they write what is in it."""
    assert read(whole + bytes(zeros)) == list(PAYLOADS)


def test_zeros_from_anywhere_to_its_end_cost_the_segments_that_they_reach(whole: bytes) -> None:
    ends = [sum(map(len, split(whole)[:number])) for number in range(1, len(PAYLOADS) + 1)]
    for size in range(ends[0], len(whole) + 1):
        complete = sum(end <= size for end in ends)
        assert read(whole[:size] + bytes(len(whole) - size + 16)) == list(PAYLOADS[:complete])


def test_zeros_in_the_middle_are_a_change(whole: bytes) -> None:
    start = len(split(whole)[0])
    with pytest.raises(SealedFileChanged):
        read(whole[:start] + bytes(50) + whole[start + 50 :])


def test_a_changed_bit_is_refused_or_ends_the_file_where_it_is(whole: bytes) -> None:
    """A length that leads beyond the end cannot be told from a segment that is not whole."""
    for position in range(len(whole)):
        for bit in range(8):
            data = bytearray(whole)
            data[position] ^= 1 << bit
            try:
                found = read(bytes(data))
            except SealError:
                continue
            assert found == list(PAYLOADS[: len(found)])
            assert len(found) < len(PAYLOADS)
            assert sum(map(len, split(whole)[: len(found)])) <= position
            assert position < sum(map(len, split(whole)[: len(found)])) + LENGTH_BYTES


def reordered(parts: list[bytes]) -> list[bytes]:
    return [parts[0], parts[2], parts[1], *parts[3:]]


def doubled(parts: list[bytes]) -> list[bytes]:
    return [*parts[:2], *parts[1:]]


def doubled_last(parts: list[bytes]) -> list[bytes]:
    return [*parts, parts[-1]]


def dropped(parts: list[bytes]) -> list[bytes]:
    return [*parts[:1], *parts[2:]]


def huge_behind(parts: list[bytes]) -> list[bytes]:
    return [*parts, b"\xff\xff\xff\xff" + bytes(64)]


@pytest.mark.parametrize("damage", [reordered, doubled, doubled_last, dropped, huge_behind])
def test_segments_stay_in_their_places(
    whole: bytes, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    with pytest.raises(SealedFileChanged):
        read(b"".join(damage(split(whole))))


def test_without_its_first_segment_a_file_is_foreign(whole: bytes) -> None:
    with pytest.raises(SealedFileForeign):
        read(b"".join(split(whole)[1:]))


@given(st.permutations(range(len(PAYLOADS))), st.integers(1, len(PAYLOADS)))
def test_only_a_beginning_opens(whole: bytes, order: Sequence[int], number: int) -> None:
    parts = split(whole)
    taken = list(order[:number])
    data = b"".join(parts[index] for index in taken)
    if taken == list(range(number)):
        assert read(data) == list(PAYLOADS[:number])
    else:
        with pytest.raises(SealError):
            read(data)


def test_a_segment_of_another_file_is_refused(tmp_path: Path, whole: bytes) -> None:
    other = write(tmp_path, PAYLOADS)
    for place in range(len(PAYLOADS)):
        parts = split(whole)
        parts[place] = split(other)[place]
        with pytest.raises(SealError):
            read(b"".join(parts))


@pytest.mark.parametrize("other", OTHERS)
def test_another_identity_opens_nothing(whole: bytes, other: Identity) -> None:
    with pytest.raises(SealedFileForeign):
        read(whole, other)


@pytest.mark.parametrize("name", names.SEALED)
def test_a_file_opens_under_its_own_name_only(whole: bytes, name: str) -> None:
    with pytest.raises(SealedFileForeign):
        read(whole, name=name)
    with pytest.raises(SealError):
        read(seal(b"{}", name, ANA))


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0", b"\0\0\0\0", b"{}", b"\0\0\0\x20" * 9])
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(SealError):
        read(data)


# --- appending ---


def begun(folder: Path) -> journal.Journal:
    draft = Draft(folder / NAME, ANA)
    draft.add(b"header")
    return draft.publish()


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def shorten(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def open_to_others(path: Path) -> None:
    path.chmod(0o644)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def second_name(path: Path) -> None:
    path.with_name("second").hardlink_to(path)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Path.unlink, SealedFileMissing),
        (lengthen, SealedFileTruncated),
        (shorten, SealedFileTruncated),
        (open_to_others, SealedFileUnsafe),
        (link, SealedFileUnsafe),
        (second_name, SealedFileUnsafe),
        (fifo, SealedFileUnsafe),
    ],
)
def test_nothing_is_appended_to_what_is_not_as_it_was_left(
    tmp_path: Path, change: Callable[[Path], None], error: type[SealError]
) -> None:
    path = tmp_path / NAME
    written = begun(tmp_path)
    change(path)
    before = {one: one.stat().st_size for one in tmp_path.iterdir()}
    with pytest.raises(error):
        written.append(b"more")
    assert {one: one.stat().st_size for one in tmp_path.iterdir()} == before


def test_a_file_does_not_grow_beyond_what_is_read(tmp_path: Path) -> None:
    written = begun(tmp_path)
    megabyte = bytes(1 << 20)
    for _ in range(15):
        written.append(megabyte)
    with pytest.raises(SealedFileUnsafe):
        written.append(megabyte)
    assert (tmp_path / NAME).stat().st_size == written.size_bytes <= MAX_BYTES
    assert len(read(read_private(tmp_path / NAME))) == 16


def test_a_draft_does_not_grow_beyond_what_is_read(tmp_path: Path) -> None:
    draft = Draft(tmp_path / NAME, ANA)
    for _ in range(15):
        draft.add(bytes(1 << 20))
    with pytest.raises(FolderUnusable, match="larger"):
        draft.add(bytes(1 << 20))
    draft.discard()
    assert os.listdir(tmp_path) == []


def test_a_discarded_draft_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    before = write(tmp_path, PAYLOADS)
    draft = Draft(tmp_path / NAME, ANA)
    draft.add(b"new")
    draft.discard()
    assert os.listdir(tmp_path) == [NAME]
    assert read_private(tmp_path / NAME) == before


def test_no_draft_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(FolderUnusable):
        Draft(tmp_path / "gone" / NAME, ANA)


def test_a_known_file_opens() -> None:
    chain = journal._Chain(NAME, ANA)
    segments = [chain.seal(b"{}", bytes(range(16))), chain.seal(b"[]", bytes(range(16, 32)))]
    assert b"".join(segments).hex() == KNOWN
    assert read(bytes.fromhex(KNOWN)) == [b"{}", b"[]"]
