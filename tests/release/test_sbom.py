"""The list of parts tells what an artefact's own bytes hold, in the official form."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from freezing.payload import archive, archive_in
from release import checksums, sbom
from release.contents import Contents, read_contents
from release.errors import ReleaseError
from release.libraries import libraries
from release.parts import Part, is_python, package_of, parts_of, pinned

from cco.build_info import VERSION

ROOT = Path(__file__).parent.parent.parent
TIME_S = 1_700_000_000


@pytest.fixture(scope="module")
def contents(binary: Path) -> Contents:
    return read_contents(binary)


@pytest.fixture(scope="module")
def parts(contents: Contents) -> dict[str, Part]:
    return {part.name: part for part in parts_of(contents)}


def test_every_pinned_distribution_and_native_part_is_there(parts: dict[str, Part]) -> None:
    needed = set(pinned("runtime")) - {"pycparser", "typing-extensions"}
    if sys.platform != "win32":
        needed -= {"colorama", "pywin32", "winregistry"}
    if sys.platform == "linux":
        needed -= {"platformdirs"}
    assert needed <= set(parts)
    for name in ("cpython", "pyinstaller", "zstd", "uplot"):
        assert parts[name].version
    assert parts["cpython"].version == sys.version.split()[0]
    for name in set(parts) & set(pinned("runtime")):
        assert parts[name].version == pinned("runtime")[name]


def test_what_a_wheel_holds_is_told_from_its_bytes(parts: dict[str, Part]) -> None:
    from cryptography.hazmat.backends.openssl import backend

    held = {part.name: part for part in parts["cryptography"].holds}
    assert f"OpenSSL {held['openssl'].version} " in backend.openssl_version_text()
    assert {"pyo3", "asn1"} <= set(held)


def test_a_wheel_that_holds_another_openssl_than_it_states_is_refused(contents: Contents) -> None:
    rust = next(name for name in contents.files if "_rust.abi3" in name)
    other = contents.files[rust].replace(b"OpenSSL ", b"ClosedSL")
    changed = replace(contents, files={**contents.files, rust: other})
    with pytest.raises(ReleaseError, match="is stated, and in none of"):
        parts_of(changed)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("_internal/libsurprise.so.1", "libsurprise.so.1 belongs to nothing known"),
        ("_internal/surprise.abi3.so", "no installed distributions hold surprise"),
        ("_internal/surprise/inner.abi3.so", "no installed distributions hold surprise"),
        ("_internal/ruff/x.abi3.so", "ruff is .* here, and pinned to nothing"),
        ("_internal/cco/web/vendor/surprise.js", "of no package that build/web pins"),
    ],
)
def test_a_part_that_nobody_can_name_is_refused(name: str, fault: str, contents: Contents) -> None:
    with pytest.raises(ReleaseError, match=fault):
        parts_of(replace(contents, files={**contents.files, name: b"x"}))


def test_the_list_follows_the_official_schema_and_is_always_the_same(
    contents: Contents,
) -> None:
    digest = "0" * 64
    text = sbom.describe("cco", digest, parts_of(contents), time_s=TIME_S)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert sbom.describe("cco", digest, parts_of(contents), time_s=TIME_S) == text
    document = json.loads(text)
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert document["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert str(ROOT) not in text
    references = [component["bom-ref"] for component in document["components"]]
    assert len(references) == len(set(references))
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert sorted(needs[f"pkg:generic/cco@{VERSION}"]) == sorted(references)
    cryptography = f"pkg:pypi/cryptography@{pinned('runtime')['cryptography']}"
    assert needs[cryptography] == [f"pkg:pypi/cffi@{pinned('runtime')['cffi']}"]


@pytest.mark.parametrize(
    ("file", "python", "package"),
    [
        ("_internal/libpython3.11.so.1.0", True, None),
        ("_internal/Python.framework/Versions/3.11/Python", True, "Python.framework"),
        ("_internal/python311.dll", True, None),
        ("_internal/python3.11/lib-dynload/_ssl.cpython-311-darwin.so", False, "_ssl"),
        ("_internal/_ssl.pyd", False, "_ssl"),
        ("_internal/_cffi_backend.cp311-win_amd64.pyd", False, "_cffi_backend"),
        ("_internal/cryptography/hazmat/bindings/_rust.abi3.so", False, "cryptography"),
        ("_internal/psutil/_psutil_osx.abi3.so", False, "psutil"),
        ("_internal/libcrypto.3.dylib", False, None),
        ("_internal/libcrypto-3.dll", False, None),
        ("_internal/VCRUNTIME140.dll", False, None),
    ],
)
def test_files_of_every_system_are_told_apart(file: str, python: bool, package: str | None) -> None:
    assert is_python(file) is python
    assert package_of(file) == package
    if not python and package is None:
        assert [part.files for part in libraries({file: b"x"})] == [(file,)]


def test_a_library_within_a_module_of_pythons_is_told() -> None:
    module = "_internal/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so"
    text = b"\0OpenSSL 3.5.7+1.deb13u2 9 Jun 2026\0"
    (part,) = libraries({module: b"before" + text, "_internal/cryptography/_rust.abi3.so": text})
    assert (part.name, part.version) == ("openssl", "3.5.7+1.deb13u2")
    assert (part.files, part.sha256) == ((module,), None)
    assert libraries({module: b"one that is linked to a library of the system's"}) == []
    reference = "pkg:generic/openssl@3.5.7%2B1.deb13u2"
    assert reference in sbom.describe("cco", "0" * 64, [part], time_s=TIME_S)


def test_every_form_of_an_artefact_can_be_opened(
    binary: Path, contents: Contents, tmp_path: Path
) -> None:
    single_file = binary.read_bytes()
    payload = archive_in(single_file)
    folder = tmp_path / "cco-1.2.3-linux-x86_64"
    with tarfile.open(fileobj=io.BytesIO(payload)) as members:
        members.extractall(folder)
    with tarfile.open(tmp_path / "cco.tar.gz", "w:gz", compresslevel=1) as target:
        target.add(folder, folder.name)
    with zipfile.ZipFile(tmp_path / "cco.zip", "w") as zipped:
        for path in folder.rglob("*"):
            zipped.write(path, path.relative_to(tmp_path))
    artefacts = [tmp_path / "cco.tar.gz", tmp_path / "cco.zip"]
    if shutil.which("dpkg-deb"):
        artefacts.append(_debian_package(folder, tmp_path))
    for artefact in artefacts:
        found = read_contents(artefact)
        assert found.launcher is None
        assert found.program == contents.program
        assert {
            name: body for name, body in found.files.items() if name.startswith("_internal/")
        } == dict(contents.files)
        assert found.modules() == contents.modules()


def _debian_package(folder: Path, tmp_path: Path) -> Path:
    root = tmp_path / "package"
    (root / "usr" / "lib").mkdir(parents=True)
    folder.rename(root / "usr" / "lib" / "cco")
    (root / "DEBIAN").mkdir()
    control = "Package: cco\nVersion: 1.2.3\nArchitecture: all\nMaintainer: x <x@example.org>\n"
    (root / "DEBIAN" / "control").write_text(control + "Description: x\n")
    program = shutil.which("dpkg-deb")
    assert program is not None
    command = [program, "-Znone", "--build", str(root), str(tmp_path / "cco.deb")]
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path / "cco.deb"


@pytest.mark.parametrize("name", ["cco", "cco.zip", "cco.tar.gz", "cco.deb"])
def test_other_files_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"nothing of ours" * 100)
    with pytest.raises(ReleaseError):
        read_contents(tmp_path / name)


def test_an_archive_without_the_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "cco").write_text("alone")
    (tmp_path / "cco.tar.gz").write_bytes(archive(tmp_path / "folder", time_s=0))
    with pytest.raises(ReleaseError, match="does not hold the frozen program"):
        read_contents(tmp_path / "cco.tar.gz")


def test_the_command_line_writes_it_beside_the_artefact(binary: Path, tmp_path: Path) -> None:
    artefact, image = tmp_path / "cco-1.2.3-linux-x86_64", tmp_path / "cco-1.2.3-macos-arm64.dmg"
    shutil.copyfile(binary, artefact)
    image.write_bytes(b"an image of it")
    for arguments in ([artefact], ["--as", artefact, image]):
        command = [sys.executable, ROOT / "build/release/sbom.py", *arguments]
        subprocess.run(command, check=True, capture_output=True)
    for path in (artefact, image):
        document: dict[str, Any] = json.loads(Path(f"{path}.cdx.json").read_text())
        (told,) = document["metadata"]["component"]["hashes"]
        assert told["content"] == checksums.digest_of(path)
        assert document["metadata"]["component"]["properties"][0]["value"] == path.name
