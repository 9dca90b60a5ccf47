"""Findings that agents and people leave for one another, project by project.

Source of the ranking: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and
Beyond", 2009.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cco.catalogue.search import words_of
from cco.errors import NotFound, UsageInvalid
from cco.ledger.feed import Feed
from cco.ledger.records import END_OF_TIME_S, finite

_EXAMPLE = 'For example: cco notes --add "the cache is per tenant"'
MAX_TEXT_CHARS = 2_000
MAX_AUTHOR_CHARS = 120
MAX_PATH_CHARS = 1_000
MAX_QUERY_CHARS = 1_000
MAX_PER_PROJECT = 200
MAX_NOTES = 2_000
_SATURATION = 1.2
_LENGTH_NORMALISATION = 0.75
_SHORT_WORD_CHARS = 4
_LARGEST_NUMBER = 1 << 53
_NUMBER_CHARS = 16


@dataclass(frozen=True, slots=True)
class Note:
    """One finding."""

    number: int
    project: str
    text: str
    author: str
    session_id: str
    """Empty where a person or a program left it."""
    path: str | None
    """What it is about."""
    created_at: float

    @property
    def note_id(self) -> str:
        return str(self.number)

    def document(self) -> dict[str, Any]:
        """As the API shows it."""
        fields = asdict(self)
        del fields["number"]
        return {"note_id": self.note_id, **fields}


class Notes:
    """A bounded number of notes; the oldest of a project, then of all, make room."""

    def __init__(self, clock: Callable[[], float] = time.time, feed: Feed | None = None) -> None:
        self._clock = clock
        self._feed = feed
        self._notes: dict[int, Note] = {}
        """By number, which is the order they came in."""
        self._words: dict[int, Counter[str]] = {}
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._notes)

    @property
    def last_number(self) -> int:
        """That of the latest note, whether it is still there or not: no number is given twice."""
        return self._last_number

    def add(
        self, text: str, *, project: str, author: str, session_id: str = "", path: str | None = None
    ) -> Note:
        """Leave a note.

        Raises: UsageInvalid, naming what is wrong with it.
        """
        note = Note(
            number=self._last_number + 1,
            project=_checked("project", project, MAX_PATH_CHARS),
            text=_checked("text", text, MAX_TEXT_CHARS),
            author=_checked("author", " ".join(author.split()), MAX_AUTHOR_CHARS),
            session_id=session_id,
            path=_checked("path", path, MAX_PATH_CHARS) if path else None,
            created_at=self._clock(),
        )
        self._keep(note)
        self._tell("note.added", note)
        self._make_room([note.project])
        return note

    def remove(self, note_id: str) -> Note:
        """Take a note away.

        Raises: NotFound.
        """
        is_number = note_id.isascii() and note_id.isdecimal() and len(note_id) <= _NUMBER_CHARS
        note = self._notes.get(int(note_id)) if is_number else None
        if note is None:
            raise NotFound(f"no note {note_id[:_NUMBER_CHARS]!r}", advice="Run: cco notes")
        self._drop(note)
        return note

    def latest(self, project: str | None = None) -> list[Note]:
        """The notes of a project, or all, the latest first."""
        return [note for note in reversed(self._notes.values()) if project in (None, note.project)]

    def search(self, query: str, project: str | None = None) -> list[Note]:
        """The notes that have a word of the query, the best first; equals, the latest first.

        A query without any word to look for (another script, only common words) is looked for as
        it stands.
        """
        query = query[:MAX_QUERY_CHARS].strip()
        wanted = set(_terms(query))
        among = self.latest(project)
        if not wanted:
            return [note for note in among if query.casefold() in note.text.casefold()]
        ranked = [(score, note) for score, note in self._scored(wanted, among) if score > 0]
        ranked.sort(key=lambda pair: -pair[0])
        return [note for _, note in ranked]

    def _scored(self, wanted: set[str], among: Sequence[Note]) -> Iterator[tuple[float, Note]]:
        counts = [self._words[note.number] for note in among]
        mean = sum(one.total() for one in counts) / max(len(counts), 1) or 1
        rarity = {}
        for word in wanted:
            frequency = sum(word in one for one in counts)
            rarity[word] = math.log(1 + (len(counts) - frequency + 0.5) / (frequency + 0.5))
        for note, words in zip(among, counts, strict=True):
            relative = words.total() / mean
            norm = 1 - _LENGTH_NORMALISATION + _LENGTH_NORMALISATION * relative
            score = sum(
                rarity[word] * words[word] / (words[word] + _SATURATION * norm) for word in wanted
            )
            yield score, note

    def to_document(self) -> dict[str, Any]:
        """Plain data for JSON."""
        kept = [asdict(note) for note in self._notes.values()]
        return {"last_number": self._last_number, "notes": kept}

    @classmethod
    def from_document(
        cls,
        document: Mapping[str, Any],
        clock: Callable[[], float] = time.time,
        feed: Feed | None = None,
    ) -> Notes:
        """From what `to_document` made; an entry that is no note is left out."""
        notes = cls(clock)
        entries = document.get("notes")
        for entry in entries if isinstance(entries, list) else ():
            note = _note_from(entry)
            if note is not None and note.number > notes._last_number:
                notes._keep(note)
        notes._make_room(dict.fromkeys(note.project for note in notes._notes.values()))
        notes._feed = feed
        last = document.get("last_number")
        if type(last) is int and notes._last_number < last < _LARGEST_NUMBER:
            notes._last_number = last
        return notes

    def _keep(self, note: Note) -> None:
        self._last_number = note.number
        self._notes[note.number] = note
        self._words[note.number] = Counter(_terms(f"{note.text} , {note.path or ''}"))

    def _make_room(self, projects: Iterable[str]) -> None:
        for project in projects:
            mine = [note for note in self._notes.values() if note.project == project]
            for note in mine[: max(len(mine) - MAX_PER_PROJECT, 0)]:
                self._drop(note)
        while len(self._notes) > MAX_NOTES:
            self._drop(next(iter(self._notes.values())))

    def _drop(self, note: Note) -> None:
        del self._notes[note.number], self._words[note.number]
        self._tell("note.removed", note)

    def _tell(self, kind: str, note: Note) -> None:
        if self._feed is not None:
            self._feed.publish(kind, note.session_id, note_id=note.note_id, author=note.author)


def _terms(text: str) -> Iterator[str]:
    """The words of a text; `cache` is the same as `cached`, which few words need not be."""
    for word in words_of(text):
        yield word[:-1] if len(word) > _SHORT_WORD_CHARS and word.endswith("e") else word


def _checked(name: str, value: str, most: int) -> str:
    """A text as it is kept: without what cannot be written as UTF-8, and of a length to be read."""
    text = value.encode(errors="replace").decode().strip()
    if not text or "\0" in text:
        raise UsageInvalid(f"a note's {name} must be text, and not empty", advice=_EXAMPLE)
    if len(text) > most:
        raise UsageInvalid(
            f"a note's {name} has {len(text)} characters, {most} is the most",
            advice="Shorten it, or leave several notes.",
        )
    return text


def _note_from(entry: object) -> Note | None:
    if not isinstance(entry, Mapping):
        return None
    number, path, created_at = entry.get("number"), entry.get("path"), entry.get("created_at")
    texts = [entry.get(name) for name in ("project", "text", "author", "session_id")]
    if type(number) is not int or not 0 < number < _LARGEST_NUMBER:
        return None
    if not all(isinstance(one, str) for one in texts) or not isinstance(path, str | None):
        return None
    moment = finite(created_at)
    if moment is None or not 0 <= moment < END_OF_TIME_S:
        return None
    fields: dict[str, Any] = {name: entry.get(name) for name in Note.__dataclass_fields__}
    return Note(**fields)
