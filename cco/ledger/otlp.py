"""Decode OTLP/HTTP JSON as Claude Code sends it: log records and metric points with attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cco.errors import UsageInvalid

_AS_JSON = "Send what OTLP/HTTP has as JSON; docs/api.md says where."


@dataclass(frozen=True)
class LogRecord:
    """One log record: the event's name and its attributes, scalars only."""

    event: str
    attributes: Mapping[str, Any]
    client_version: str = ""
    """Of the client that sent it: its scope's version."""


@dataclass(frozen=True)
class MetricPoint:
    """One data point of a sum."""

    metric: str
    value: float
    attributes: Mapping[str, Any]


def decode_logs(document: object) -> Iterator[LogRecord]:
    """Read an ExportLogsServiceRequest.

    Raises: UsageInvalid, when the document is not one.
    Source: OpenTelemetry protocol 1.x, opentelemetry/proto/logs/v1/logs.proto, JSON encoding.
    """
    for resource in _list(_mapping(document), "resourceLogs"):
        for scope in _list(_mapping(resource), "scopeLogs"):
            told = _mapping(_mapping(scope).get("scope", {})).get("version")
            client_version = told if isinstance(told, str) else ""
            for record in _list(_mapping(scope), "logRecords"):
                attributes = _attributes(_mapping(record))
                event = attributes.get("event.name")
                if isinstance(event, str):
                    yield LogRecord(event, attributes, client_version)


def decode_metrics(document: object) -> Iterator[MetricPoint]:
    """Read an ExportMetricsServiceRequest; only sums carry anything of ours.

    Raises: UsageInvalid, when the document is not one.
    Source: OpenTelemetry protocol 1.x, opentelemetry/proto/metrics/v1/metrics.proto, JSON encoding.
    """
    for resource in _list(_mapping(document), "resourceMetrics"):
        for scope in _list(_mapping(resource), "scopeMetrics"):
            for metric in _list(_mapping(scope), "metrics"):
                fields = _mapping(metric)
                for point in _list(_object(fields, "sum"), "dataPoints"):
                    value = _number(_mapping(point))
                    if value is not None:
                        attributes = _attributes(_mapping(point))
                        yield MetricPoint(_text(fields, "name"), value, attributes)


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    attributes = {}
    for attribute in _list(record, "attributes"):
        fields = _mapping(attribute)
        value = _scalar(_object(fields, "value"))
        if value is not None:
            attributes[_text(fields, "key")] = value
    return attributes


_NUMBERS: tuple[tuple[str, Callable[[Any], int | float]], ...] = (
    ("intValue", int),
    ("doubleValue", float),
)


def _scalar(value: Mapping[str, Any]) -> str | int | float | bool | None:
    for kind, read in _NUMBERS:  # which may be strings in the JSON encoding
        if kind in value:
            try:
                return read(value[kind])
            except (TypeError, ValueError, OverflowError):
                return None
    for kind in ("stringValue", "boolValue"):
        found = value.get(kind)
        if isinstance(found, (str, int, float, bool)):
            return found
    return None


def _number(point: Mapping[str, Any]) -> float | None:
    for kind in ("asDouble", "asInt"):
        try:
            return float(point[kind])
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageInvalid("not an OTLP document: an object was expected", advice=_AS_JSON)
    return value


def _text(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A field that null leaves out, as in all of protobuf's JSON."""
    value = parent.get(name)
    return {} if value is None else _mapping(value)


def _list(parent: Mapping[str, Any], name: str) -> list[Any]:
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UsageInvalid(f"not an OTLP document: {name} must be a list", advice=_AS_JSON)
    return value
