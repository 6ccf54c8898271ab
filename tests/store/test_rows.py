"""What goes in comes out: to the millisecond, to the last digit, under the same id."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.decisions import Evidence
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.store.rows import closed_trade, next_ms, parameter_version, trade_row, version_row, whole_ms
from freqfleet.testing import trades

BETWEEN = {  # Hypothesis wants its bounds without a zone
    "min_value": datetime(2017, 1, 1),  # noqa: DTZ001
    "max_value": datetime(2100, 1, 1),  # noqa: DTZ001
}
MOMENTS = st.datetimes(timezones=st.just(UTC), **BETWEEN)
RATIOS = st.floats(-10.0, 10.0)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@given(
    opened_at=MOMENTS,
    minutes=st.integers(0, 100_000),
    leverage=st.floats(1.0, 125.0),
    profit=RATIOS,
    fee=RATIOS,
    tag=st.none() | WORDS,
    reason=WORDS,
    side=st.sampled_from(Side),
    mode=st.sampled_from(TradeMode),
    votes=st.none() | st.integers(0, 999),
)
def test_a_trade_comes_back_equal_once_its_times_are_whole_milliseconds(
    opened_at, minutes, leverage, profit, fee, tag, reason, side, mode, votes
):
    trade = trades.closed_trade(
        opened_at=opened_at,
        closed_at=opened_at + timedelta(minutes=minutes),
        leverage=leverage,
        margin_profit_ratio=profit,
        fee_open_ratio=fee,
        enter_tag=tag,
        exit_reason=reason,
        side=side,
        mode=mode,
        votes=votes,
    )

    row = trade_row(trade)
    again = closed_trade(SimpleNamespace(**row))

    assert trade_row(again) == row
    assert again.margin_profit_ratio == profit
    assert timedelta(0) <= trade.opened_at - again.opened_at < timedelta(milliseconds=1)
    assert (again.enter_tag, again.exit_reason, again.side, again.mode) == (tag, reason, side, mode)


@given(
    recorded_at=MOMENTS,
    learned_until=MOMENTS,
    stop=st.floats(-0.30, -0.0025),
    target=st.floats(0.005, 0.5),
    p_value=st.none() | st.floats(0.0, 1.0),
    run_id=st.text(string.ascii_letters, min_size=1, max_size=12),
)
def test_a_version_keeps_its_id_through_the_store(recorded_at, learned_until, stop, target, p_value, run_id):
    version = trades.version(
        recorded_at=recorded_at,
        learned_until=learned_until,
        stop_loss=stop,
        take_profit=target,
        run_id=run_id,
        evidence=Evidence(trades=3, p_value=p_value),
    )

    again = parameter_version(SimpleNamespace(**version_row(version)))

    assert again.version_id == version.version_id
    assert again.parameters == version.parameters
    assert again.evidence == version.evidence


@given(MOMENTS)
def test_bounds_of_windows_enclose_a_time(moment):
    assert whole_ms(moment) <= next_ms(moment) <= whole_ms(moment) + 1
    assert (whole_ms(moment) == next_ms(moment)) == (moment.microsecond % 1000 == 0)


@pytest.mark.parametrize(
    "change",
    [
        {"close_rate": 51_000.01},
        {"exit_reason": "roi"},
        {"parameter_version": "abc"},
        {"mode": TradeMode.LIVE},
        {"votes": None},
        {"closed_at": datetime(2025, 11, 1, 12, 0, 0, 1000, tzinfo=UTC)},
    ],
)
def test_any_change_of_a_trade_changes_its_hash(change):
    assert trade_row(trades.closed_trade(**change))["content_hash"] != HASH


def test_the_hash_is_the_same_today_as_on_the_day_it_was_written():
    assert trade_row(trades.closed_trade())["content_hash"] == HASH


def test_minus_zero_is_zero():
    plus, minus = (trade_row(trades.closed_trade(funding_fees_quote=zero)) for zero in (0.0, -0.0))

    assert plus == minus


HASH = "16c3fdb50052447e9a738df62ae2bdfae38b16453048ccf3b8b901a1c4d3ae71"


def test_managed_exits_come_back_as_they_were_under_the_same_id():
    managed = ManagedExits(
        stop_loss=-0.02,
        take_profit=0.05,
        giveback_ratio=0.5,
        giveback_activation_ratio=0.02,
        partial_targets=[[0.02, 0.5]],
        regime_exit_z=1.5,
    )
    version = trades.version(parameters=managed)

    again = parameter_version(SimpleNamespace(**version_row(version)))

    assert again == version
    assert again.version_id == version.version_id
