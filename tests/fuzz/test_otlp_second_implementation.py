"""OTLP's JSON encoding as the official protobuf library writes and reads it."""

from __future__ import annotations

import json
import math
from typing import Any

from google.protobuf import json_format
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from cco.errors import UsageInvalid
from cco.ledger.otlp import decode_logs, decode_metrics

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
NAMES = st.sampled_from(["event.name", "session.id", "model", "cost_usd", "", "é"])
ANY_VALUES = st.one_of(
    st.just(AnyValue()),
    TEXT.map(lambda value: AnyValue(string_value=value)),
    INT64.map(lambda value: AnyValue(int_value=value)),
    st.floats().map(lambda value: AnyValue(double_value=value)),
    st.booleans().map(lambda value: AnyValue(bool_value=value)),
    st.binary(max_size=8).map(lambda value: AnyValue(bytes_value=value)),
)
ATTRIBUTES = st.lists(
    st.builds(lambda k, v: KeyValue(key=k, value=v), NAMES, ANY_VALUES), max_size=5
)


def scalars(attributes: Any) -> dict[str, Any]:
    """What official attributes hold of the kinds that we read."""
    return {
        one.key: getattr(one.value, kind)
        for one in attributes
        if (kind := one.value.WhichOneof("value"))
        in ("string_value", "int_value", "double_value", "bool_value")
    }


def same(ours: Any, theirs: Any) -> bool:
    """Equal, also where it is no number."""
    if isinstance(theirs, float):
        ours = float(ours)
        return ours == theirs or (math.isnan(ours) and math.isnan(theirs))
    return bool(type(ours) is type(theirs) and ours == theirs)


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    assert all(same(ours[key], theirs[key]) for key in theirs), (ours, theirs)


@given(st.lists(ATTRIBUTES, max_size=4))
def test_log_records_mean_what_the_official_library_wrote(records: list[list[KeyValue]]) -> None:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for attributes in records:
        scope.log_records.add(time_unix_nano=1, severity_text="info").attributes.extend(attributes)
    found = iter(decode_logs(json.loads(json_format.MessageToJson(request))))
    for record in scope.log_records:
        theirs = scalars(record.attributes)
        if isinstance(theirs.get("event.name"), str):
            ours = next(found)
            assert ours.event == theirs["event.name"]
            assert_same(dict(ours.attributes), theirs)
    assert next(found, None) is None


@given(st.lists(st.tuples(TEXT, INT64 | st.floats(), ATTRIBUTES), max_size=4))
def test_points_mean_what_the_official_library_wrote(
    points: list[tuple[str, int | float, list[KeyValue]]],
) -> None:
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    for name, value, attributes in points:
        point = scope.metrics.add(name=name).sum.data_points.add()
        if isinstance(value, float):
            point.as_double = value
        else:
            point.as_int = value
        point.attributes.extend(attributes)
    found = list(decode_metrics(json.loads(json_format.MessageToJson(request))))
    assert len(found) == len(points)
    for ours, (name, value, _), metric in zip(found, points, scope.metrics, strict=True):
        assert ours.metric == name
        assert same(ours.value, float(value))
        assert_same(dict(ours.attributes), scalars(metric.sum.data_points[0].attributes))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    INT64,
    INT64.map(str),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "1.5", "", "0x10", "1_0", " 1", "1e2", "٣"]),
    TEXT,
)
VALUES = st.none() | st.dictionaries(
    st.sampled_from(["stringValue", "intValue", "doubleValue", "boolValue"]), SCALARS, max_size=1
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "attributes": st.none()
        | st.lists(
            st.fixed_dictionaries({}, optional={"key": NAMES | st.none(), "value": VALUES}),
            max_size=3,
        ),
        "body": VALUES,
        "severityText": TEXT | st.none(),
    },
)


@given(st.lists(RECORDS, max_size=3) | st.none())
@example([{"attributes": [{"key": "event.name", "value": {"doubleValue": "0"}}]}])
def test_what_the_official_library_reads_we_read_as_it_does(records: list[Any] | None) -> None:
    """The reverse does not hold: what it refuses (a fraction as intValue) we may pass over."""
    named = [
        {
            **one,
            "attributes": [
                *(one.get("attributes") or []),
                {"key": "event.name", "value": {"stringValue": "e"}},
            ],
        }
        for one in records or []
    ]
    for told in (records, named):
        document = {"resourceLogs": [{"scopeLogs": [{"logRecords": told}]}]}
        text = json.dumps(document)
        try:
            request = json_format.Parse(text, ExportLogsServiceRequest())
        except json_format.ParseError:
            continue
        theirs = [
            found
            for record in request.resource_logs[0].scope_logs[0].log_records
            if isinstance((found := scalars(record.attributes)).get("event.name"), str)
        ]
        try:
            ours = [dict(one.attributes) for one in decode_logs(json.loads(text))]
        except UsageInvalid as error:
            raise AssertionError(f"only we refuse it: {error}") from error
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_same(mine, other)
