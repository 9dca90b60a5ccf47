"""Freeze cco into one executable file.

    python build/freeze.py [--release] [--if-changed] [--out dist/cco]

The build secret comes from the environment variable CCO_BUILD_SECRET (hex or base64, 32 bytes or
more); without it the build is a development build. With equal sources, commit, secret and tools
two builds are byte-identical.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

from freezing import bundle, identity, inputs, launcher, payload  # noqa: E402
from freezing.errors import FreezeError  # noqa: E402
from freezing.scratch import scratch_folder  # noqa: E402
from freezing.secret import choose_secret  # noqa: E402
from freezing.target import Native, Target, program_name  # noqa: E402

from cco.build_info import DEVELOPMENT_SECRET, VERSION  # noqa: E402
from cco.errors import CcoError  # noqa: E402

WORK = ROOT / ".build"
TOOLS = ("PyInstaller", "cryptography", "yaml")


def main(arguments: Sequence[str] | None = None, target: Target | None = None) -> int:
    """Run the command line, for this system if no other target is given.

    Shapes: -> exit status: 0, that of an error of cco's such as a weak secret (11), or 1.
    """
    target = target or Native()
    parser = argparse.ArgumentParser(
        description="Freeze cco into one executable file.",
        epilog="CCO_BUILD_SECRET in the environment: 32 random bytes or more, in hex or base64.",
    )
    usual = ROOT / "dist" / program_name(target)
    parser.add_argument("--out", type=Path, default=usual, metavar="FILE")
    parser.add_argument(
        "--release", action="store_true", help="refuse to build without a real build secret"
    )
    parser.add_argument(
        "--if-changed", action="store_true", help="do nothing if FILE was made from the same inputs"
    )
    options = parser.parse_args(arguments)
    try:
        secret = choose_secret(os.environ, release=options.release)
        freeze(options.out, secret, target, release=options.release, if_changed=options.if_changed)
    except (FreezeError, CcoError) as error:
        print(f"freeze: {error}\n{error.advice}".rstrip(), file=sys.stderr)
        return error.exit_code if isinstance(error, CcoError) else 1
    return 0


def freeze(
    out: Path, secret: bytes, target: Target, *, release: bool, if_changed: bool = False
) -> None:
    """Make the single file `out`, or leave it as it is if it is up to date and that is enough.

    Raises: FreezeError, CatalogueInvalid.
    """
    sources = identity.identify(ROOT)
    build_id = identity.build_id(secret, VERSION, sources.commit)
    build = bundle.Build(secret, release, VERSION, sources.commit, build_id)
    facts = [build_id, str(sources.time_s), str(release), target.name]
    record = inputs.record_of(ROOT, secret, facts)
    kept = inputs.kept_for(out, WORK)
    if if_changed and inputs.is_current(out, kept, record):
        _say(f"{out} is up to date")
        return
    _demand_tools()
    with scratch_folder(WORK) as work:
        single_file = payload.assemble(
            launcher.build_launcher(work, target, build),
            _packed_program(work, build, target, sources.time_s),
        )
    _replace(out, single_file)
    inputs.keep(kept, out, record)
    content_id = payload.read_trailer(single_file).content_id
    _say(
        f"{out}: {VERSION} ({sources.commit}, {_kind_of(build)}), build id {build_id}, "
        f"content id {content_id}, {len(single_file) / 1e6:.1f} MB"
    )


def _demand_tools() -> None:
    missing = [name for name in TOOLS if importlib.util.find_spec(name) is None]
    if missing:
        raise FreezeError(
            f"{sys.executable} has no {', '.join(missing)}",
            "Run: make bootstrap, then .venv/bin/python build/freeze.py",
        )


def _packed_program(work: Path, build: bundle.Build, target: Target, time_s: int) -> bytes:
    from cco.catalogue.bundle import seal_bundle

    generated = work / "generated"
    bundle.write_generated(generated, build, seal_bundle(build.secret))
    folder = bundle.build_folder(work, generated, target, time_s=time_s)
    return payload.archive(folder, time_s=time_s)


def _kind_of(build: bundle.Build) -> str:
    if build.secret == DEVELOPMENT_SECRET:
        return "development build"
    return "release" if build.release else "private build"


def _replace(out: Path, contents: bytes) -> None:
    """Write an executable in one step, so that whoever runs the old one is not disturbed."""
    out.parent.mkdir(parents=True, exist_ok=True)
    draft = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(contents)
        draft.chmod(0o755)
        draft.replace(out)
    finally:
        draft.unlink(missing_ok=True)


def _say(text: str) -> None:
    print(f"freeze: {text}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
