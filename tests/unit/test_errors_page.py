"""docs/errors.md is what cco/errors.py says, and every error says what it must."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import errors_page
import pytest

from cco.errors import CcoError, SealError

ROOT = Path(__file__).parents[2]
KINDS = list(errors_page.kinds(CcoError))


def test_the_page_is_up_to_date() -> None:
    assert errors_page.main(["--check"]) == 0, "make docs"


def test_an_outdated_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors_page, "ROOT", tmp_path)
    monkeypatch.setattr(errors_page, "PAGE", tmp_path / "errors.md")
    assert errors_page.main(["--check"]) == 1
    assert errors_page.main([]) == 0
    assert errors_page.main(["--check"]) == 0
    (tmp_path / "errors.md").write_text(errors_page.page().replace(" 127 ", " 128 "))
    assert errors_page.main(["--check"]) == 1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_says_what_is_the_case_and_what_to_do(kind: type[CcoError]) -> None:
    own = kind.__dict__.get("__doc__") or ""
    assert inspect.cleandoc(own).endswith("."), "one sentence that says what is the case"
    assert kind.advice, "the next step"
    assert kind.exit_code not in (0, 1), "0 is done, and 1 what a check found"
    assert 400 <= kind.http_status <= 599
    assert f"| `{kind.__name__}` | {kind.exit_code} | {kind.http_status} |" in errors_page.page()


def test_the_exit_codes_of_the_command_line_are_those_of_the_errors() -> None:
    section = (ROOT / "docs/cli.md").read_text().partition("## Exit codes")[2]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    launch = {126, 127}  # in the text above the table
    assert documented == {kind.exit_code for kind in KINDS} - launch | {0, 1, 125, 130, 141}


def test_a_base_is_not_raised_itself() -> None:
    """What is told is always the narrowest kind that fits."""
    for path in sorted((ROOT / "cco").rglob("*.py")):
        for base in (CcoError, SealError):
            assert not re.search(rf"raise {base.__name__}\(", path.read_text()), path


@pytest.mark.parametrize("path", sorted((ROOT / "cco").rglob("*.py")), ids=lambda path: path.name)
def test_no_error_is_raised_without_a_next_step(path: Path) -> None:
    assert 'advice="")' not in path.read_text()
