"""The hook of a popular orchestrator on npm, pinned, to be timed beside ours.

Only the one package is fetched, and nothing of it runs but its hook handler, which is what its
`init hooks` puts into a project, with the command line that it puts into the settings there.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "peer"
PACKAGE = "claude-flow"
VERSION = "3.43.0"
SHA512 = "qaONGM4PdXHstuoXWUjVHlhJdFoNrn9TfWSVT7msEod8By5yMZpc86ww0a9l1qppyYqCG4TvsVaV7XvWnFJd/g=="
NAME = f"{PACKAGE} {VERSION}"
HELPERS = "package/.claude/helpers/"


class PeerUnavailable(Exception):
    """The package cannot be had, or is not the one that is pinned."""


def command(action: str) -> list[str]:
    """What its settings let Claude Code run for an event, such as `pre-edit`."""
    handler = '"$D/.claude/helpers/hook-handler.cjs"'
    script = (
        f'D="${{CLAUDE_PROJECT_DIR:-.}}"; [ -f {handler} ] || D="${{HOME}}"; '
        f"exec node {handler} {action}"
    )
    return ["sh", "-c", script]


def install(project: Path) -> None:
    """Put its hook handler into a project.

    Raises: PeerUnavailable.
    """
    archive = CACHE / f"{PACKAGE}-{VERSION}.tgz"
    if not archive.exists():
        _fetch()
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if base64.b64encode(digest).decode() != SHA512:
        raise PeerUnavailable(f"{archive} is not the package that is pinned")
    helpers = project / ".claude" / "helpers"
    helpers.mkdir(parents=True)
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            file = package.extractfile(member)
            if file is not None and member.name.startswith(HELPERS):
                (helpers / Path(member.name).name).write_bytes(file.read())


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise PeerUnavailable("npm is missing")
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--loglevel=error"],
        cwd=CACHE,
        stdout=subprocess.DEVNULL,
        check=True,
    )
