"""Arguments and variables: any text is taken for something or refused in the way that is told."""

from __future__ import annotations

import math
import os
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from cco.claude.arguments import UserArguments, orchestrated, parse, runs_a_session
from cco.claude.environment import plain_environment, proxy_exceptions
from cco.claude.headers import OPTIONS
from cco.cli.hook import _environment_port, _is_event, launch_headers
from cco.cli.launch import _amount, _depth
from cco.config import MAX_BUDGET_USD, Config, budget_usd, load_config
from cco.errors import ConfigInvalid, DaemonNotRunning, UsageInvalid
from tests.vectors.drawn import JSON_VALUES

TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)
AMOUNTS = TEXT | st.sampled_from(
    "5 0.5 1e3 1_000 0 -1 nan inf -inf 1e999 1e-400 1e6 1000000.01 ٣ 0x5 + . $5 5$ True".split()
)
WORDS = TEXT | st.sampled_from(
    "--settings --settings= --append-system-prompt --append-system-prompt=a --budget --budget=5 "
    "--budget= -p --model opus -- --resume mcp -n --settingsx --budgetx".split()
)


@given(st.lists(WORDS, max_size=8), st.booleans())
def test_what_is_taken_out_and_what_is_left_are_all_there_was(words: list[str], own: bool) -> None:
    user = parse(words, own_options=own)
    assert user.budget is None or own
    argv = orchestrated(user, settings="/s", plugin="/p", nudge="n")
    assert argv[:4] == ["--settings", "/s", "--plugin-dir", "/p"]
    assert argv[4] == "--append-system-prompt"
    assert argv[5].startswith("n")
    assert tuple(argv[6:]) == user.rest
    assert runs_a_session(words) in (True, False)


@given(st.lists(WORDS, max_size=6))
def test_behind_two_dashes_nothing_is_ours(words: list[str]) -> None:
    assert parse(["--", *words]) == UserArguments(("--", *words))


@given(AMOUNTS)
def test_an_amount_is_a_budget_or_none(text: str) -> None:
    amount = budget_usd(text)
    assert amount is None or (math.isfinite(amount) and 0 < amount <= MAX_BUDGET_USD)
    try:
        assert _amount(text) == amount
    except UsageInvalid as error:
        assert amount is None
        assert len(str(error)) < 200


@given(st.lists(TEXT | st.sampled_from([*OPTIONS, "5", "ff00"]), max_size=5))
def test_a_launchs_options_are_headers_or_nothing(arguments: list[str]) -> None:
    found = launch_headers(arguments)
    for name, value in (found or {}).items():
        assert name in OPTIONS.values()
        assert value.isascii()
        assert value.isprintable()
    if found is not None:
        assert len(arguments) % 2 == 0


@given(TEXT | st.sampled_from(["Stop", "Stop/x", "../Stop", "\u017ftop", "A" * 41]))
def test_an_event_is_a_plain_word(text: str) -> None:
    assert _is_event(text) == bool(text and text.isascii() and text.isalpha() and len(text) <= 40)


def test_an_address_in_the_environment_names_a_port_or_none() -> None:
    before = os.environ.get("ORCHESTRATOR_API_URL")

    @given(TEXT | st.integers(-1, 70_000).map("http://localhost:{}".format))
    @example("http://localhost:٣٠٠٠")
    @example("http://localhost:0")
    def holds(text: str) -> None:
        os.environ["ORCHESTRATOR_API_URL"] = text.encode(errors="replace").decode()
        with suppress(DaemonNotRunning):
            assert 0 < _environment_port() < 65536

    try:
        holds()
    finally:
        os.environ.pop("ORCHESTRATOR_API_URL")
        if before is not None:
            os.environ["ORCHESTRATOR_API_URL"] = before


@given(st.dictionaries(st.sampled_from(["CCO_LAUNCH_DEPTH"]), TEXT | st.integers().map(str)))
def test_a_depth_is_a_small_number(environ: dict[str, str]) -> None:
    assert 0 <= _depth(environ) < 1000


VARIABLES = ("CCO_PORT", "CCO_CLAUDE", "CCO_STATUS_LINE", "CCO_HINTS", "CCO_KEEP_HISTORY",
             "CCO_CONFLICTS", "CCO_BUDGET")  # fmt: skip
VALUES = AMOUNTS | st.sampled_from(["true", "FALSE", "1", "0", "deny", "3000", "65536", "\udcff"])


@given(st.dictionaries(st.sampled_from(VARIABLES), VALUES), st.sampled_from(VARIABLES))
def test_variables_make_a_config_or_are_named(environ: dict[str, str], name: str) -> None:
    places = {"CCO_CONFIG": os.devnull}
    try:
        config = load_config({**environ, **places})
    except ConfigInvalid as error:
        assert any(variable in str(error) for variable in environ)
        assert len(str(error)) < 200
        return
    assert 1 <= config.port <= 65535
    assert config.session_budget_usd is None or 0 < config.session_budget_usd <= MAX_BUDGET_USD
    without = {key: value for key, value in environ.items() if key != name}
    assert isinstance(load_config({**without, **places}), Config)


NO_PROXY = st.sampled_from(["NO_PROXY", "no_proxy"])


@given(st.dictionaries(NO_PROXY, TEXT | JSON_VALUES))
def test_exceptions_from_a_proxy_are_kept_and_loopback_is_one(env: dict[str, object]) -> None:
    found = proxy_exceptions(env)
    assert found["NO_PROXY"] == found["no_proxy"]
    parts = found["NO_PROXY"].split(",")
    assert {"127.0.0.1", "localhost", "::1"} <= set(parts)
    assert len(set(parts)) == len(parts)
    assert proxy_exceptions(found) == found
    for text in env.values():
        wanted = [part.strip() for part in str(text).split(",") if part.strip()]
        assert set(wanted) <= set(parts)


INHERITED = st.sampled_from(
    "CCO_TOKEN OTEL_EXPORTER_OTLP_HEADERS LD_LIBRARY_PATH_ORIG _PYI_X LD_LIBRARY_PATH "
    "CCO_EXECUTABLE HOME OTEL_LOGS_EXPORTER".split()
)


@given(st.dictionaries(INHERITED, TEXT))
def test_a_plain_environment_stays_as_it_is(environ: dict[str, str]) -> None:
    plain = plain_environment(environ)
    assert plain_environment(plain) == plain
    assert not [name for name in plain if name.startswith("_PYI_") or name == "CCO_EXECUTABLE"]
    assert plain.get("HOME") == environ.get("HOME")
