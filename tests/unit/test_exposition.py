"""What the daemon writes for Prometheus is what the official client library writes and reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from cco.daemon.telemetry.exposition import Family, Histogram, label, render, wants_openmetrics

TEXTS = st.text(max_size=20).map(label)
VALUES = st.one_of(st.integers(0, 1 << 53), st.floats(0, 1e15))


def series(names: tuple[str, ...]) -> st.SearchStrategy[dict[tuple[tuple[str, str], ...], float]]:
    labels = st.tuples(*[st.tuples(st.just(name), TEXTS) for name in names])
    return st.dictionaries(labels, VALUES, max_size=5)


def histogram(observed: Iterable[tuple[str, float]]) -> Histogram:
    made = Histogram("h_seconds", "How long.", "handler", (0.005, 0.1, 1.0))
    for of, seconds in observed:
        made.observe(of, seconds)
    return made


class Theirs(Collector):
    """The same figures, handed to the client library."""

    def __init__(self, *ours: Family | Histogram) -> None:
        self.ours = ours

    def collect(self) -> Iterator[Metric]:
        for one in self.ours:
            if isinstance(one, Histogram):
                metric = HistogramMetricFamily(one.name, one.about, labels=[one.label])
                for of, counts in one.counts.items():
                    bounds = [*map(str, one.bounds), "+Inf"]
                    sums = [sum(counts[: place + 1]) for place in range(len(counts))]
                    metric.add_metric([of], list(zip(bounds, sums, strict=True)), one.sums[of])
                yield metric
                continue
            kind = CounterMetricFamily if one.kind == "counter" else GaugeMetricFamily
            names = [name for name, _ in next(iter(one.series), ())]
            family = kind(one.name, one.about, labels=names)
            for labels, value in one.series.items():
                family.add_metric([text for _, text in labels], value)
            yield family


def read(families: Iterable[Metric]) -> dict[str, object]:
    """Metrics as a parser understood them; series in no order."""
    return {
        one.name: (
            one.type,
            one.documentation,
            {(sample.name, *sorted(sample.labels.items())): sample.value for sample in one.samples},
        )
        for one in families
    }


def read_openmetrics(text: str) -> dict[str, object]:
    return read(parse_openmetrics(text))  # type: ignore[no-untyped-call]


@given(
    series(("agent", "model", "kind")),
    series(("status",)),
    st.lists(st.tuples(st.sampled_from(["A", "B"]), st.floats(0, 10)), max_size=20),
)
def test_both_formats_say_what_the_client_library_would(
    counts: dict[tuple[tuple[str, str], ...], float],
    states: dict[tuple[tuple[str, str], ...], float],
    observed: list[tuple[str, float]],
) -> None:
    ours = (
        Family("c", "counter", "A counter.", counts),
        Family("g", "gauge", "A gauge.", states),
        Family("bare", "counter", "Without labels.", {(): 3}),
        histogram(observed),
    )
    registry = CollectorRegistry()
    registry.register(Theirs(*ours))
    text = render(ours, openmetrics=False).decode()
    assert read(parse_text(text)) == read(parse_text(generate_latest(registry).decode()))
    text = render(ours, openmetrics=True).decode()
    theirs = generate_openmetrics(registry).decode()  # type: ignore[no-untyped-call]
    assert read_openmetrics(text) == read_openmetrics(theirs)


@given(st.text())
def test_any_text_makes_a_label(text: str) -> None:
    labels = (("agent", label(text)),)
    written = render([Family("g", "gauge", "A gauge.", {labels: 1})], openmetrics=False)
    assert b"\0" not in written
    assert written.count(b"\n") == 3
    (family,) = parse_text(written.decode())
    (sample,) = family.samples
    assert sample.labels == {"agent": label(text)}


def test_lone_surrogates_and_control_characters_are_replaced() -> None:
    assert label("a\ud800b\0c\nd\x85e") == "a�b�c�d�e"
    assert label('naïve \\ "quoted"') == 'naïve \\ "quoted"'


def test_an_observation_lies_under_its_bound() -> None:
    made = histogram([("A", 0.005), ("A", 0.0051), ("A", 7.0)])
    assert made.counts["A"] == [1, 1, 0, 1]
    assert math.isclose(made.sums["A"], 7.0101)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ('application/openmetrics-text; version="1.0.0"', True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.5", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=many", False),
        ("text/plain;version=0.0.4,application/openmetrics-text;q=0.5", False),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
            "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            True,
        ),
    ],
)
def test_openmetrics_is_sent_to_those_who_ask_for_it(accept: str, expected: bool) -> None:
    assert wants_openmetrics(accept) is expected
