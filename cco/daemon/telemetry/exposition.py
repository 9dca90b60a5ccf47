"""The Prometheus text format 0.0.4 and OpenMetrics 1.0.0.

Written here and not taken from prometheus_client: importing that costs the daemon 2.2 MB and 15 ms.
Source: prometheus.io/docs/instrumenting/exposition_formats; OpenMetrics 1.0.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Family:
    """One metric with its series."""

    name: str
    """Without the `_total` of a counter."""
    kind: str
    """counter or gauge."""
    about: str
    series: Mapping[Labels, float]

    def lines(self, *, openmetrics: bool) -> Iterator[str]:
        full = f"{self.name}_total" if self.kind == "counter" else self.name
        yield from _head(self.name if openmetrics else full, self.kind, self.about)
        for labels, value in self.series.items():
            yield _line(full, labels, value)


@dataclass
class Histogram:
    """How long things took, in seconds, by handler."""

    name: str
    about: str
    label: str
    bounds: Sequence[float]
    counts: dict[str, list[int]] = field(default_factory=dict)
    """By the label's value: one count for each bound and one for what is beyond the last."""
    sums: dict[str, float] = field(default_factory=dict)

    def observe(self, of: str, seconds: float) -> None:
        counts = self.counts.setdefault(of, [0] * (len(self.bounds) + 1))
        place = sum(seconds > bound for bound in self.bounds)
        counts[place] += 1
        self.sums[of] = self.sums.get(of, 0.0) + seconds

    def lines(self, *, openmetrics: bool) -> Iterator[str]:
        yield from _head(self.name, "histogram", self.about)
        for of, counts in self.counts.items():
            labels, so_far = ((self.label, of),), 0
            for bound, count in zip((*map(repr, self.bounds), "+Inf"), counts, strict=True):
                so_far += count
                yield _line(f"{self.name}_bucket", (*labels, ("le", bound)), so_far)
            yield _line(f"{self.name}_sum", labels, self.sums[of])
            yield _line(f"{self.name}_count", labels, so_far)


def render(families: Iterable[Family | Histogram], *, openmetrics: bool) -> bytes:
    """Write metrics down in one format or the other."""
    lines = [line for one in families for line in one.lines(openmetrics=openmetrics)]
    lines += ["# EOF"] if openmetrics else []
    return "".join(f"{line}\n" for line in lines).encode()


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header would rather have OpenMetrics 1.0.0 than the text format."""
    qualities = {"application/openmetrics-text": 0.0, "text/plain": 0.0}
    for part in accept.lower().split(","):
        kind, *rest = (piece.strip() for piece in part.split(";"))
        parameters = dict(piece.partition("=")[::2] for piece in rest)
        version = parameters.get("version", "").strip('"')
        if kind in qualities and version in ("", "1.0.0", "0.0.4"):
            try:
                quality = float(parameters.get("q", "1"))
            except ValueError:
                quality = 0.0
            qualities[kind] = max(qualities[kind], quality)
    asked, plain = qualities.values()
    return 0 < asked >= plain


def label(text: str) -> str:
    """A text that every parser takes as a label's value; Prometheus ends at a NUL."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{inside}}} {value!r}" if inside else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
