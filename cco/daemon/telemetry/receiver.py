"""POST /v1/logs and /v1/metrics: OTLP/HTTP with JSON bodies."""

from __future__ import annotations

from cco.daemon.handler import BaseHandler
from cco.ledger.otlp import decode_logs, decode_metrics


class LogsHandler(BaseHandler):
    """Log records: calls of the model with their tokens and cost."""

    def post(self) -> None:
        for record in list(decode_logs(self.json_body())):
            if self.state.ledger.record_log(record):
                self.state.attribution.note(record)
        self.state.attribution.settle()
        if self.state.forwarder is not None:
            self.state.forwarder.accept("logs", self.request.body)
        self.send({"partialSuccess": {}})


class MetricsHandler(BaseHandler):
    """Metric points: active time."""

    def post(self) -> None:
        for point in list(decode_metrics(self.json_body())):
            self.state.ledger.record_metric(point)
        if self.state.forwarder is not None:
            self.state.forwarder.accept("metrics", self.request.body)
        self.send({"partialSuccess": {}})
