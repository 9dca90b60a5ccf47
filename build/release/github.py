"""What is done at GitHub, through its own `gh`: the token stays in gh's environment."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping
from typing import Any

from release.errors import ReleaseError
from release.tools import run_tool

TIMEOUT_S = 600
_NOT_FOUND = "HTTP 404"


def gh(*arguments: str, stdin: str = "") -> str:
    """Run gh and return what it printed.

    Raises: ReleaseError with its last words.
    """
    done = _run(arguments, stdin)
    if done.returncode != 0:
        raise ReleaseError(
            f"gh {' '.join(arguments[:2])} exits {done.returncode}: {done.stderr.strip()}",
            "GH_TOKEN must be a token that may do this.",
        )
    return done.stdout


def find(path: str) -> Any:
    """GET something from the REST API; None if it is not there."""
    done = _run(("api", path), "")
    if done.returncode != 0:
        if _NOT_FOUND in done.stderr:
            return None
        raise ReleaseError(f"gh api {path} exits {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def send(method: str, path: str, body: Mapping[str, object]) -> Any:
    """Send JSON to the REST API.

    Raises: ReleaseError.
    """
    answer = gh("api", "--method", method, path, "--input", "-", stdin=json.dumps(body))
    return json.loads(answer) if answer.strip() else None


def put_file(repository: str, path: str, text: str, *, branch: str, message: str) -> bool:
    """Make a file of a branch hold a text.

    Shapes: -> whether anything had to change.
    """
    present = find(f"repos/{repository}/contents/{path}?ref={branch}")
    encoded = base64.b64encode(text.encode()).decode()
    body: dict[str, object] = {"message": message, "content": encoded, "branch": branch}
    if present is not None:
        if base64.b64decode(present["content"]).decode() == text:
            return False
        body["sha"] = present["sha"]
    send("PUT", f"repos/{repository}/contents/{path}", body)
    return True


def _run(arguments: tuple[str, ...], stdin: str) -> subprocess.CompletedProcess[str]:
    where_from = "Install the GitHub CLI."
    return run_tool("gh", *arguments, stdin=stdin, timeout_s=TIMEOUT_S, where_from=where_from)
