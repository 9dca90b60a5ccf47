"""Make the pictures of the documents anew: `make pictures`.

    python build/pictures/make.py --binary dist/cco --claude PATH [--into docs/images]

A session at a terminal, recorded from the frozen program and the real client against the scripted
model, becomes an SVG that moves; the dashboard is photographed in Chromium, light and dark.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "build"))

from pictures import dashboard, session, svg  # noqa: E402
from tests.browser.conftest import CHROMIUM, NEEDS_CHROMIUM  # noqa: E402
from tests.conftest import Sandbox  # noqa: E402

IMAGES = ROOT / "docs" / "images"
RECORDING = "session.svg"
TITLE = "A session with cco: two specialists at work side by side, then what it cost"


def make_recording(folder: Path, binary: Path, claude: str) -> str:
    """Record the session and draw it. Raises: TimeoutError, where it went another way."""
    recording = session.record(folder, binary, claude)
    missing = [mark for mark in session.MARKS if not recording.shows(mark)]
    if missing:
        raise TimeoutError(f"the recording does not show {missing}")
    return svg.draw(recording, TITLE)


def make_photographs(folder: Path, binary: Path, into: Path) -> None:
    """Photograph each view of the dashboard in each scheme."""
    place = Sandbox(folder / "box", (str(binary),), frozen=True)
    try:
        place.ok("daemon", "start")
        dashboard.work(place)
        for scheme in dashboard.SCHEMES:
            with dashboard.open_dashboard(place, scheme, folder) as page:
                for view in dashboard.VIEWS:
                    dashboard.show(page, view)
                    page.screenshot(path=into / f"dashboard-{view}-{scheme}.png")
    finally:
        place.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--claude", required=True)
    parser.add_argument("--into", type=Path, default=IMAGES)
    options = parser.parse_args()
    if CHROMIUM is None:
        sys.exit(f"pictures: {NEEDS_CHROMIUM}")
    options.into.mkdir(parents=True, exist_ok=True)
    binary = options.binary.resolve()
    with tempfile.TemporaryDirectory(prefix="cco-pictures-") as folder:
        drawn = make_recording(Path(folder) / "session", binary, options.claude)
        (options.into / RECORDING).write_text(drawn)
        make_photographs(Path(folder) / "dashboard", binary, options.into)


if __name__ == "__main__":
    main()
