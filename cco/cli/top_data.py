"""What `cco top` shows: one picture of the daemon, asked for over one connection."""

from __future__ import annotations

import json
import math
import time
from datetime import datetime
from typing import Any

from cco.daemon.client import Connection
from cco.daemon.rendezvous import find
from cco.errors import DaemonError, DaemonNotRunning
from cco.sealing.keys import Identity

MAX_SESSIONS = 100
_OPTIONAL = "/api/v1/budget"
_NANO = 9


def take_picture(identity: Identity) -> dict[str, Any]:
    """Ask the daemon for everything that is shown.

    Raises: DaemonNotRunning, DaemonError, SealError.
    """
    settings = find(identity).settings
    with Connection(settings.port) as connection:
        if not connection.prove(settings.token):
            raise DaemonNotRunning("what answers on the daemon's port is not the daemon")

        def ask(target: str) -> Any:
            response = connection.request("GET", target, token=settings.token)
            try:
                document = json.loads(response.body)
            except ValueError:
                document = None
            if response.status == 404 and target == _OPTIONAL:
                return None
            if response.status != 200 or not isinstance(document, dict):
                raise DaemonError(f"the daemon answered {response.status} to {target}")
            return document

        health = ask("/health")
        page = ask(f"/api/v1/sessions?status=running&limit={MAX_SESSIONS}")
        usage = ask("/api/v1/usage")
        budget = ask(_OPTIONAL)
    return picture(time.time(), health, page, usage, budget)


def picture(
    now: float,
    health: dict[str, Any],
    page: dict[str, Any],
    usage: dict[str, Any],
    budget: dict[str, Any] | None,
) -> dict[str, Any]:
    """Put together what the daemon answered."""
    running = [
        one for one in page["sessions"] if one["status"] == "running" and one["orchestrated"]
    ]
    return {
        "time": now,
        "daemon": {name: health[name] for name in ("status", "version", "instance", "uptime_s")},
        "total": usage["total"],
        "today_usd": cost_of_day(usage.get("hours", ()), now),
        "foreign": usage.get("foreign"),
        "budget": budget,
        "sessions": running,
        "more_sessions": page.get("next") is not None,
    }


def cost_of_day(hours: Any, now: float) -> float:
    """The cost of the hours that began on this day, where this machine is."""
    today = datetime.fromtimestamp(now).date()
    costs = [
        row["cost_usd"]
        for row in hours
        if datetime.fromisoformat(row["hour"]).astimezone().date() == today
    ]
    return round(math.fsum(costs), _NANO)
