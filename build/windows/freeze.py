"""Freeze cco for Windows on a Linux machine, under wine.

    python build/windows/freeze.py [options of build/freeze.py]        as root

Makes dist/platforms/cco-windows-x86_64.exe, if --out names no other file.

The launcher is compiled by MinGW-w64, the program inside is put together by Windows' own Python
and PyInstaller. On Windows itself build/freeze.py does the same without any of this.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

import freeze  # noqa: E402
from freezing.target import Target  # noqa: E402
from platforms import tools  # noqa: E402
from platforms.errors import PlatformError  # noqa: E402

from windows import wine  # noqa: E402

DEFAULT_OUTPUT = ROOT / "dist" / "platforms" / "cco-windows-x86_64.exe"
_PASSED_ON = ("LC_ALL", "PYINSTALLER_", "PYTHON", "SOURCE_DATE_EPOCH", "TZ")


class WineTarget:
    """Windows, as wine shows it to the programs in it."""

    name = "win32"

    def run_python(
        self, arguments: Sequence[str], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        passed_on = {name: text for name, text in environ.items() if name.startswith(_PASSED_ON)}
        freeze.WORK.mkdir(exist_ok=True)
        with wine.Windows(read=[ROOT], write=[freeze.WORK]) as windows:
            process = windows.start(wine.PYTHON, *arguments, env=passed_on)
            out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def path(self, path: Path) -> str:
        return wine.path(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> exit status, 0 or 1.
    """
    target: Target = WineTarget()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        tools.demand_root()
        tools.demand("x86_64-w64-mingw32-gcc")
        return freeze.main(["--out", str(DEFAULT_OUTPUT), *given], target)
    except PlatformError as error:
        print(f"freeze: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
