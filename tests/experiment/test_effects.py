"""What an arm of the learning experiment changed: three numbers and their intervals."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.testing.trades import closed_trade

sys.path.insert(0, str(Path(__file__).parents[2]))  # the experiment lies beside the package, not in it

from experiment.effects import daily_difference, effect

SINCE = datetime(2025, 11, 1, tzinfo=UTC)
DAYS = [(SINCE + timedelta(days=number)).date() for number in range(40)]


def trade(day: float, position_bps: float, **changes: object) -> ClosedTrade:
    """Return a trade at 3x that opened so many days after the start."""
    opened = SINCE + timedelta(days=day)
    values = {"opened_at": opened, "closed_at": opened + timedelta(hours=2), **changes}
    return closed_trade(leverage=3.0, margin_profit_ratio=3.0 * position_bps / 1e4, **values)


def test_the_same_trades_are_no_difference_at_all() -> None:
    trades = [trade(day, bps) for day, bps in enumerate([10.0, -20.0, 5.0] * 10)]

    found = effect(trades, trades, since=SINCE, days=DAYS)

    assert (found.account.mean, found.account.half_width) == (0.0, 0.0)
    assert found.per_trade is not None
    assert (found.per_trade.mean, found.per_trade.half_width) == (0.0, 0.0)
    assert (found.matched, found.moved) == (30, 0)
    assert found.same_trades
    assert not found.account.leaves_zero_out


def test_an_entry_that_only_one_arm_made_counts_in_the_account_and_not_among_the_same() -> None:
    before = [trade(day, 10.0) for day in range(40)]
    after = [*(trade(day, 12.0, close_rate=51_001.0) for day in range(40)), trade(3.5, 400.0)]

    found = effect(before, after, since=SINCE, days=DAYS)

    assert found.account.mean == pytest.approx((40 * 2.0 + 400.0) / 40)
    assert found.same_entry is not None
    assert found.same_entry.mean == pytest.approx(2.0)
    assert found.same_entry.half_width == pytest.approx(0.0, abs=1e-9)
    assert (found.matched, found.moved) == (40, 40)
    assert not found.same_trades
    assert not effect(before, after[:-1], since=SINCE, days=DAYS).same_trades  # entered alike, left elsewhere
    assert found.per_trade is not None
    assert found.per_trade.mean == pytest.approx((40 * 12.0 + 400.0) / 41 - 10.0)


def test_trades_before_the_first_step_do_not_count() -> None:
    early = trade(-1.0, 900.0)

    found = effect([early, trade(1, 5.0)], [replace(early), trade(1, 6.0)], since=SINCE, days=DAYS)

    assert (found.default_trades, found.arm_trades, found.matched) == (1, 1, 1)


def test_trades_of_another_bot_pair_or_side_are_not_the_same_entry() -> None:
    mine = trade(1, 5.0)

    for other in (replace(mine, bot="BOT3"), replace(mine, pair="ETH/USDT:USDT")):
        found = effect([mine], [other], since=SINCE, days=DAYS)

        assert (found.matched, found.same_entry) == (0, None)


def test_an_arm_without_trades_has_an_account_and_no_mean() -> None:
    found = effect([trade(1, 5.0)], [], since=SINCE, days=DAYS)

    assert found.account.mean == pytest.approx(-5.0 / 40)
    assert (found.per_trade, found.arm_mean_bps) == (None, None)


def test_a_day_of_many_trades_is_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(1)
    days = rng.normal(0.0, 30.0, 40)
    before = [trade(day + hour / 24, 0.0) for day in range(40) for hour in range(20)]
    after = [trade(day + hour / 24, days[day]) for day in range(40) for hour in range(20)]

    clustered = effect(before, after, since=SINCE, days=DAYS).same_entry

    assert clustered is not None
    assert clustered.half_width == pytest.approx(1.96 * days.std(ddof=1) / 40**0.5 * 1.03, rel=0.02)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(2)
    held = {"account": 0, "per_trade": 0, "same_entry": 0}
    rounds = 200
    for _ in range(rounds):
        of_day = rng.normal(0.0, 20.0, 40)
        noise = rng.normal(0.0, 50.0, (2, 40, 6))
        before = [trade(d + h / 24, noise[0, d, h]) for d in range(40) for h in range(6)]
        after = [trade(d + h / 24, noise[1, d, h] + of_day[d]) for d in range(40) for h in range(6)]
        found = effect(before, after, since=SINCE, days=DAYS)
        for name in held:
            held[name] += not getattr(found, name).leaves_zero_out

    for name, count in held.items():
        assert 0.90 <= count / rounds <= 0.99, name


def test_days_without_trades_are_days_on_which_nothing_changed() -> None:
    assert daily_difference([trade(0, 5.0)], [trade(2, 7.0)], DAYS[:3]) == pytest.approx(
        [-0.0005, 0.0, 0.0007]
    )
