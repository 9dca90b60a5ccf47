"""Signing and notarising for macOS, with stand-ins for Apple's tools that write down what they
were asked. What Apple's own tools say of the result only macOS can tell."""

from __future__ import annotations

import base64
import io
import json
import os
import plistlib
import stat
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from freezing.payload import archive, archive_in, assemble, read_trailer
from macos import keychain, notarise, sign
from release.errors import ReleaseError

from tests.release import mach_o

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are scripts")
IDENTITY = "0123456789ABCDEF0123456789ABCDEF01234567"
_STAND_IN = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
entry = [pathlib.Path(__file__).name, *sys.argv[1:]]
stdin = "" if sys.stdin.isatty() else sys.stdin.read()
with open(here / "asked", "a") as asked:
    asked.write(json.dumps(entry) + "\\n")
if stdin:
    (here / "stdin").write_text(stdin)
for option, value in zip(sys.argv, sys.argv[1:]):
    if option == "--key":
        key = pathlib.Path(value)
        (here / "key").write_text(f"{{key.read_text()}} {{key.stat().st_mode & 0o777:o}} {{key}}")
answers = json.loads((here / "answers").read_text())
print(answers.get(" ".join(entry[:3]), answers.get(entry[0], "")))
if entry[0] == "hdiutil":
    pathlib.Path(entry[-1]).write_bytes(b"an image")
"""


class Mac:
    """The stand-ins' folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("security", "xcrun", "hdiutil", "ditto", "spctl"):
            (folder / name).write_text(_STAND_IN.format(python=sys.executable))
        source = Path(mach_o.__file__).read_text()
        (folder / "codesign").write_text(f"#!{sys.executable}\n{source}")
        for path in folder.iterdir():
            path.chmod(0o755)
        self.answer({})

    def answer(self, answers: dict[str, str]) -> None:
        (self.folder / "answers").write_text(json.dumps(answers))

    def asked(self) -> list[list[str]]:
        path = self.folder / "asked"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    found = Mac(tmp_path / "mac")
    monkeypatch.setenv("PATH", f"{found.folder}{os.pathsep}{os.environ['PATH']}")
    return found


