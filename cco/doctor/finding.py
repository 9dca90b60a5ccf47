"""What an examination finds, and how it is guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from cco.errors import CcoError
from cco.unexpected import told_as

OK = "ok"
NOTE = "note"
PROBLEM = "problem"
"""A problem keeps cco from working as it should; a note is worth knowing and nothing more."""


@dataclass(frozen=True)
class Fix:
    """Something of cco's own that can be put right safely, again and again."""

    what: str
    """What it will do, as in `removes 3 drafts`."""
    apply: Callable[[], str] = field(repr=False)
    """Does it, and says what it did; says nothing where nothing was left to do."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    id: str
    """`area.name`, the same in every version."""
    subject: str
    state: str
    detail: str
    advice: str = ""
    fix: Fix | None = None

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]


Examination = Callable[[], Iterable[Finding]]


def guarded(finding_id: str, subject: str, look: Examination) -> Iterator[Finding]:
    """What an examination finds; what it raises becomes a finding of this id."""
    try:
        yield from look()
    except CcoError as error:
        yield Finding(finding_id, subject, PROBLEM, str(error), error.advice)
    except OSError as error:
        told = f"cannot be looked at: {error.strerror or type(error).__name__}"
        yield Finding(finding_id, subject, NOTE, told)
    except Exception as error:  # a defect in one area leaves the others to be looked at
        defect = told_as(error)
        yield Finding(finding_id, subject, PROBLEM, str(defect), defect.advice)
