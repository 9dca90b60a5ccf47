"""Codes open the dashboard once and not for long; browsers stay for as long as they are used."""

from __future__ import annotations

import pytest

from cco.daemon.dashboard.sign_in import (
    CODE_S,
    FAILURES_S,
    IDLE_S,
    MAX_BROWSERS,
    MAX_CODES,
    MAX_FAILURES,
    Pass,
    SignIns,
    TooManyFailures,
)


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sign_ins(clock: Clock) -> SignIns:
    return SignIns(clock)


def came_in(sign_ins: SignIns) -> Pass:
    new = sign_ins.redeem(sign_ins.new_code())
    assert new is not None
    return new


def test_a_code_lets_one_browser_in(sign_ins: SignIns) -> None:
    new = came_in(sign_ins)
    assert sign_ins.admits(new.cookie, new.page_key)
    assert not sign_ins.admits(new.cookie, "")
    assert not sign_ins.admits("", new.page_key)
    assert not sign_ins.admits(new.page_key, new.cookie)


def test_a_code_has_128_bits_and_is_never_the_same(sign_ins: SignIns) -> None:
    codes = {sign_ins.new_code() for _ in range(100)}
    assert len(codes) == 100
    assert {len(code) for code in codes} == {22}


def test_a_code_that_comes_again_ends_what_it_opened(sign_ins: SignIns) -> None:
    code = sign_ins.new_code()
    new = sign_ins.redeem(code)
    assert new is not None
    assert sign_ins.redeem(code) is None
    assert not sign_ins.admits(new.cookie, new.page_key)


def test_a_code_grows_old(sign_ins: SignIns, clock: Clock) -> None:
    code = sign_ins.new_code()
    clock.now += CODE_S
    assert sign_ins.redeem(code) is None
    assert sign_ins.redeem("é\ud800" * 10_000) is None


def test_codes_and_browsers_are_bounded(sign_ins: SignIns) -> None:
    codes = [sign_ins.new_code() for _ in range(MAX_CODES + 1)]
    assert sign_ins.redeem(codes[0]) is None
    assert sign_ins.redeem(codes[1]) is not None
    first = came_in(sign_ins)
    others = [came_in(sign_ins) for _ in range(MAX_BROWSERS)]
    assert not sign_ins.admits(first.cookie, first.page_key)
    assert sign_ins.admits(others[0].cookie, others[0].page_key)


def test_wrong_codes_are_limited_for_a_while(sign_ins: SignIns, clock: Clock) -> None:
    for _ in range(MAX_FAILURES):
        assert sign_ins.redeem("wrong") is None
    used = sign_ins.new_code()
    new = sign_ins.redeem(used)
    assert new is not None  # nobody keeps the owner out by guessing
    for code in ("wrong", used):
        with pytest.raises(TooManyFailures):
            sign_ins.redeem(code)
    assert not sign_ins.admits(new.cookie, new.page_key)
    clock.now += FAILURES_S
    assert sign_ins.redeem("wrong") is None


def test_a_browser_stays_while_it_is_used(sign_ins: SignIns, clock: Clock) -> None:
    new = came_in(sign_ins)
    for _ in range(3):
        clock.now += IDLE_S - 1
        assert sign_ins.admits(new.cookie, new.page_key)
    clock.now += IDLE_S
    assert not sign_ins.admits(new.cookie, new.page_key)


def test_a_browser_signs_out(sign_ins: SignIns) -> None:
    new, other = came_in(sign_ins), came_in(sign_ins)
    sign_ins.sign_out(new.cookie, new.page_key)
    assert not sign_ins.admits(new.cookie, new.page_key)
    assert sign_ins.admits(other.cookie, other.page_key)
