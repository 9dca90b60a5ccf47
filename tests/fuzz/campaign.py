"""`make fuzz`: every target for a while, some at a time; and what came of it as a table.

    python -m tests.fuzz.campaign [--seconds 600] [--jobs 2] [--keep] [NAME ...]

What is found grows in .build/fuzz and is where the next campaign begins. An input that a target
fails over is left in .build/fuzz/NAME/found: once mended it goes into tests/fuzz/corpus/NAME under
a name that says what was wrong. `--keep` brings the corpus that is kept up to date: the inputs that
reach anything new over what is kept, the smallest first.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.in_process import SCRATCH, in_memory
from tests.fuzz.targets import MAX_BYTES, NAMES, load

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
WORK = ROOT / ".build" / "fuzz"
ATHERIS = ROOT / ".build" / "atheris"
INPUT_TIMEOUT_S = 25
MEMORY_MIB = 2_048
KEPT_FILES = 80
KEPT_BYTES = 32 * 1024
"""Of one target, beside what people put there."""
_GENERATED = re.compile(r"[0-9a-f]{16}")
_PROGRESS = re.compile(r"^#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)/(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What came of one target."""

    name: str
    executions: int
    edges: int
    features: int
    corpus: str
    found: tuple[Path, ...]
    code: int

    def row(self) -> str:
        told = "nothing" if not self.found else ", ".join(map(str, self.found))
        if self.code and not self.found:
            told = f"it ended with {self.code}: see {WORK / self.name / 'log'}"
        return (
            f"{self.name:12} {self.executions:>10} {self.edges:>6} {self.features:>9} "
            f"{self.corpus:>12}  {told}"
        )


def fuzz(name: str, seconds: int) -> Outcome:
    """Fuzz one target until the time is over or something is found."""
    place = WORK / name
    grown, found = place / "corpus", place / "found"
    for folder in (grown, found):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = place / "words"
    dictionary.write_text("".join(f'"{_escaped(word)}"\n' for word in load(name).WORDS))
    arguments = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={INPUT_TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_MIB}",
        f"-dict={dictionary}",
        f"-artifact_prefix={found}/",
    ]
    log = place / "log"
    before = set(found.iterdir())
    with log.open("wb") as file:
        code = _run([name, *arguments, str(grown), str(CORPUS / name)], file.fileno())
    told = _PROGRESS.findall(log.read_text(errors="replace"))
    last = told[-1] if told else ("0", "0", "0", "0", "0")
    new = tuple(sorted(set(found.iterdir()) - before))
    return Outcome(
        name, int(last[0]), int(last[1]), int(last[2]), f"{last[3]} / {last[4]}", new, code
    )


def keep(name: str) -> None:
    """Bring what is kept up to date with what has grown."""
    place = WORK / name
    merged, chosen = place / "merged", CORPUS / name
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    ours = [path for path in chosen.iterdir() if not _GENERATED.fullmatch(path.name)]
    for path in set(chosen.iterdir()) - set(ours):
        shutil.copy(path, place / "corpus")
        path.unlink()
    with (place / "merge-log").open("wb") as file:
        arguments = ["-merge=1", "-use_counters=0", f"-max_len={MAX_BYTES}", "-timeout=60"]
        _run([name, *arguments, str(merged), str(chosen), str(place / "corpus")], file.fileno())
    known = {path.read_bytes() for path in ours}
    size_bytes = 0
    new = [data for data in _smallest_first(merged) if data not in known]
    for data in new[:KEPT_FILES]:
        size_bytes += len(data)
        if size_bytes > KEPT_BYTES:
            break
        (chosen / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def _smallest_first(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.iterdir(), key=lambda one: (one.stat().st_size, one.name)):
        yield path.read_bytes()


def _run(arguments: Sequence[str], log_fd: int) -> int:
    """Run the fuzzer in a process of its own, and return its exit code."""
    path = os.pathsep.join((str(ATHERIS), str(ROOT)))
    command = [sys.executable, "-m", "tests.fuzz.fuzz_one", *arguments]
    with TemporaryDirectory(prefix="cco-fuzz-", dir=in_memory()) as scratch:
        environ = {**os.environ, "PYTHONPATH": path, SCRATCH: scratch}
        done = subprocess.run(
            command, cwd=ROOT, env=environ, stdout=log_fd, stderr=log_fd, check=False
        )
    return done.returncode


def _escaped(word: str) -> str:
    plain = range(0x20, 0x7F)
    return "".join(
        chr(one) if one in plain and chr(one) not in '"\\' else f"\\x{one:02x}"
        for one in word.encode()
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--keep", action="store_true", help="bring the kept corpus up to date")
    given = parser.parse_args()
    names = given.names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no target {', '.join(unknown)}")
    with ThreadPoolExecutor(given.jobs) as pool:
        outcomes = list(pool.map(lambda name: fuzz(name, given.seconds), names))
    print(f"{'TARGET':12} {'EXECUTIONS':>10} {'EDGES':>6} {'FEATURES':>9} {'CORPUS':>12}  FOUND")
    for outcome in outcomes:
        print(outcome.row())
    if given.keep:
        for name in names:
            keep(name)
    return 1 if any(one.found or one.code for one in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
