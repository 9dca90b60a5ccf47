"""Rank the specialists by how well they fit a text: BM25F over what the catalogue says of them.

Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cco.catalogue.model import SHIPPED, Agent

QUERY_LIMIT_CHARS = 4_000
MAX_FITTING = 3
_FIELD_WEIGHTS = {"name": 6.0, "description": 4.0, "keywords": 4.0, "brief": 1.0}
_LENGTH_NORMALISATION = {"name": 0.0, "description": 0.3, "keywords": 0.3, "brief": 0.6}
_SATURATION = 3.0
_STEPS = 4
_MAX_WEIGHT = 255
"""Weights are kept as whole quarters in one byte."""

_POSTING = struct.Struct("<HB")
"""A specialist's place among the names, and a word's weight for it."""

_CLEAR_SCORE = 5.0
_CLEAR_SHARE = 0.1
_NEAR_BEST = 0.5
_MAX_PARTS = 4
_WORD = re.compile(r"[a-z0-9]+(?:[.\-_/:][a-z0-9]+)*(?:\+\+|#)?")
_PARTS = re.compile(r"[.\-_/:]")
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z][a-z])")
_SUFFIX = re.compile(r"(?<=[a-z]{4})(?:ings?|ed|e?s)$")
_GO = re.compile(r"(?<=[a-z,] )Go\b")
"""The language, unless a sentence begins with the verb."""

_STOP = frozenset(
    """
    a about actually after again all also always am an and any anything are aren as at basically
    be because been before being but by can cannot could couldn d did didn do does doesn doing
    don done each else even ever every everything fix for from get gets getting go goes going
    gone got had hadn has have haven having he help her here his how i if in into is isn it its
    just keep keeps know let like ll m make makes making me more most much my need needs never
    new no not nothing now of off on once one only or other our out over own please put re
    really right s same see she should shouldn so some something still such t take takes than
    thanks that the their them then there these they thing things this those through to too
    tried try trying two up us use used uses using ve very want wants was wasn way we well went
    were what when where which while who why will with without won work working works would
    wouldn yet you your
    """.split()
)


@dataclass(frozen=True)
class Match:
    """One specialist found for a text."""

    name: str
    score: float
    share: float
    """The score as a part of what a text of these words could have had at most."""


class SearchIndex:
    """Every word of the catalogue, and how much it says of which specialist."""

    def __init__(
        self, names: Sequence[str], postings: Mapping[str, bytes], lengths: Mapping[str, float]
    ) -> None:
        self._names = names
        self._postings = postings
        self._lengths = lengths

    @classmethod
    def of(cls, agents: Sequence[Agent]) -> SearchIndex:
        """Index these specialists."""
        fields = [_fields(agent) for agent in agents]
        lengths = {
            name: sum(one[name].total() for one in fields) / max(len(fields), 1)
            for name in _FIELD_WEIGHTS
        }
        postings: dict[str, bytearray] = {}
        for number, one in enumerate(fields):
            _post(postings, number, _weigh(one, lengths))
        return cls([agent.name for agent in agents], _frozen(postings), lengths)

    def with_agents(self, agents: Sequence[Agent]) -> SearchIndex:
        """The index of just these: what is ours is taken as it is, a user's own are added."""
        ours = {agent.name: i for i, agent in enumerate(agents) if agent.source == SHIPPED}
        if list(ours) == self._names and len(ours) == len(agents):
            return self
        moved = {old: ours[name] for old, name in enumerate(self._names) if name in ours}
        postings: dict[str, bytearray] = {}
        for word, posting in self._postings.items():
            for old, weight in _POSTING.iter_unpack(posting):
                if old in moved:
                    postings.setdefault(word, bytearray()).extend(_POSTING.pack(moved[old], weight))
        known = set(moved.values())
        for number, agent in enumerate(agents):
            if number not in known:
                _post(postings, number, _weigh(_fields(agent), self._lengths))
        return SearchIndex([agent.name for agent in agents], _frozen(postings), self._lengths)

    def to_document(self) -> dict[str, Any]:
        """Plain data for JSON."""
        postings = {word: posting.hex() for word, posting in self._postings.items()}
        return {"names": self._names, "postings": postings, "lengths": self._lengths}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> SearchIndex:
        """From what `to_document` made."""
        postings = {word: bytes.fromhex(text) for word, text in document["postings"].items()}
        return cls(document["names"], postings, document["lengths"])

    def search(self, text: str, limit: int = 10) -> list[Match]:
        """The specialists that fit a text, the best first."""
        scores = [0.0] * len(self._names)
        most = 0.0
        for word in set(words_of(text[:QUERY_LIMIT_CHARS])):
            posting = self._postings.get(word, b"")
            rarity = self._rarity(len(posting) // _POSTING.size)
            most += rarity
            for number, weight in _POSTING.iter_unpack(posting):
                scores[number] += rarity * weight / (_SATURATION * _STEPS + weight)
        found = [
            Match(name, score, score / most)
            for name, score in zip(self._names, scores, strict=True)
            if score > 0
        ]
        found.sort(key=lambda match: (-match.score, match.name))
        return found[:limit]

    def fitting(self, text: str) -> list[Match]:
        """Up to three specialists that clearly fit a text; none where the match is weak."""
        best = self.search(text, MAX_FITTING)
        if not best or best[0].score < _CLEAR_SCORE or best[0].share < _CLEAR_SHARE:
            return []
        return [match for match in best if match.score >= best[0].score * _NEAR_BEST]

    def _rarity(self, frequency: int) -> float:
        return math.log(1 + (len(self._names) - frequency + 0.5) / (frequency + 0.5))


def words_of(text: str) -> Iterator[str]:
    """The words of a text, lower-case, without endings; `next.js` is also `next` and `js`."""
    text = _CAMEL_CASE.sub("-", _GO.sub("golang", text))
    for word in _WORD.findall(text.lower()):
        parts = _PARTS.split(word)
        if 1 < len(parts) <= _MAX_PARTS:
            yield word
        for part in parts:
            if part not in _STOP:
                yield _SUFFIX.sub("", part)


def _fields(agent: Agent) -> dict[str, Counter[str]]:
    return {
        "name": Counter(words_of(agent.name)),
        "description": Counter(words_of(agent.description)),
        "keywords": Counter(words_of(" , ".join(agent.keywords))),
        "brief": Counter(words_of(agent.brief)),
    }


def _weigh(fields: Mapping[str, Counter[str]], lengths: Mapping[str, float]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for field, counts in fields.items():
        normalisation = _LENGTH_NORMALISATION[field]
        relative_length = counts.total() / (lengths[field] or 1)
        share = _FIELD_WEIGHTS[field] / (1 - normalisation + normalisation * relative_length)
        for word, count in counts.items():
            total[word] += round(share * count * _STEPS)
    return dict(total)


def _post(postings: dict[str, bytearray], number: int, weights: Mapping[str, int]) -> None:
    for word, weight in weights.items():
        posting = postings.setdefault(word, bytearray())
        posting += _POSTING.pack(number, min(weight, _MAX_WEIGHT))


def _frozen(postings: Mapping[str, bytearray]) -> dict[str, bytes]:
    return {word: bytes(posting) for word, posting in postings.items()}
