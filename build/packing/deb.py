"""The Debian package: the folder form in /usr/lib/cco, a link to its program in /usr/bin."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from release.errors import ReleaseError
from release.names import REPOSITORY, Platform

from packing.folder import ROOT, unpack_program
from packing.template import INSTALLERS, render

_PROGRAM = "usr/lib/cco"
_GLIBC = re.compile(rb"GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0")
_ELF = b"\x7fELF"
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/cco",
    "zsh": "usr/share/zsh/vendor-completions/_cco",
    "fish": "usr/share/fish/vendor_completions.d/cco.fish",
}


def make_deb(
    program: Path, platform: Platform, version: str, out: Path, time_s: int, *, level: int = 6
) -> Path:
    """Build the package of a platform from its single file or frozen folder; -> its path.

    Shapes: level is xz's, 0 to 9.

    Raises: ReleaseError, without dpkg-deb as well.
    """
    dpkg_deb = shutil.which("dpkg-deb")
    if dpkg_deb is None:
        raise ReleaseError("dpkg-deb is missing. Debian, Ubuntu: apt-get install dpkg")
    out.mkdir(parents=True, exist_ok=True)
    path = out / platform.deb(version)
    with tempfile.TemporaryDirectory(prefix="cco-deb-") as scratch:
        tree = Path(scratch) / "tree"
        _stage(program, tree, version, time_s)
        _write(tree / "DEBIAN/control", _control(tree, platform, version))
        _write(tree / "DEBIAN/md5sums", _md5sums(tree))
        _settle_modes(tree)
        command = [dpkg_deb, "--root-owner-group", "--uniform-compression", "-Zxz"]
        done = subprocess.run(
            [*command, f"-z{level}", "--build", str(tree), str(path)],
            env={**os.environ, "SOURCE_DATE_EPOCH": str(time_s), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise ReleaseError(f"dpkg-deb ended with exit status {done.returncode}: {done.stderr}")
    return path


def _stage(program: Path, tree: Path, version: str, time_s: int) -> None:
    from cco.cli.app import application
    from cco.cli.completion import completion_script
    from cco.cli.manual import manual_page

    unpack_program(program, tree / _PROGRAM)
    (tree / "usr/bin").mkdir()
    (tree / "usr/bin/cco").symlink_to("../lib/cco/cco")
    for shell, place in COMPLETIONS.items():
        _write(tree / place, completion_script(application, shell) + "\n")
    _write_gz(tree / "usr/share/man/man1/cco.1.gz", manual_page(application))
    document = tree / "usr/share/doc/cco"
    _write(document / "copyright", _copyright(tree))
    _write_gz(document / "changelog.gz", _changelog(version, time_s))
    overrides = (INSTALLERS / "debian/lintian-overrides").read_text()
    _write(tree / "usr/share/lintian/overrides/cco", overrides)


def _settle_modes(tree: Path) -> None:
    """Folders and the program 0755, all else 0644, whatever the umask was."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        program = path.is_dir() or path == tree / _PROGRAM / "cco"
        path.chmod(0o755 if program else 0o644)


def _control(tree: Path, platform: Platform, version: str) -> str:
    kib = sum(-(-path.lstat().st_size // 1024) for path in _files(tree))
    return render(
        "debian/control.in",
        {
            "VERSION": version.replace("-", "~"),  # 1.0.0-rc.1 comes before 1.0.0
            "ARCH": platform.debian_arch,
            "SIZE": str(kib),
            "GLIBC": glibc_needed(tree),
            "REPOSITORY": REPOSITORY,
        },
    )


def glibc_needed(tree: Path) -> str:
    """The oldest glibc that has every symbol version that the ELF files ask for.

    Raises: ReleaseError, where none asks for any.
    """
    found = set()
    for path in _files(tree):
        if not path.is_symlink():
            data = path.read_bytes()
            if data.startswith(_ELF):
                found |= {(int(major), int(minor)) for major, minor in _GLIBC.findall(data)}
    if not found:
        raise ReleaseError("no file of the program is linked to glibc: is it one for Linux?")
    return "{}.{}".format(*max(found))


def _copyright(tree: Path) -> str:
    """Our licence, and where those of the parts lie."""
    licences = sorted(str(path.relative_to(tree)) for path in (tree / _PROGRAM).rglob("licenses/*"))
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    holder = next(line for line in text.splitlines() if line.startswith("Copyright"))
    body = text.partition(holder)[2].strip().splitlines()
    return render(
        "debian/copyright.in",
        {
            "REPOSITORY": REPOSITORY,
            "HOLDER": re.sub(r"^Copyright( \(c\))? ", "", holder),
            "LICENCE": "\n".join(f" {line}" if line.strip() else " ." for line in body),
            "PARTS": "\n".join(f" /{licence}" for licence in licences),
        },
    )


def _changelog(version: str, time_s: int) -> str:
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(time_s))
    values = {"VERSION": version.replace("-", "~"), "DATE": date, "REPOSITORY": REPOSITORY}
    return render("debian/changelog.in", values)


def _md5sums(tree: Path) -> str:
    import hashlib

    lines = []
    for path in _files(tree):
        if not path.is_symlink() and "DEBIAN" not in path.relative_to(tree).parts:
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            lines.append(f"{digest}  {path.relative_to(tree)}\n")
    return "".join(lines)


def _files(tree: Path) -> Iterator[Path]:
    yield from (path for path in sorted(tree.rglob("*")) if path.is_symlink() or path.is_file())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_gz(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
