"""What this program is: version, commit, build id, and the build secret it was frozen with.

A frozen program takes its secret from the generated module `_cco_build` and from nowhere else;
a source checkout always uses the well-known development secret.
"""

from __future__ import annotations

import sys

from cco.errors import BuildSecretInvalid

VERSION = "0.1.0"
DEVELOPMENT_SECRET = b"cco-development-build-secret"
MIN_SECRET_BYTES = 32


class BuildInfo:
    """Where this program comes from."""

    __slots__ = ("build_id", "commit", "frozen", "release", "secret", "version")

    def __init__(
        self, *, commit: str, build_id: str, release: bool, frozen: bool, secret: bytes
    ) -> None:
        self.version = VERSION
        self.commit = commit
        self.build_id = build_id
        self.release = release
        self.frozen = frozen
        self.secret = secret

    @property
    def development(self) -> bool:
        return self.secret == DEVELOPMENT_SECRET

    @property
    def label(self) -> str:
        """How people are told what they run, such as `0.1.0 (1a2b3c4, development build)`."""
        kind = "release" if self.release else "private build"
        if self.development:
            kind = "development build"
        return f"{self.version} ({self.commit}, {kind})"


def current() -> BuildInfo:
    """Describe the running program."""
    if getattr(sys, "frozen", False):
        import _cco_build as build

        return BuildInfo(
            commit=build.COMMIT,
            build_id=build.BUILD_ID,
            release=build.RELEASE,
            frozen=True,
            secret=build.SECRET,
        )
    return BuildInfo(
        commit="checkout",
        build_id="source",
        release=False,
        frozen=False,
        secret=DEVELOPMENT_SECRET,
    )


def parse_build_secret(text: str) -> bytes:
    """Decode a build secret given as hex or base64.

    Text that is valid hex is taken as hex. Shapes: at least 32 bytes.
    Raises: BuildSecretInvalid; its message never repeats the secret.
    """
    import base64
    import binascii

    compact = "".join(text.split())
    try:
        secret = bytes.fromhex(compact)
    except ValueError:
        try:
            padded = compact + "=" * (-len(compact) % 4)
            secret = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise BuildSecretInvalid("the build secret is neither hex nor base64") from None
    if len(secret) < MIN_SECRET_BYTES:
        raise BuildSecretInvalid(
            f"the build secret has {len(secret)} bytes; it needs {MIN_SECRET_BYTES} or more"
        )
    if len(set(secret)) < 8:
        raise BuildSecretInvalid("the build secret is a pattern, not random bytes")
    return secret
