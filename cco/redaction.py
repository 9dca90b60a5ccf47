"""Take secrets out of what is shown to others: tracebacks and reports."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping

from cco import build_info

REDACTED = "[redacted]"
_NAMES = re.compile(r"KEY|TOKEN|SECRET|PASSW|PASSPHRASE|CREDENTIAL|COOKIE|HEADERS|AUTH", re.I)
"""Of variables whose values are nobody's business."""
_MIN_CHARS = 8
_SHAPES = (
    (re.compile(r"(?i)\b(bearer|basic) +[^\s'\",;]+"), rf"\1 {REDACTED}"),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{8,}"), REDACTED),
    (re.compile(r"(?<=://)[^/\s@'\"]+@"), f"{REDACTED}@"),
    # a token of the daemon's: 32 bytes in base64url
    (re.compile(r"(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[A-Za-z0-9_-]{43}(?![\w-])"), REDACTED),
)


def is_secret(variable: str) -> bool:
    """Whether a variable of this name holds something that is not to be shown."""
    return _NAMES.search(variable) is not None


def redacted(text: str, environ: Mapping[str, str]) -> str:
    """A text without tokens, keys, passwords, the build secret, and secrets of the environment."""
    for secret in sorted({*_of_build(), *_of_environment(environ)}, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def _of_environment(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if is_secret(name) and len(value) >= _MIN_CHARS:
            yield value
            yield repr(value)[1:-1]


def _of_build() -> Iterator[str]:
    """The ways in which a traceback could spell the build secret; a public one is none."""
    build = build_info.current()
    if build.development:
        return
    secret = build.secret
    yield secret.hex()
    yield repr(secret)[2:-1]
    for encoded in (base64.b64encode(secret), base64.urlsafe_b64encode(secret)):
        yield encoded.decode().rstrip("=")
