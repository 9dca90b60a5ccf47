"""What `cco install` reads and writes: its record, lines for shells, Windows' PATH."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from cco.errors import InstallFailed
from cco.installation.path_entries import with_entry, without_entry
from cco.installation.record import Record, read_record
from cco.installation.shells import is_on_path, shell_line
from tests.vectors.drawn import JSON_VALUES

NAMES = st.text(
    st.characters(exclude_characters="\0/\n:", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 60)
TRICKY = st.sampled_from(
    ["$HOME", "`id`", "a b", "'", '"', "\\", "a'b\"c", "!x", "*", "~", "-e", "é", "#"]
)
PATHS = st.lists(NAMES | TRICKY, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
SHELLS = ("sh", "bash", "zsh", "fish")


DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(
    st.builds(
        Record,
        NAMES,
        st.dictionaries(PATHS, DIGESTS, max_size=3),
        st.dictionaries(PATHS, PATHS, max_size=3),
        st.lists(PATHS, max_size=3),
        st.dictionaries(PATHS, st.booleans(), max_size=2),
        st.none() | PATHS,
    )
)
def test_a_record_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, record: Record
) -> None:
    path = tmp_path_factory.getbasetemp() / "install.json"
    assert read_again(record, path) == record


FIELDS = "format version files links folders shell_files path_entry".split()
RECORDS = st.fixed_dictionaries(
    {"format": st.just(1) | JSON_VALUES, "version": st.text(max_size=5) | JSON_VALUES},
    optional={name: JSON_VALUES | st.just({"/a": "/b"}) | st.just(["/a"]) for name in FIELDS[2:]},
)


@given(st.binary(max_size=60) | (RECORDS | JSON_VALUES).map(lambda told: json.dumps(told).encode()))
@example(b"[" * 100_000)
@example(b'{"format": 1, "version": "1", "files": ["/a"]}')
def test_any_other_file_is_refused_or_names_whole_paths_only(
    tmp_path_factory: pytest.TempPathFactory, contents: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "install.json"
    path.write_bytes(contents)
    try:
        record = read_record(path)
    except InstallFailed as error:
        assert str(path) in str(error)
        return
    assert record is not None
    for one in (*record.files, *record.links, *record.folders, *record.shell_files):
        assert Path(one).is_absolute()
        assert not record.owns(Path(one)) or Path(one).exists() or Path(one).is_symlink()
    assert read_again(record, path) == record


def read_again(record: Record, path: Path) -> Record | None:
    path.write_bytes(record.to_bytes())
    return read_record(path)


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])  # each starts a shell
@given(st.lists(PATHS, min_size=5, max_size=15))
@example(["/opt/a$(touch x)", "/home/zoë/it's", "/home/a/.local/bin", "/a`b`", "/\\", "/é 日本"])
def test_every_shell_puts_just_this_folder_first(
    tmp_path_factory: pytest.TempPathFactory, shell: str, folders: list[str]
) -> None:
    """The lines that are written into start-up files, run by the shells that will run them."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    home, place = Path("/home/a"), tmp_path_factory.getbasetemp()
    environ = {"SHELL": f"/bin/{shell}", "PATH": "/usr/bin:/bin", "HOME": str(home)}
    script = []
    for folder in map(Path, folders):
        script += [f"{shell_line(folder, home, environ).line}", 'printf "%s\\n" "$PATH"']
        script += ["set -gx PATH /usr/bin /bin" if shell == "fish" else "PATH=/usr/bin:/bin"]
    told = "\n".join(script).replace('"$PATH"\n', '"$PATH[1]"\n') if shell == "fish" else None
    done = subprocess.run(
        [program, "-s"] if shell != "fish" else [program, "--no-config"],
        input=(told or "\n".join(script)).encode() + b"\n",
        env={**environ, "XDG_CONFIG_HOME": str(place), "XDG_DATA_HOME": str(place)},
        cwd=place,
        capture_output=True,
        timeout=60,
        check=True,
    )
    firsts = [line.removesuffix(":/usr/bin:/bin") for line in done.stdout.decode().split("\n")[:-1]]
    assert firsts == folders, done.stderr


@given(st.lists(PATHS | st.text(max_size=8), max_size=4), PATHS)
def test_path_is_searched_whatever_is_in_it(entries: list[str], folder: str) -> None:
    path = ":".join(entry.replace("\0", "") for entry in entries)
    assert is_on_path(Path(folder), {"PATH": f"{path}:{folder}"})
    assert is_on_path(Path(folder), {"PATH": path}) in (True, False)


ENTRIES = st.text("abC:\\%; \"'.é", max_size=12)
FOLDERS = st.text("abC:\\ '.é", min_size=1, max_size=12).filter(lambda one: one.strip() == one)
VARIABLES = st.dictionaries(st.sampled_from(["a", "B", "C"]), ENTRIES, max_size=2)


@given(st.lists(ENTRIES, max_size=5), FOLDERS, VARIABLES)
def test_an_entry_of_path_comes_once_and_goes_again(
    entries: list[str], folder: str, environ: dict[str, str]
) -> None:
    value = ";".join(entries)
    once = with_entry(value, folder, environ)
    assert with_entry(once, folder, environ) == once
    without = without_entry(once, folder, environ)
    assert without_entry(without, folder, environ) == without
    assert all(one in value.split(";") for one in without.split(";") if one)
