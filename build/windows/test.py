"""Run tests/windows under wine, with the frozen program.

    python build/windows/test.py [pytest arguments]        as root

On Windows itself: freeze, set CCO_TEST_BINARY=dist\\cco.exe, and run pytest tests/windows.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

import claude_client  # noqa: E402
from platforms import tools  # noqa: E402
from platforms.errors import PlatformError  # noqa: E402

from windows import freeze, wine  # noqa: E402

TESTS = ROOT / "tests" / "windows"
CLIENT = "win32-x64"
COMPILER = "x86_64-w64-mingw32-gcc"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Shapes: -> pytest's exit status, or 1.
    """
    chosen = list(sys.argv[1:] if arguments is None else arguments) or [str(TESTS)]
    if freeze.main(["--if-changed"]) != 0:
        return 1
    try:
        with prepared(freeze.DEFAULT_OUTPUT) as place, place.pytest(*chosen) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
            return process.wait()
    except PlatformError as error:
        print(f"test: {error}", file=sys.stderr)
        return 1


class Place:
    """A Windows with all that the tests need."""

    def __init__(
        self, windows: wine.Windows, binary: Path, claude: Path, fake_claude: Path
    ) -> None:
        self._windows = windows
        self._environment = {
            "CCO_TEST_BINARY": wine.path(binary),
            "CCO_TEST_CLAUDE": wine.path(claude),
            "CCO_TEST_FAKE_CLAUDE": wine.path(fake_claude),
            "CCO_TEST_WINE": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": r"C:\hypothesis",  # the checkout cannot be written to
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONUNBUFFERED": "1",
        }

    def pytest(self, *arguments: str) -> subprocess.Popen[str]:
        """Start pytest there, in the checkout."""
        command = [wine.PYTHON, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        return self._windows.start(*command, env=self._environment, cwd=str(ROOT))


@contextmanager
def prepared(binary: Path, account: str = "root") -> Iterator[Place]:
    """Give a Windows to test a frozen program in, with the pinned Claude Code for Windows.

    Raises: PlatformError.
    """
    tools.demand(COMPILER)
    try:
        if not claude_client.is_current(CLIENT):
            claude_client.fetch(CLIENT)
        claude = claude_client.program(CLIENT)
    except claude_client.ClientUnavailable as error:
        raise PlatformError(str(error)) from None
    with tempfile.TemporaryDirectory() as scratch:
        fake = Path(scratch, "claude.exe")
        source = TESTS / "fake_claude.c"
        tools.run([COMPILER, "-municode", "-Os", "-s", "-o", str(fake), str(source)])
        with wine.Windows(read=[ROOT, Path(scratch)], checkout=ROOT, account=account) as windows:
            yield Place(windows, binary, claude, fake)


if __name__ == "__main__":
    raise SystemExit(main())
