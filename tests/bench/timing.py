"""Time whole processes against one another in one run, turn by turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass
class Contender:
    """Something that is timed: `run` is; what `prepare` and `clean` do around it is not."""

    name: str
    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    clean: Callable[[], object] = lambda: None
    took_s: list[float] = field(default_factory=list)

    def once(self) -> float:
        self.prepare()
        began = time.perf_counter()
        self.run()
        took_s = time.perf_counter() - began
        self.clean()
        return took_s


def race(contenders: Mapping[str, Contender], rounds: int, warm_up: int = 1) -> None:
    """Let all run in turn, so that whatever else the machine does falls on each of them."""
    for _ in range(warm_up):
        for one in contenders.values():
            one.once()
    for _ in range(rounds):
        for one in contenders.values():
            one.took_s.append(one.once())


def ratio(one: Contender, other: Contender) -> float:
    """How one compares with another: the median of the ratios of neighbouring runs."""
    pairs = zip(one.took_s, other.took_s, strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def median_ms(one: Contender) -> float:
    return statistics.median(one.took_s) * 1e3
