"""cco version."""

from __future__ import annotations

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
    usage = "usage: cco version [--json]"
    if list(arguments) in (["--help"], ["-h"]):
        print(usage)
        return 0
    from cco.cli.output import tell

    tell(f"cco: error: {usage}")
    return 2
