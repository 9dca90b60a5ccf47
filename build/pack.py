"""Make what a release has besides the single files.

    python build/pack.py archive --program dist/cco --platform linux-x86_64 [--out dist]
    python build/pack.py deb --program dist/cco --platform linux-x86_64 [--out dist]
    python build/pack.py formula --checksums dist/SHA256SUMS [--out dist]      cco.rb
    python build/pack.py winget --checksums dist/SHA256SUMS [--out dist]       three manifests

--program is a single file made by build/freeze.py, or the folder that it was made from. The
version is that of the sources, the time that of their commit or SOURCE_DATE_EPOCH: equal input,
equal bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from freezing.identity import identify  # noqa: E402
from packing import archive, deb, formula, winget  # noqa: E402
from release import checksums  # noqa: E402
from release.errors import ReleaseError, run  # noqa: E402
from release.names import PLATFORMS  # noqa: E402

from cco.build_info import VERSION  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, which prints the path of every file that it made.

    Shapes: -> exit status, 0 or 1.
    """
    options = _parser().parse_args(arguments)

    def work() -> None:
        for path in options.make(options, identify(ROOT).time_s):
            print(path)

    return run("pack", work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Make what a release has besides the single files."
    )
    commands = parser.add_subparsers(required=True, metavar="WHAT")
    for name in ("archive", "deb"):
        command = commands.add_parser(name)
        command.add_argument("--program", type=Path, required=True, metavar="FILE|FOLDER")
        command.add_argument("--platform", choices=sorted(PLATFORMS), required=True)
        command.set_defaults(make=_archive if name == "archive" else _deb)
    for name in ("formula", "winget"):
        command = commands.add_parser(name)
        command.add_argument("--checksums", type=Path, required=True, metavar="FILE")
        command.set_defaults(make=_formula if name == "formula" else _winget)
    for command in commands.choices.values():
        command.add_argument("--out", type=Path, default=ROOT / "dist", metavar="FOLDER")
    return parser


def _archive(options: argparse.Namespace, time_s: int) -> list[Path]:
    platform = PLATFORMS[options.platform]
    return [archive.make_archive(options.program, platform, VERSION, options.out, time_s)]


def _deb(options: argparse.Namespace, time_s: int) -> list[Path]:
    platform = PLATFORMS[options.platform]
    if platform.os != "linux":
        raise ReleaseError("a .deb is for Linux")
    return [deb.make_deb(options.program, platform, VERSION, options.out, time_s)]


def _formula(options: argparse.Namespace, time_s: int) -> list[Path]:
    sums = checksums.read(options.checksums)
    return [_write(options.out / "cco.rb", formula.formula(VERSION, sums))]


def _winget(options: argparse.Namespace, time_s: int) -> list[Path]:
    made = winget.manifests(VERSION, checksums.read(options.checksums), time_s)
    return [_write(options.out / name, text) for name, text in made.items()]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())  # with \n on every system
    return path


if __name__ == "__main__":
    raise SystemExit(main())
