"""Budgets: what a session and a day may cost, and how much of it is used."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from cco.config import MAX_BUDGET_USD
from cco.ledger.ledger import Ledger
from cco.ledger.records import NANOS_PER_USD, Session

NEAR_PERCENT = 80
MAX_KEPT = 1_000
_HOUR_S = 3_600
_NUMBER_CHARS = 40

_V = TypeVar("_V")


@dataclass(frozen=True)
class Standing:
    """How one budget stands."""

    scope: str
    """`session` or `day`."""
    spent_nanousd: int
    limit_nanousd: int | None = None

    @property
    def used_percent(self) -> int | None:
        """Rounded down: 100 is never said of a budget that has something left."""
        return self.limit_nanousd and self.spent_nanousd * 100 // self.limit_nanousd

    @property
    def state(self) -> str:
        used = self.used_percent
        if used is None:
            return "unlimited"
        return "reached" if used >= 100 else "near" if used >= NEAR_PERCENT else "under"

    def document(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "spent_usd": _usd(self.spent_nanousd),
            "limit_usd": None if self.limit_nanousd is None else _usd(self.limit_nanousd),
            "used_percent": self.used_percent,
            "state": self.state,
        }


@dataclass
class _Told:
    """A session's cost as its client tells it, and how much of that was told before today."""

    nanousd: int = 0
    before_nanousd: int = 0
    date: str = ""


