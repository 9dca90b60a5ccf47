"""A launch's budget: the option, the variable and the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cco.claude.arguments import UserArguments, parse
from cco.config import budget_usd, load_config
from cco.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("arguments", "rest", "budget"),
    [
        (["--budget", "5"], [], "5"),
        (["--budget=5"], [], "5"),
        (["-p", "x", "--budget", "5"], ["-p", "x"], "5"),
        (["--budget", "5", "-p", "x", "--budget=6"], ["-p", "x"], "6"),
        (["--budget"], [], ""),
        (["--budget="], [], ""),
        (["--budget", "--settings"], [], "--settings"),
        (["-p", "--", "--budget", "5"], ["-p", "--", "--budget", "5"], None),
        (["--model", "--budget", "5"], ["--model", "--budget", "5"], None),
        (["--max-budget-usd", "5"], ["--max-budget-usd", "5"], None),
        (["--budgets", "5"], ["--budgets", "5"], None),
    ],
)
def test_the_option_is_taken_out(arguments: list[str], rest: list[str], budget: str | None) -> None:
    assert parse(arguments) == UserArguments(tuple(rest), budget=budget)


def test_where_everything_is_claude_codes_it_stays() -> None:
    given = ["--budget", "5", "--budget=6", "--settings", "x"]
    user = parse(given, own_options=False)
    assert user == UserArguments(("--budget", "5", "--budget=6"), settings="x")


@pytest.mark.parametrize(
    ("text", "amount"),
    [("5", 5.0), ("0.25", 0.25), ("1e3", 1000.0), (" 5 ", 5.0), ("1000000", 1e6), ("1000001", None),
     ("0", None), ("-5", None), ("nan", None), ("inf", None), ("$5", None), ("5,00", None),
     ("", None), ("\u0665", None)],
)  # fmt: skip
def test_what_is_an_amount(text: str, amount: float | None) -> None:
    assert budget_usd(text) == amount


def test_the_variable_goes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[budget]\nsession = 5\nday = 20.5\n")
    env = {"CCO_CONFIG": str(file)}
    config = load_config(env)
    assert (config.session_budget_usd, config.day_budget_usd) == (5, 20.5)
    assert load_config({**env, "CCO_BUDGET": "7"}).session_budget_usd == 7
    assert load_config({**env, "CCO_BUDGET": ""}).session_budget_usd == 5


@pytest.mark.parametrize(
    "text", ["session = inf", "session = nan", "day = 0", "day = 1e7", 'day = "5"']
)
def test_the_file_is_checked(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f"[budget]\n{text}\n")
    with pytest.raises(ConfigInvalid, match=r"budget\.\w+ must be an amount of US dollars over 0"):
        load_config({"CCO_CONFIG": str(file)})


def test_the_variable_is_checked() -> None:
    with pytest.raises(ConfigInvalid, match="CCO_BUDGET: must be an amount"):
        load_config({"CCO_BUDGET": "five", "HOME": "/nonexistent"})
