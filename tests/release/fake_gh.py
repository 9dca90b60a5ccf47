"""A stand-in for gh, run by `fake_gh`: it answers from the state file beside it, and writes there.

The state: calls (arguments of each), sent (method, path, body), release (what is drafted),
published (a folder), lost (uploads that do not arrive), unattested (names), api (answers by path).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(arguments: list[str], state: dict[str, Any]) -> int:
    """Shapes: -> exit status."""
    if arguments[0] == "auth":  # act asks it for a token of its own
        return 1
    state["calls"].append(arguments)
    match arguments[:2]:
        case ["release", "create"]:
            state["release"] = drafted(arguments, state["lost"])
        case ["release", "view"]:
            print(json.dumps(state["release"]))
        case ["release", "download"]:
            for file in Path(state["published"]).iterdir():
                Path(option(arguments, "--dir"), file.name).write_bytes(file.read_bytes())
        case ["attestation", "verify"]:
            return int(Path(arguments[2]).name in state["unattested"])
        case ["api", *_]:
            return answer(arguments, state)
    return 0


def drafted(arguments: list[str], lost: list[str]) -> dict[str, Any]:
    """The release that `gh release create` would make."""
    notes = Path(option(arguments, "--notes-file"))
    files = [Path(item) for item in arguments[3:] if os.path.isabs(item)]
    return {
        "id": 7,
        "tag_name": arguments[2],
        "isDraft": "--draft" in arguments,
        "draft": "--draft" in arguments,
        "notes": notes.read_text(),
        "assets": [
            {"name": file.name, "size": file.stat().st_size}
            for file in files
            if file != notes and file.name not in lost
        ],
    }


def answer(arguments: list[str], state: dict[str, Any]) -> int:
    """What `gh api` would say. Shapes: -> exit status."""
    if arguments[1] == "--method":
        if arguments[2] == "DELETE":
            state["release"] = None
        else:
            state["sent"].append([arguments[2], arguments[3], json.load(sys.stdin)])
            print("{}")
    elif "/releases?" in arguments[1]:
        print(json.dumps([state["release"]] if state["release"] else []))
    elif arguments[1] in state["api"]:
        print(json.dumps(state["api"][arguments[1]]))
    else:
        print("gh: Not Found (HTTP 404)", file=sys.stderr)
        return 1
    return 0


def option(arguments: list[str], name: str) -> str:
    """The value after an option."""
    return arguments[arguments.index(name) + 1]


if __name__ == "__main__":
    kept = Path(__file__).with_name("state.json")
    known = json.loads(kept.read_text())
    status = main(sys.argv[1:], known)
    kept.write_text(json.dumps(known))
    raise SystemExit(status)
