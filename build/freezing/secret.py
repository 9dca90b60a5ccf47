"""The build secret: where a freeze takes it from, and what a release refuses."""

from __future__ import annotations

from collections.abc import Mapping

from cco.build_info import DEVELOPMENT_SECRET, parse_build_secret
from cco.errors import BuildSecretInvalid

VARIABLE = "CCO_BUILD_SECRET"
_ADVICE = (
    f"Set {VARIABLE} to 32 random bytes or more, in hex or base64: openssl rand -hex 32\n"
    "Keep it: only builds with the same secret open each other's sealed files."
)


def choose_secret(environ: Mapping[str, str], *, release: bool) -> bytes:
    """Take the build secret from the environment, or the development one where none is set.

    Raises: BuildSecretInvalid for a secret that is malformed or too short, and for a release
    without a real one; its message never repeats the secret.
    """
    text = environ.get(VARIABLE, "").strip()
    if not text:
        if release:
            raise _refused(f"a release needs a build secret, and {VARIABLE} is not set")
        return DEVELOPMENT_SECRET
    if text.encode() == DEVELOPMENT_SECRET:
        raise _refused(f"{VARIABLE} is the development secret, which everyone knows")
    try:
        secret = parse_build_secret(text)
    except BuildSecretInvalid as error:
        raise _refused(f"{VARIABLE} cannot be used: {error}") from None
    if DEVELOPMENT_SECRET in secret:
        raise _refused(f"{VARIABLE} is the development secret, which everyone knows")
    return secret


def _refused(why: str) -> BuildSecretInvalid:
    return BuildSecretInvalid(why, advice=_ADVICE)
