"""Session ids as people read and type them: their opening, where it tells them apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from cco.cli.paging import pages
from cco.errors import UsageInvalid

PAGE = 500
_CHARS = 8
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def shortened(ids: Iterable[str]) -> Mapping[str, str]:
    """How each of some ids is shown beside the others."""
    known = list(ids)
    openings = Counter(one[:_CHARS] for one in set(known))
    return {
        one: one[:_CHARS] if _UUID.fullmatch(one) and openings[one[:_CHARS]] == 1 else one
        for one in known
    }


def whole_id(given: str) -> str:
    """The id that is meant by its opening; what fits no session is left for the daemon to refuse.

    Raises: UsageInvalid where it fits several.
    """
    if not given or _UUID.fullmatch(given):
        return given
    known = [
        str(one["session_id"]) for one in pages("/api/v1/sessions", "sessions", {"limit": PAGE})
    ]
    fitting = [one for one in known if one.startswith(given)]
    if given in known or not fitting:
        return given
    if len(fitting) > 1:
        raise UsageInvalid(
            f"{len(fitting)} sessions begin with {given[:40]!r}",
            advice="Give more of the id; cco sessions --json has it whole.",
        )
    return fitting[0]
