"""docs/errors.md, made from cco/errors.py: `python build/errors_page.py [--check]`."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "errors.md"
sys.path.insert(0, str(ROOT))

from cco import errors  # noqa: E402

_HEAD = """\
# Errors

<!-- Made by `make docs` from cco/errors.py; change it there. -->

An error is one line that says what happened, and what to do next below it:

```
$ cco sessions
cco: error: the daemon is not running
  It starts with the next session, or by: cco daemon start
```

It goes to standard error, and the exit code says which kind it is. A launch is the exception: its
exit codes are Claude Code's own, and whatever keeps cco from starting it is 125, as with env(1).
Over HTTP the same error is a [problem document](api.md#errors) with the status below. What a
command says may name a better next step than the one below, where it knows more.

| error | exit code | HTTP | what is the case | what to do |
|---|---|---|---|---|
"""
_TAIL = """
## An error that is not in this list

There is none but those of the command line's own parser (exit code 2), and none shows a traceback.
What nobody foresaw is a `Defect`. `cco --debug …` (before the command), or `CCO_DEBUG=1` in the
environment, shows where any error comes from, on standard error; tokens, keys, passwords and the
build secret are taken out. Before a launch `--debug` goes to Claude Code as well, which has an
option of this name. `cco doctor` looks at everything that cco depends on, and shows no secret
either: [doctor.md](doctor.md).

130 is an interrupt (Ctrl-C), 141 a reader of the output that went away (`cco daemon logs | head`).
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(map(_row, kinds(errors.CcoError))) + _TAIL


def kinds(parent: type[errors.CcoError]) -> Iterator[type[errors.CcoError]]:
    """Every kind of error below one, in the order of the file, each before its own kinds."""
    for kind in parent.__subclasses__():
        yield kind
        yield from kinds(kind)


def _row(kind: type[errors.CcoError]) -> str:
    meaning = " ".join((inspect.getdoc(kind) or "").split())
    advice = " ".join(kind.advice.split())
    cells = (f"`{kind.__name__}`", str(kind.exit_code), str(kind.http_status), meaning, advice)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main(arguments: list[str]) -> int:
    """Write the page, or say whether it is what it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    if not parser.parse_args(arguments).check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not up to date: make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
