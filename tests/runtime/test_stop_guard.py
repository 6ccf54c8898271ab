"""StoplossGuard counts stops by name."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.sides import Side
from freqfleet.errors import SettingsError
from freqfleet.runtime.stop_guard import ClosedHostTrade, stop_guard_rules
from freqfleet.testing.host import FakeClosedTrade

NOW = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)
RULE = {
    "method": "StoplossGuard",
    "lookback_period_candles": 12,
    "trade_limit": 2,
    "stop_duration_candles": 6,
    "only_per_pair": False,
}


def minutes_ago(minutes: int, reason: str = "stop_loss_optuna", **fields: object) -> FakeClosedTrade:
    return FakeClosedTrade(close_date_utc=NOW - timedelta(minutes=minutes), exit_reason=reason, **fields)  # type: ignore[arg-type]


def closed(*trades: FakeClosedTrade):  # type: ignore[no-untyped-def]
    def answer(pair: str | None, since: datetime) -> Sequence[ClosedHostTrade]:
        return [one for one in trades if one.close_date_utc > since and pair in (None, one.pair)]

    return answer


@pytest.mark.parametrize(
    ("trades", "locked"),
    [
        ((minutes_ago(5), minutes_ago(10)), True),
        ((minutes_ago(5, "cutloss_fallback"), minutes_ago(10, "stop_loss")), True),
        ((minutes_ago(5, "stop_loss_bin"), minutes_ago(10, "liquidation")), True),
        ((minutes_ago(5, "trailing_stop"), minutes_ago(10, "break_even")), True),
        ((minutes_ago(5, "trailing_stop", close_profit=0.01), minutes_ago(10)), False),
        ((minutes_ago(5),), False),
        ((minutes_ago(5), minutes_ago(61)), False),
        ((minutes_ago(5, "roi_optuna"), minutes_ago(10)), False),
        ((minutes_ago(5, "time_limit"), minutes_ago(10)), False),
        ((minutes_ago(5, close_profit=0.01), minutes_ago(10)), False),
        ((minutes_ago(31), minutes_ago(40)), False),
    ],
)
def test_two_stops_within_the_hour_lock_for_half_an_hour(
    trades: tuple[FakeClosedTrade, ...], locked: bool
) -> None:
    (rule,) = stop_guard_rules([RULE], timeframe_minutes=5)

    until = rule.locked_until("BTC/USDT:USDT", Side.LONG, NOW, closed(*trades))

    assert (until is not None) is locked
    if until is not None:
        assert until == trades[0].close_date_utc + timedelta(minutes=30)


def test_only_per_side_and_only_per_pair() -> None:
    (rule,) = stop_guard_rules([{**RULE, "only_per_side": True, "only_per_pair": True}], timeframe_minutes=5)
    stops = closed(minutes_ago(5, is_short=True), minutes_ago(6, is_short=True))

    assert rule.locked_until("BTC/USDT:USDT", Side.SHORT, NOW, stops) is not None
    assert rule.locked_until("BTC/USDT:USDT", Side.LONG, NOW, stops) is None
    assert rule.locked_until("ETH/USDT:USDT", Side.SHORT, NOW, stops) is None


def test_other_protections_are_left_to_freqtrade() -> None:
    assert stop_guard_rules([{"method": "CooldownPeriod"}], timeframe_minutes=5) == ()


def test_unlock_at_is_refused_in_words() -> None:
    rule = {"method": "StoplossGuard", "unlock_at": "12:00"}

    with pytest.raises(SettingsError, match=r"unlock_at='12:00'"):
        stop_guard_rules([rule], timeframe_minutes=5)


def test_the_defaults_are_freqtrades() -> None:
    """Reads freqtrade's own guard, so that a change there is noticed here."""
    from freqtrade.plugins.protections.stoploss_guard import StoplossGuard

    theirs = StoplossGuard({"timeframe": "5m"}, {"method": "StoplossGuard"})
    (ours,) = stop_guard_rules([{"method": "StoplossGuard"}], timeframe_minutes=5)

    assert ours.trade_limit == theirs._trade_limit
    assert ours.lookback_minutes == theirs._lookback_period
    assert ours.stop_minutes == theirs._stop_duration
    assert ours.only_per_pair is theirs._disable_global_stop
    assert ours.only_per_side is theirs._only_per_side
    assert ours.required_profit == theirs._profit_limit
