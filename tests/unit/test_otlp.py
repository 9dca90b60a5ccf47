"""Decoding telemetry: whatever arrives is decoded or refused, and nothing else happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cco.errors import UsageInvalid
from cco.ledger.ledger import Ledger
from cco.ledger.otlp import LogRecord, MetricPoint, decode_logs, decode_metrics

KEYS = """
resourceLogs scopeLogs logRecords attributes key value stringValue intValue doubleValue boolValue
arrayValue resourceMetrics scopeMetrics metrics name sum gauge dataPoints asDouble asInt
event.name session.id cost_usd
""".split()

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["api_request", "1e999", "NaN", "5", float("inf"), 10**400])
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=30,
)
attributes = st.fixed_dictionaries(
    {"key": st.sampled_from(KEYS) | documents},
    optional={
        "value": st.dictionaries(st.sampled_from(KEYS), scalars, max_size=3) | documents,
    },
)
records = st.fixed_dictionaries({"attributes": st.lists(attributes | documents, max_size=4)})


def logs(*found: Any) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(found)}]}]}


def metrics(*found: Any) -> dict[str, Any]:
    return {"resourceMetrics": [{"scopeMetrics": [{"metrics": list(found)}]}]}


@given(documents)
def test_any_document_is_decoded_or_refused(document: object) -> None:
    for decode in (decode_logs, decode_metrics):
        try:
            found: list[Any] = list(decode(document))
        except UsageInvalid:
            continue
        assert all(isinstance(one, (LogRecord, MetricPoint)) for one in found)


@given(st.lists(records | documents, max_size=3))
def test_any_log_record_is_decoded_or_refused_and_can_be_counted(found: list[Any]) -> None:
    try:
        decoded = list(decode_logs(logs(*found)))
    except UsageInvalid:
        return
    ledger = Ledger()
    for one in decoded:
        assert isinstance(one.event, str)
        assert all(isinstance(v, (str, int, float, bool)) for v in one.attributes.values())
        ledger.record_log(one)


@given(
    st.lists(
        st.fixed_dictionaries({"sum": st.fixed_dictionaries({"dataPoints": st.lists(documents)})})
        | documents,
        max_size=3,
    )
)
def test_any_metric_is_decoded_or_refused_and_can_be_counted(found: list[Any]) -> None:
    try:
        decoded = list(decode_metrics(metrics(*found)))
    except UsageInvalid:
        return
    ledger = Ledger()
    for one in decoded:
        ledger.record_metric(one)


def test_attributes_of_every_kind() -> None:
    document = logs(
        {
            "attributes": [
                {"key": "event.name", "value": {"stringValue": "api_request"}},
                {"key": "text", "value": {"stringValue": "é"}},
                {"key": "number", "value": {"intValue": "9007199254740993"}},
                {"key": "plain", "value": {"intValue": 5}},
                {"key": "fraction", "value": {"doubleValue": 0.5}},
                {"key": "flag", "value": {"boolValue": False}},
                {"key": "list", "value": {"arrayValue": {"values": []}}},
                {"key": "broken", "value": {"intValue": "five"}},
                {"key": "endless", "value": {"intValue": float("inf")}},
                {"key": "empty", "value": {}},
                {"key": "absent"},
            ],
            "body": {"stringValue": "ignored"},
        }
    )
    (found,) = decode_logs(json.loads(json.dumps(document)))
    assert found.event == "api_request"
    assert dict(found.attributes) == {
        "event.name": "api_request",
        "text": "é",
        "number": 9007199254740993,
        "plain": 5,
        "fraction": 0.5,
        "flag": False,
    }


def test_a_record_without_an_events_name_is_passed_over() -> None:
    unnamed = {"attributes": [{"key": "session.id", "value": {"stringValue": "s"}}]}
    misnamed = {"attributes": [{"key": "event.name", "value": {"intValue": 5}}]}
    assert list(decode_logs(logs(unnamed, misnamed, {}))) == []


def test_points_of_sums() -> None:
    points = [
        {"asDouble": 1.5, "attributes": [{"key": "a", "value": {"stringValue": "b"}}]},
        {"asInt": "7"},
        {"asInt": 10**400},
        {"asDouble": "x"},
        {},
    ]
    document = metrics(
        {"name": "m", "sum": {"aggregationTemporality": 1, "dataPoints": points}},
        {"name": "g", "gauge": {"dataPoints": points}},
    )
    assert list(decode_metrics(document)) == [
        MetricPoint("m", 1.5, {"a": "b"}),
        MetricPoint("m", 7.0, {}),
    ]


@pytest.mark.parametrize("document", [None, [], "x", 1, True])
def test_what_is_no_object_is_refused(document: object) -> None:
    for decode in (decode_logs, decode_metrics):
        with pytest.raises(UsageInvalid, match="not an OTLP document"):
            list(decode(document))


def test_empty_requests_are_fine() -> None:
    empty: list[dict[str, Any]] = [{}, {"resourceLogs": [], "resourceMetrics": []}]
    for document in (*empty, logs(), metrics()):
        assert list(decode_logs(document)) == []
        assert list(decode_metrics(document)) == []


def test_null_leaves_a_field_out() -> None:
    """As in all of protobuf's JSON: one null must not cost a whole export."""
    nulls = {"attributes": None, "body": None}
    named = {"attributes": [
        {"key": "event.name", "value": {"stringValue": "e"}}, {"key": "x", "value": None},
        {"key": None, "value": {"intValue": None}},
    ]}  # fmt: skip
    assert list(decode_logs(logs(nulls, named))) == [LogRecord("e", {"event.name": "e"})]
    assert list(decode_logs({"resourceLogs": None})) == []
    points = {"name": None, "sum": {"dataPoints": [{"asInt": 1, "attributes": None}]}}
    assert list(decode_metrics(metrics({"name": "n", "sum": None}, points))) == [
        MetricPoint("", 1.0, {})
    ]