@pytest.fixture(params=[b"", b"linker-signed"], ids=["bare", "linker-signed"])
def single_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A single file for macOS in small: a launcher, a program and a library."""
    folder = tmp_path / "folder"
    (folder / "_internal").mkdir(parents=True)
    (folder / "cco").write_bytes(mach_o.program(b"the program"))
    (folder / "_internal" / "Python").write_bytes(mach_o.program(b"a library"))
    (folder / "_internal" / "link").symlink_to("Python")
    (folder / "_internal" / "data").write_bytes(b"no program")
    launcher = mach_o.program(b"the launcher")
    if request.param:
        launcher = mach_o.signed(launcher, request.param)
    path = tmp_path / "cco-1.2.3-macos-arm64"
    path.write_bytes(assemble(launcher, archive(folder, time_s=0)))
    path.chmod(0o755)
    return path


def inside(path: Path) -> dict[str, bytes]:
    data = path.read_bytes()
    packed = archive_in(data)
    with tarfile.open(fileobj=io.BytesIO(packed)) as members:
        files = {member.name: members.extractfile(member) for member in members if member.isreg()}
        return {name: file.read() for name, file in files.items() if file is not None}


def test_everything_inside_and_the_whole_file_are_signed(mac: Mac, single_file: Path) -> None:
    before = inside(single_file)
    sign.sign(single_file, IDENTITY)
    data = single_file.read_bytes()
    known = mach_o.commands(data)
    _, start, size = known["signature"]
    assert start + size == len(data) == known["__LINKEDIT"][1] + known["__LINKEDIT"][2]
    trailer = read_trailer(data)
    assert trailer.offset + trailer.length + 56 == start
    assert single_file.stat().st_mode & 0o777 == 0o755
    after = inside(single_file)
    assert after.keys() == before.keys()
    for name in ("cco", "_internal/Python"):
        assert "signature" in mach_o.commands(after[name])
    assert after["_internal/data"] == before["_internal/data"]
    signings = [call for call in mac.asked() if "--sign" in call]
    assert [Path(call[-1]).name for call in signings] == ["Python", "cco", single_file.name]
    for call in signings:
        assert call[call.index("--sign") + 1] == IDENTITY
        assert call[call.index("--options") + 1] == "runtime"
        assert "--timestamp" in call
        assert ("--entitlements" in call) is (Path(call[-1]).name != "Python")
    verified = [call[-1] for call in mac.asked() if "--verify" in call]
    assert verified == [call[-1] for call in signings]
    assert [path.name for path in single_file.parent.glob(".sign-*")] == []


def test_what_is_signed_can_be_signed_again(mac: Mac, single_file: Path) -> None:
    sign.sign(single_file, sign.AD_HOC)
    first = inside(single_file)
    sign.sign(single_file, IDENTITY)
    assert inside(single_file).keys() == first.keys()


def test_ad_hoc_means_no_hardened_runtime(mac: Mac, single_file: Path) -> None:
    """Library validation refuses every library of a program that has no team."""
    sign.sign(single_file, sign.AD_HOC)
    for call in mac.asked():
        assert "--options" not in call
        assert "--entitlements" not in call


def test_a_signature_cannot_cover_a_payload_that_is_merely_appended(single_file: Path) -> None:
    with pytest.raises(ValueError, match="strict validation"):
        mach_o.signed(single_file.read_bytes(), b"x")


def test_another_file_is_refused_and_left_alone(mac: Mac, tmp_path: Path) -> None:
    path = tmp_path / "cco"
    path.write_bytes(b"no single file" * 100)
    with pytest.raises(ReleaseError, match="not a single file"):
        sign.sign(path, IDENTITY)
    assert path.read_bytes() == b"no single file" * 100


def test_a_single_file_of_another_system_is_refused(mac: Mac, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "cco").write_bytes(b"\x7fELF")
    path = tmp_path / "cco"
    path.write_bytes(assemble(b"\x7fELF", archive(folder, time_s=0)))
    with pytest.raises(ReleaseError, match="no program for macOS"):
        sign.sign(path, IDENTITY)


def test_nothing_is_allowed_that_the_hardened_runtime_forbids() -> None:
    assert plistlib.loads(sign.ENTITLEMENTS.read_bytes()) == {}


@pytest.fixture
def certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MACOS_CERTIFICATE", base64.b64encode(b"pkcs12").decode())
    monkeypatch.setenv("MACOS_CERTIFICATE_PASSWORD", "correct-horse")


@pytest.mark.usefixtures("certificate")
def test_a_keychain_is_opened_without_a_password_in_any_argument(mac: Mac, tmp_path: Path) -> None:
    mac.answer(
        {
            "security find-identity -v": f'  1) {IDENTITY} "Developer ID Application: X (ABC)"\n',
            "security list-keychains -d": '    "/Users/x/Library/Keychains/login.keychain-db"\n',
        }
    )
    file = tmp_path / "cco.keychain-db"
    assert keychain.open_keychain(file) == IDENTITY
    told = (mac.folder / "stdin").read_text().splitlines()
    assert [line.split()[0] for line in told] == [
        *("create-keychain", "set-keychain-settings", "unlock-keychain", "import"),
        "set-key-partition-list",
    ]
    own = told[0].split()[2]
    assert len(own) == 48
    assert "-P correct-horse" in told[3]
    for call in mac.asked():
        assert own not in " ".join(call)
        assert "correct-horse" not in " ".join(call)
    assert mac.asked()[-1][-2:] == [str(file), "/Users/x/Library/Keychains/login.keychain-db"]
    assert list(tmp_path.glob("*.p12")) == []


@pytest.mark.usefixtures("certificate")
@pytest.mark.parametrize(
    "listed", ["     0 valid identities found\n", f'  1) {IDENTITY} "Apple Development: X"\n']
)
def test_a_keychain_without_a_usable_certificate_is_refused(
    listed: str, mac: Mac, tmp_path: Path
) -> None:
    mac.answer({"security find-identity -v": listed})
    with pytest.raises(ReleaseError, match="no valid Developer ID Application"):
        keychain.open_keychain(tmp_path / "cco.keychain-db")
    assert list(tmp_path.glob("*.p12")) == []


@pytest.mark.usefixtures("certificate")
@pytest.mark.parametrize("password", ["", 'a"b', "a b", "a\nimport x"])
def test_a_password_that_could_be_a_command_is_refused(
    password: str, mac: Mac, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MACOS_CERTIFICATE_PASSWORD", password)
    with pytest.raises(ReleaseError, match="MACOS_CERTIFICATE_PASSWORD"):
        keychain.open_keychain(tmp_path / "cco.keychain-db")
    assert mac.asked() == []


def test_closing_deletes_the_keychain_if_there_is_one(mac: Mac, tmp_path: Path) -> None:
    file = tmp_path / "cco.keychain-db"
    keychain.close_keychain(file)
    assert mac.asked() == []
    file.touch()
    keychain.close_keychain(file)
    assert mac.asked() == [["security", "delete-keychain", str(file)]]


@pytest.fixture
def to_notarise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOTARY_KEY", base64.b64encode(b"the key").decode())
    monkeypatch.setenv("NOTARY_KEY_ID", "KEYID")
    monkeypatch.setenv("NOTARY_ISSUER", "issuer")
    path = tmp_path / "cco-1.2.3-macos-arm64"
    path.write_bytes(mach_o.program(b"x"))
    with tarfile.open(f"{path}.tar.gz", "w:gz") as archive_file:
        archive_file.add(path, "cco-1.2.3/cco")
    return path


ACCEPTED = {"xcrun notarytool submit": json.dumps({"status": "Accepted", "id": "4711"})}


def test_folder_and_image_are_submitted_and_the_image_stapled(mac: Mac, to_notarise: Path) -> None:
    mac.answer(ACCEPTED)
    notarise.notarise(to_notarise, IDENTITY)
    image = f"{to_notarise}.dmg"
    assert Path(image).exists()
    steps = [" ".join(call[:3]) if call[0] == "xcrun" else call[0] for call in mac.asked()]
    assert steps == [
        *("ditto", "xcrun notarytool submit", "hdiutil", "codesign", "codesign"),
        *("xcrun notarytool submit", "xcrun stapler staple", "xcrun stapler validate", "spctl"),
    ]
    submitted = [call[3] for call in mac.asked() if call[:3] == ["xcrun", "notarytool", "submit"]]
    assert [Path(path).suffix for path in submitted] == [".zip", ".dmg"]
    key, mode, path = (mac.folder / "key").read_text().rsplit(" ", 2)
    assert (key, mode) == ("the key", "600")
    assert not Path(path).exists()
    assert base64.b64encode(b"the key").decode() not in json.dumps(mac.asked())


def test_what_the_notary_refuses_is_told_in_its_words(mac: Mac, to_notarise: Path) -> None:
    refusal = {"status": "Invalid", "id": "4711"}
    mac.answer(
        {
            "xcrun notarytool submit": json.dumps(refusal),
            "xcrun notarytool log": "The signature does not include a secure timestamp.",
        }
    )
    with pytest.raises(ReleaseError, match=r"says Invalid of folder\.zip: .*secure timestamp"):
        notarise.notarise(to_notarise, IDENTITY)
    assert not Path(f"{to_notarise}.dmg").exists()


@pytest.mark.parametrize("name", ["NOTARY_KEY", "NOTARY_KEY_ID", "NOTARY_ISSUER"])
def test_a_missing_secret_is_named(
    name: str, mac: Mac, to_notarise: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ReleaseError, match=f"not set: {name}"):
        notarise.notarise(to_notarise, IDENTITY)
    assert mac.asked() == []


@pytest.mark.parametrize("tool", [sign.main, notarise.main])
def test_elsewhere_it_says_what_is_missing(
    tool: Callable[[list[str]], int],
    to_notarise: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert tool(["--identity", "-", str(to_notarise)]) == 1
    assert capsys.readouterr().err.startswith(f"{tool.__module__.split('.')[1]}: ")
    assert stat.S_ISREG(to_notarise.stat().st_mode)
