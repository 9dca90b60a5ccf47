"""The pictures of the documents show the program as it is, and can be made anew."""

from __future__ import annotations

import json
import re
import struct
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("pty")

from pictures import dashboard, make, session, svg
from pictures.recording import Frame, Recording, Run
from pictures.terminal import Terminal

from cco.catalogue.markdown import load_markdown
from tests.browser.conftest import CHROMIUM, NEEDS_CHROMIUM
from tests.conftest import BINARY, NEEDS_BINARY, make_sandbox
from tests.documents.command_lines import ROOT

DRAWN = (make.IMAGES / make.RECORDING).read_text()
MAX_BYTES = 150_000
"""A picture must not keep a reader waiting."""


def words(drawn: str) -> str:
    """Every line of every screen in a drawing."""
    texts = ElementTree.fromstring(drawn).iter(  # noqa: S314  # our own
        "{http://www.w3.org/2000/svg}text"
    )
    lines = []
    for text in texts:
        pieces = [(float(one.get("x", "0")) / 8.4, one.text or "") for one in text]
        line = ""
        for column, piece in pieces:
            line = line.ljust(round(column)) + piece
        lines.append(line)
    return "\n".join(lines)


def normal(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_the_recording_that_is_shown_is_of_this_program() -> None:
    shown = normal(words(DRAWN))
    for mark in session.MARKS:
        assert normal(mark).strip() in shown
    names = {agent.name for agent in load_markdown().agents}
    assert set(session.TEAM) <= names
    package = json.loads((ROOT / "build/claude-client/package.json").read_text())
    (client,) = package["dependencies"].values()
    assert f"Claude Code v{client}" in shown


def test_the_recording_moves_by_styles_alone_and_stands_still_for_who_wants_that() -> None:
    assert len(DRAWN.encode()) < MAX_BYTES
    assert "<script" not in DRAWN
    assert not re.search(r"(href|src|url)\W", DRAWN)
    assert "prefers-reduced-motion" in DRAWN
    assert DRAWN.count("@keyframes") > 5
    assert f"<title>{make.TITLE}</title>" in DRAWN


@pytest.mark.parametrize("view", dashboard.VIEWS)
@pytest.mark.parametrize("scheme", dashboard.SCHEMES)
def test_the_photographs_are_there_and_shown(view: str, scheme: str) -> None:
    path = make.IMAGES / f"dashboard-{view}-{scheme}.png"
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">II", data[16:24]) == (dashboard.WIDTH, dashboard.VIEWS[view][1])
    assert len(data) < MAX_BYTES
    documents = (ROOT / "README.md").read_text() + (ROOT / "docs/dashboard.md").read_text()
    assert f"images/{path.name}" in documents


@pytest.mark.slow
def test_the_session_can_be_recorded_anew(tmp_path: Path, claude: str) -> None:
    if BINARY is None:
        pytest.skip(NEEDS_BINARY)
    recording = session.record(tmp_path, Path(BINARY).resolve(), claude)
    assert [mark for mark in session.MARKS if not recording.shows(mark)] == []
    again = normal(words(svg.draw(recording, make.TITLE)))
    for mark in session.MARKS:
        assert normal(mark).strip() in again


@pytest.mark.slow
def test_new_photographs(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip(NEEDS_CHROMIUM)
    place = make_sandbox("source", tmp_path / "box")
    try:
        place.ok("daemon", "start")
        dashboard.work(place)
        # Chromium makes a socket in its home: the name of one may have 107 bytes
        with (
            tempfile.TemporaryDirectory(prefix="cco-browser-") as home,
            dashboard.open_dashboard(place, "dark", Path(home)) as page,
        ):
            overview = dashboard.show(page, "overview")
            one = dashboard.show(page, "session")
            assert page.screenshot().startswith(b"\x89PNG")
    finally:
        place.close()
    assert "Needs attention" in overview
    assert "cart.py" in overview
    assert "1 edit conflict · 75 % of its budget" in overview
    for name in ("performance-engineer", "database-engineer", "css-engineer", "test-engineer"):
        assert name in one


# --- the recorder itself ---


def shell(script: str, folder: Path) -> Terminal:
    return Terminal(["/bin/sh", "-c", script], {"TERM": "xterm"}, folder, columns=20, rows=4)


def test_a_terminal_shows_what_a_program_draws(tmp_path: Path) -> None:
    script = r"printf 'one\n\033[31;1mtwo\033[0m\n\033[>4;2mthree'; read line; exit 7"
    with shell(script, tmp_path) as terminal:
        recording = Recording(terminal)
        terminal.wait_for("three")
        recording.linger(2, still=True)
        terminal.type("\r")
        assert terminal.wait_for_exit() == 7
    frame = recording.frames[recording.still]
    assert frame.text.splitlines()[:3] == ["one", "two", "three"]
    assert frame.rows[1] == (Run(0, "two", "red", "default", True),)
    assert frame.rows[2] == (Run(0, "three", "default", "default", False),)
    assert recording.duration_s >= 2
    drawn = svg.draw(recording, "a & b")
    assert words(drawn).splitlines()[:1] == ["one"]
    assert "<title>a &amp; b</title>" in drawn


def test_a_full_screen_program_leaves_what_was_there(tmp_path: Path) -> None:
    script = (
        r"printf 'before\n'; printf '\033[?1049hfull'; read line; printf '\033[?1049l$ '; read x"
    )
    with shell(script, tmp_path) as terminal:
        terminal.wait_for("full")
        assert "before" not in terminal.text
        terminal.type("\r")
        terminal.wait_for("$")
        assert terminal.text.startswith("before")


def test_what_never_comes_is_told_with_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pictures.terminal.TIMEOUT_S", 0.3)
    with shell("printf here; read line", tmp_path) as terminal, pytest.raises(TimeoutError) as told:
        terminal.wait_for("not to come")
    assert "here" in str(told.value)


def test_rows_that_stand_still_cost_no_movement(tmp_path: Path) -> None:
    with shell("printf still; read line", tmp_path) as terminal:
        recording = Recording(terminal)
        terminal.wait_for("still")
        recording.linger(1)
    first = recording.frames[-1].rows
    moved = (first[0], (Run(3, "<moved>", "ff0000", "00ff00", False),), *first[2:])
    recording.frames.append(Frame(recording.duration_s, moved))
    drawn = svg.draw(recording, "t")
    assert drawn.count("@keyframes") <= 2
    assert "&lt;moved&gt;" in drawn
    assert 'fill="#00ff00"' in drawn
