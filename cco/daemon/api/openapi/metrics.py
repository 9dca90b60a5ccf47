"""/metrics."""

from __future__ import annotations

from cco.daemon.api.openapi.parts import operation
from cco.daemon.telemetry.exposition import OPENMETRICS, TEXT

_DOCUMENT = {"schema": {"type": "string"}}

PATHS = {
    "/metrics": {
        "get": operation(
            "getMetrics",
            "All metrics, for Prometheus.",
            {
                200: {
                    "description": "The text format, or OpenMetrics where `Accept` prefers that.",
                    "content": {TEXT: _DOCUMENT, OPENMETRICS: _DOCUMENT},
                }
            },
        )
    }
}
