"""Measure how quickly hooks are answered while others watch.

    python -m tests.load.measure_hooks [--rate 200] [--sessions 20] [--seconds 30] [--form frozen]
        [--readers 50] [--no-browser]

Sessions, each on a connection of its own, send what a team at work sends: four agents' edits, and
their model calls as telemetry. When each hook is due is settled beforehand, and its time
counts from then: a daemon that stands still is not spared those that wait behind. A browser watches
the dashboard, and readers the stream of events, every second one without ever reading. Printed: how
long hooks took, what of the browser's time was lost to tasks over 50 ms, and whether page and API
have every call and every dollar.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.conftest import Sandbox, make_sandbox
from tests.load.readers import reading
from tests.load.team import COST_USD, Team

MIB = 1 << 20
BEGIN_WITHIN_S = 5
"""Sessions begin one after the other, each with four dispatches in its first second."""
_LONG_TASKS = """
window.lost_ms = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.lost_ms += task.duration;
}).observe({ type: "longtask", buffered: true });
"""


@contextmanager
def watching(place: Sandbox, home: Path) -> Iterator[Page]:
    """A page of the dashboard, signed in, whose long tasks are counted."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], env={"HOME": str(home)}
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.add_init_script(_LONG_TASKS)
        page.goto(place.ok("dashboard", "--print-url").strip())
        expect(page.locator("#connection")).to_have_text("Live")
        yield page
        browser.close()


def measure(place: Sandbox, home: Path, options: argparse.Namespace) -> None:
    place.ok("daemon", "start")
    process = psutil.Process(place.sealed().settings.pid)
    rate, sessions = options.rate / options.sessions, options.sessions
    teams = [Team(place, number, rate, options.seconds) for number in range(sessions)]
    with reading(place, options.readers):
        if options.browser:
            with watching(place, home) as page:
                took_s, most = work(teams, process, lambda: page.wait_for_timeout(100))
                check_page(page, teams)
        else:
            took_s, most = work(teams, process, lambda: time.sleep(0.1))
    ordered = sorted(one for team in teams for one in team.took_s)
    told = [f"{name} {ordered[int((len(ordered) - 1) * share)] * 1e3:.1f} ms"
            for name, share in (("median", 0.5), ("99 %", 0.99), ("slowest", 1.0))]  # fmt: skip
    print(f"{len(ordered):,} hooks in {took_s:.1f} s of {sessions} sessions: {', '.join(told)}")
    print(f"not answered with 200: {sum(team.failed for team in teams)}")
    calls = sum(team.calls for team in teams)
    total = place.request("GET", "/api/v1/usage").json()["total"]
    exact = total["calls"] == calls and total["cost_usd"] == calls * COST_USD
    print(f"{calls:,} model calls; figures of the API {'exact' if exact else 'WRONG'}")
    times = process.cpu_times()
    print(f"daemon: {times.user + times.system:.1f} s of processor time, "
          f"at most {most / MIB:.1f} MiB resident")  # fmt: skip


def work(
    teams: list[Team], process: psutil.Process, wait: Callable[[], object]
) -> tuple[float, int]:
    """Let the sessions do their work.

    Shapes: -> seconds, greatest resident memory of the daemon in bytes.
    """
    began = time.perf_counter() + 0.5
    for number, team in enumerate(teams):
        whole = round(number * BEGIN_WITHIN_S / len(teams) / team.interval_s)  # no two at a time
        team.begins_at = began + (whole + number / len(teams)) * team.interval_s
        team.start()
    most = 0
    while any(team.is_alive() for team in teams):
        wait()
        most = max(most, process.memory_info().rss)
    return time.perf_counter() - began, most


def check_page(page: Page, teams: list[Team]) -> None:
    page.evaluate("location.hash = '#/costs'")
    cost_usd = sum(team.calls for team in teams) * COST_USD
    shown = page.locator(".figures data").first
    expect(shown).to_have_attribute("value", f"{cost_usd:.10g}", timeout=30_000)
    lost_ms = page.evaluate("window.lost_ms")
    print(f"browser: figures exact, {lost_ms:.0f} ms in tasks over 50 ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rate", type=float, default=200, help="hooks a second, all together")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--readers", type=int, default=0, help="of the event stream, half stalled")
    parser.add_argument("--no-browser", dest="browser", action="store_false")
    parser.add_argument("--form", choices=("source", "frozen"), default="source")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cco-load-") as folder:
        place = make_sandbox(options.form, Path(folder) / "box")
        try:
            measure(place, Path(folder), options)
        finally:
            place.close()


if __name__ == "__main__":
    main()
