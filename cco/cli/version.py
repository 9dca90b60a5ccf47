"""cco version."""

from __future__ import annotations

import sys

from cco import build_info

TYPE_CHECKING = False
if TYPE_CHECKING:  # without importing typing: this is on a hot path
    from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Print the version, for people or as JSON."""
    build = build_info.current()
    if not arguments:
        print(f"cco {build.label}")
        return 0
    if list(arguments) == ["--json"]:
        import json

        document = {
            "version": build.version,
            "commit": build.commit,
            "build_id": build.build_id,
            "release": build.release,
            "development_build": build.development,
            "frozen": build.frozen,
        }
        print(json.dumps(document))
        return 0
    asked = list(arguments) in (["--help"], ["-h"])
    usage = "usage: cco version [--json]"
    print(usage if asked else f"cco: error: {usage}", file=None if asked else sys.stderr)
    return 0 if asked else 2
