"""What the daemon's handlers share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cco.catalogue.search import SearchIndex
from cco.daemon.api.streams import Streams
from cco.daemon.dashboard.sign_in import SignIns
from cco.daemon.hooks.briefing import Briefing
from cco.daemon.hooks.compactions import Compactions
from cco.daemon.hooks.disk import Disk
from cco.daemon.hooks.guards import Guard, Observer
from cco.daemon.hooks.hints import Hints
from cco.daemon.mcp.callers import Callers
from cco.daemon.telemetry.attribution import Attribution
from cco.ledger.budget import Budgets
from cco.ledger.edits import Edits
from cco.ledger.ledger import Ledger
from cco.sealing.sealed_set import SealedSet

if TYPE_CHECKING:  # it loads an HTTP client, which few need
    from cco.daemon.telemetry.forward import Forwarder


@dataclass
class State:
    """What the handlers share."""

    sealed: SealedSet
    briefing: Briefing
    ledger: Ledger
    stop: Any
    """Called with `handover` to end the daemon."""
    budgets: Budgets
    attribution: Attribution
    compactions: Compactions
    hints: Hints | None = None
    guards: Sequence[Guard] = ()
    forwarder: Forwarder | None = None
    observers: Sequence[Observer] = ()
    put_back: Callable[[], None] = lambda: None
    """Puts back what is gone of the daemon's files, or raises FolderUnusable."""
    disk: Disk = field(default_factory=Disk)
    edits: Edits = field(default_factory=Edits)
    index: SearchIndex = field(default_factory=lambda: SearchIndex.of(()))
    streams: Streams = field(default_factory=Streams)
    callers: Callers = field(default_factory=Callers)
    sign_ins: SignIns = field(default_factory=SignIns)
    started_at: float = field(default_factory=time.monotonic)

    @property
    def port(self) -> int:
        return self.sealed.settings.port