class Budgets:
    """Limits, and what the ledger says is spent of them.

    A budget that a launch brought is shared by all sessions of that launch, so that a conversation
    begun anew does not begin a new budget.
    """

    def __init__(
        self,
        ledger: Ledger,
        day_nanousd: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._day_nanousd = day_nanousd
        self._set_day: tuple[str, int] | None = None
        self._launches: OrderedDict[str, int] = OrderedDict()
        self._set: OrderedDict[str, int] = OrderedDict()
        """What the user has set since, by launch or session."""
        self._told: OrderedDict[str, _Told] = OrderedDict()

    # --- what is told ---

    def note_launch(self, launch_id: str, amount: str) -> None:
        """Take in the budget that a launch brought; nonsense is none."""
        limit = nanousd(amount)
        if limit is not None:
            _keep(self._launches, launch_id, limit)

    def note_told(self, session: Session, usd: object) -> None:
        """Take in the client's own total, which may be ahead of its telemetry."""
        amount = None if isinstance(usd, bool) else nanousd(usd)
        if amount is None:
            return
        told = self._told.get(session.session_id, _Told())
        if told.date != self.date:
            told.before_nanousd, told.date = told.nanousd, self.date
        told.nanousd = max(told.nanousd, amount)
        _keep(self._told, session.session_id, told)

    def set_session(self, session: Session, limit_nanousd: int) -> None:
        """Give a session, and those that share its budget, another limit.

        A later launch that resumes one of them brings its own, but takes nothing back.
        """
        for one in self._sharing(session):
            _keep(self._set, one.session_id, limit_nanousd)
        _keep(self._set, self._account(session), limit_nanousd)
        self._publish(self.session(session), session.session_id)

    def set_day(self, limit_nanousd: int) -> None:
        """Give today another limit."""
        self._set_day = (self.date, limit_nanousd)
        self._publish(self.day())

    def _publish(self, standing: Standing, session_id: str = "") -> None:
        told = {"scope": standing.scope} | standing.document()
        self._ledger.feed.publish("budget.set", session_id, **told)

    # --- what outlives the daemon ---

    def to_document(self) -> Mapping[str, Any]:
        """The limits that launches brought and users set, the same however often they are told."""
        return {
            "launches": dict(sorted(self._launches.items())),
            "set": dict(sorted(self._set.items())),
            "day": None if self._set_day is None else list(self._set_day),
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take over what `to_document` made; what makes no sense is left out."""
        for name, entries in (("launches", self._launches), ("set", self._set)):
            told = document.get(name)
            for key, limit in told.items() if isinstance(told, Mapping) else ():
                if _is_limit(limit):
                    _keep(entries, key, limit)
        match document.get("day"):
            case [str(date), limit] if _is_limit(limit):
                self._set_day = (date, limit)

    # --- how it stands ---

    def session(self, session: Session) -> Standing:
        """How the budget of a session stands; without one, what the session costs."""
        account, sharing = self._account(session), self._sharing(session)
        limit = self._set.get(account)
        if limit is None:
            set_before = [self._set.get(one.session_id, 0) for one in sharing]
            limit = max(self._launches.get(account, 0), *set_before) or None
        return Standing("session", sum(map(self._spent, sharing)), limit)

    def day(self) -> Standing:
        """How today's budget stands: the local calendar day, all sessions of ours."""
        limit = self._day_nanousd
        if self._set_day is not None and self._set_day[0] == self.date:
            limit = self._set_day[1]
        hours = self._hours_of_today()
        spent = sum(_cost_in(self._ledger.folded.hours, hours))
        for session in self._ledger.sessions():
            if session.orchestrated:
                spent += sum(_cost_in(session.hours, hours)) or self._told_today(session)
        return Standing("day", spent, limit)

    def limited(self, session: Session) -> list[Standing]:
        """The budgets that bind a session."""
        own = self.session(session)
        bound = [] if own.limit_nanousd is None else [own]
        if self._day_nanousd is not None or self._set_day is not None:
            today = self.day()
            bound += [] if today.limit_nanousd is None else [today]
        return bound

    @property
    def date(self) -> str:
        """Today, where this machine is."""
        return datetime.fromtimestamp(self._clock()).date().isoformat()

    def _account(self, session: Session) -> str:
        launch_id = session.launch_id
        return launch_id if launch_id and launch_id in self._launches else session.session_id

    def _sharing(self, session: Session) -> list[Session]:
        if self._account(session) == session.session_id:
            return [session]
        everyone = self._ledger.sessions()
        return [one for one in everyone if one.launch_id == session.launch_id]

    def _spent(self, session: Session) -> int:
        told = self._told.get(session.session_id, _Told())
        return max(_cost(session), told.nanousd)

    def _told_today(self, session: Session) -> int:
        """What a session whose telemetry goes elsewhere has cost today."""
        told = self._told.get(session.session_id)
        if told is None or told.date != self.date or _cost(session):
            return 0
        return told.nanousd - told.before_nanousd

    def _hours_of_today(self) -> range:
        """The hours that begin today, as the ledger names them."""
        now = datetime.fromtimestamp(self._clock())
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        first = -int(-midnight.timestamp() // _HOUR_S) * _HOUR_S
        return range(first, int((midnight + timedelta(days=1)).timestamp()), _HOUR_S)


def nanousd(value: object) -> int | None:
    """An amount of dollars over 0 in nano-dollars; None for anything else."""
    try:
        usd = Decimal(str(value)[:_NUMBER_CHARS])
    except InvalidOperation:
        return None
    if not usd.is_finite() or not 0 < usd <= MAX_BUDGET_USD:
        return None
    return max(round(usd * NANOS_PER_USD), 1)


def _is_limit(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_BUDGET_USD * NANOS_PER_USD


def _cost(session: Session) -> int:
    """The session's own calls and its agents' together: every call is one of some model's."""
    return sum(usage.cost_nanousd for usage in session.models.values())


def _cost_in(hours: dict[int, Any], wanted: range) -> Iterator[int]:
    for hour in wanted:
        if hour in hours:
            yield hours[hour].cost_nanousd


def _usd(amount_nanousd: int) -> float:
    return float(Decimal(amount_nanousd) / NANOS_PER_USD)


def _keep(entries: OrderedDict[str, _V], key: str, value: _V) -> None:
    """Remember the latest of these, and not without bound."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MAX_KEPT:
        entries.popitem(last=False)
