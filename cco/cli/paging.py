"""What the daemon's API tells page by page, as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cco.daemon.rendezvous import call


def pages(path: str, name: str, query: Mapping[str, object]) -> Iterator[dict[str, Any]]:
    """Everything that a paginated resource holds, page after page."""
    from urllib.parse import urlencode

    cursor: dict[str, object] = {}
    while True:
        page = call("GET", f"{path}?{urlencode({**query, **cursor})}")
        yield from page[name]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}
