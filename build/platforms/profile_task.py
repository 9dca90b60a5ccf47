"""What CPython is profiled with: the kinds of work that cco does, the same at every run.

Only the standard library, no clock, no thread, no random number: the profile, and so the compiled
interpreter, does not differ from run to run.
"""

from __future__ import annotations

import asyncio
import base64
import collections
import dataclasses
import datetime
import email.parser
import enum
import hashlib
import hmac
import json
import marshal
import re
import struct
import subprocess
import sys
import textwrap
import urllib.parse

STARTS = 30
ROUNDS = 40
SOURCE = textwrap.dedent(
    """
    import typing
    class Base:
        __slots__ = ("name", "value")
        def __init__(self, name, value=None, *rest, **more):
            self.name, self.value = name, value
        @property
        def text(self):
            return f"{self.name}: {self.value!r:>10}"
    def numbers(limit):
        for number in range(limit):
            try:
                if number % 7 == 0:
                    raise ValueError(number)
                yield number, {key: number for key in "abc"}
            except ValueError as error:
                yield error.args[0], {}
    total = sum(number for number, _ in numbers(500))
    lines = [Base(str(number), number).text for number in range(300)]
    """
)


class Kind(enum.Enum):
    CALL = "call"
    EDIT = "edit"


@dataclasses.dataclass(frozen=True)
class Event:
    kind: Kind
    name: str
    tokens: int
    at: datetime.datetime


def starts() -> None:
    """The interpreter's own start, and imports: most of what a short command is."""
    modules = "json, re, hashlib, hmac, pathlib, subprocess, asyncio, http.client, dataclasses"
    for code in ("pass", "import os, sys, json", f"import {modules}"):
        for _ in range(STARTS):
            subprocess.run([sys.executable, "-S", "-c", code], check=True)


def texts_and_documents() -> None:
    words = re.findall(r"\w+", SOURCE) * 20
    counted = collections.Counter(word.casefold() for word in words)
    document = {
        "words": counted,
        "list": [{"n": n, "f": n / 3, "s": f"größer {n} ✓", "b": n % 2 == 0} for n in range(200)],
        "none": None,
    }
    for _ in range(3):
        text = json.dumps(document, ensure_ascii=False, sort_keys=True)
        assert json.loads(text)["none"] is None
        json.dumps(document, indent=1)
    for name, count in sorted(counted.items(), key=lambda item: (-item[1], item[0])):
        "%s=%d" % (name.ljust(12).title(), count) + str(count).zfill(4)  # noqa: UP031
    urllib.parse.parse_qsl(urllib.parse.urlencode({"name": "größer", "value": 7}))
    email.parser.HeaderParser().parsestr("Host: localhost\nContent-Type: text/plain\n\n")
    re.compile(r"(?P<key>[a-z_]+)\s*=\s*(?P<value>\"[^\"]*\"|\S+)").sub(r"\2", "a = b\n" * 50)


def bytes_and_digests() -> None:
    key = bytes(range(32))
    for number in range(200):
        packed = struct.pack(">IQ8s", number, number * 7, b"cco") + key
        digest = hmac.new(key, packed, hashlib.sha256).digest()
        struct.unpack_from(">IQ", base64.b64decode(base64.b64encode(packed)))
        bytes(a ^ b for a, b in zip(digest, key, strict=True)).hex()


def objects() -> None:
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    events = [
        Event(list(Kind)[number % 2], f"agent-{number % 9}", number, start) for number in range(300)
    ]
    sums: dict[str, int] = {}
    for event in events:
        later = event.at + datetime.timedelta(seconds=event.tokens)
        sums[event.name] = sums.get(event.name, 0) + event.tokens
        dataclasses.replace(event, at=later).at.isoformat()
    exec(marshal.loads(marshal.dumps(compile(SOURCE, "<profile>", "exec"))), {})  # noqa: S102, S302  # ours


async def _many_tasks() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    done = asyncio.Event()

    async def produce() -> None:
        for number in range(300):
            await queue.put(number)
            await asyncio.sleep(0)
        done.set()

    async def consume() -> None:
        while not (done.is_set() and queue.empty()):
            await asyncio.sleep(0)
            if not queue.empty():
                queue.get_nowait()

    await asyncio.gather(produce(), *(consume() for _ in range(5)))


def main() -> None:
    starts()
    for _ in range(ROUNDS):
        texts_and_documents()
        bytes_and_digests()
        objects()
        asyncio.run(_many_tasks())


if __name__ == "__main__":
    main()
