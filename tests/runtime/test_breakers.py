"""Circuit breakers: each trips exactly at its limit, and ends when it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.runtime.breakers import Breakers, host_protections
from freqfleet.testing.host import FakeClosedTrade, FakeHostTrades

NOON = datetime(2025, 10, 1, 12, tzinfo=UTC)
ALL = Breakers(daily_loss_ratio=0.02, consecutive_losses=3, trades_per_day=4)


def lost(minutes_ago: int, profit: float = -1.0) -> FakeClosedTrade:
    return FakeClosedTrade(close_date_utc=NOON - timedelta(minutes=minutes_ago), close_profit_abs=profit)


@pytest.mark.parametrize(
    ("closed", "open_profit", "refused"),
    [
        ([lost(60, -19.99)], 0.0, False),
        ([lost(60, -20.0)], 0.0, True),
        ([lost(60, -10.0)], -10.0, True),
        ([lost(60, -25.0)], 6.0, False),
        ([lost(13 * 60, -500.0)], 0.0, False),
    ],
    ids=["just not", "at the limit", "open positions count", "their gains too", "yesterday"],
)
def test_the_days_loss_is_of_the_equity_at_midnight(
    closed: list[FakeClosedTrade], open_profit: float, refused: bool
) -> None:
    # What was lost before midnight is lost from the equity at midnight too.
    before = sum(-one.close_profit_abs for one in closed if one.close_date_utc < NOON - timedelta(hours=12))
    trades = FakeHostTrades(closed=closed, open_profit=open_profit, starting_quote=1_000.0 + before)

    reason = Breakers(daily_loss_ratio=0.02).refusal(NOON, trades)

    assert (reason is not None) is refused
    assert reason is None or reason.endswith("of the day's equity lost, until 00:00")


@pytest.mark.parametrize(
    ("profits", "minutes_ago", "refused"),
    [
        ([-1, -1, -1], 5, True),
        ([-1, -1], 5, False),
        ([-1, -1, 2, -1], 5, False),
        ([5, -1, -1, -1], 5, True),
        ([-1, -1, -1], 119, True),
        ([-1, -1, -1], 120, False),
        ([-1, 0, -1], 5, False),
    ],
    ids=["three", "two", "a win between", "wins before", "still", "over", "nothing lost"],
)
def test_losses_in_a_row_pause_for_two_hours(profits: list[float], minutes_ago: int, refused: bool) -> None:
    newest_last = [lost(minutes_ago + 10 * age, profit) for age, profit in enumerate(reversed(profits))]

    reason = Breakers(consecutive_losses=3).refusal(NOON, FakeHostTrades(closed=newest_last))

    assert (reason is not None) is refused


@pytest.mark.parametrize(("today", "refused"), [(3, False), (4, True)])
def test_entries_are_counted_from_midnight(today: int, refused: bool) -> None:
    entered = [NOON.replace(hour=0)] * today + [NOON - timedelta(hours=13)] * 9

    assert (ALL.refusal(NOON, FakeHostTrades(entered_at=entered)) is not None) is refused


def test_what_is_switched_off_refuses_nothing() -> None:
    trades = FakeHostTrades(closed=[lost(5, -500.0)] * 9, entered_at=[NOON] * 99)

    assert Breakers().refusal(NOON, trades) is None
    assert host_protections(cooldown_minutes=0, drawdown_ratio=0.0) == []


def test_freqtrade_accepts_its_part() -> None:
    from freqtrade.plugins.protectionmanager import ProtectionManager

    listed = host_protections(cooldown_minutes=30, drawdown_ratio=0.1)

    ProtectionManager.validate_protections(listed)
    names = [one.name for one in ProtectionManager({"timeframe": "5m"}, listed)._protection_handlers]
    assert names == ["CooldownPeriod", "MaxDrawdown"]
