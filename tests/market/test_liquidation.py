"""Liquidation prices against freqtrade's own code, and against what a liquidation is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.market.leverage_tiers import LeverageTier, freqtrade_tiers_file, load_leverage_tiers
from freqfleet.market.liquidation import leverage_limit, liquidation_rate

FLAT = (LeverageTier(notional_from_quote=0.0, maintenance_ratio=0.01, maintenance_amount_quote=0.0),)
TIERS = load_leverage_tiers()


def rate_of(tiers=FLAT, **changes: Any) -> float:
    position = {"side": Side.LONG, "open_rate": 100.0, "leverage": 10.0, "margin_quote": 50.0}
    return liquidation_rate(tiers, **{**position, **changes})


@pytest.fixture(scope="module")
def freqtrade_binance() -> Any:
    """freqtrade's Binance class as it is in a backtest, without an exchange behind it."""
    from freqtrade.enums import MarginMode, RunMode, TradingMode
    from freqtrade.exchange import Binance

    binance = Binance.__new__(Binance)
    binance._config = {"dry_run": True, "runmode": RunMode.BACKTEST}
    binance.trading_mode, binance.margin_mode = TradingMode.FUTURES, MarginMode.ISOLATED
    binance.liquidation_buffer = 0.05
    binance._leverage_tiers = {}
    binance.fill_leverage_tiers()
    yield binance
    binance.close = lambda: None  # there is no connection that its __del__ could close


def test_rate_is_the_one_of_freqtrade_to_the_last_bit(freqtrade_binance):
    rng = np.random.default_rng(7)
    tiers = load_leverage_tiers(freqtrade_tiers_file())
    pairs = sorted(tiers.by_pair)
    tiers_met = set()
    for _ in range(4_000):
        pair = pairs[rng.integers(len(pairs))]
        position = {
            "open_rate": float(10 ** rng.uniform(-5, 5)),
            "leverage": float(rng.choice([1.0, 2.0, 3.0, 5.5, 10.0, 50.0, 125.0])),
            "amount": float(10 ** rng.uniform(-3, 7)),
        }
        margin = position["amount"] * position["open_rate"] / position["leverage"]
        side = Side.of(is_short=bool(rng.integers(2)))
        expected = freqtrade_binance.get_liquidation_price(
            pair=pair, is_short=side.is_short, stake_amount=margin, wallet_balance=margin, **position
        )
        own = tiers.of(pair)
        assert own is not None
        tiers_met.add(sum(margin >= tier.notional_from_quote for tier in own))

        found = liquidation_rate(own, side=side, margin_quote=margin, **position)

        assert found.hex() == float(expected).hex(), (pair, side, position)
    assert len(tiers_met) > 5


def test_long_is_liquidated_before_its_margin_is_used_up():
    # 10x: the margin is gone at 90; 1 % must stay, and 5 % of the way to the entry is kept.
    assert rate_of() == pytest.approx((100.0 - 10.0) / 0.99 * 0.95 + 5.0)


def test_short_is_liquidated_above_its_entry():
    assert rate_of(side=Side.SHORT) == pytest.approx((100.0 + 10.0) / 1.01 * 0.95 + 5.0)


@pytest.mark.parametrize("side", list(Side))
def test_more_leverage_brings_liquidation_nearer(side):
    distances = [abs(100.0 - rate_of(side=side, leverage=one)) for one in (1.5, 3.0, 5.0, 10.0, 20.0)]

    assert distances == sorted(distances, reverse=True)


def test_larger_margin_falls_into_a_higher_tier():
    higher = LeverageTier(notional_from_quote=1000.0, maintenance_ratio=0.05, maintenance_amount_quote=0.0)

    assert rate_of((*FLAT, higher), margin_quote=999.9) == pytest.approx(rate_of())
    assert rate_of((*FLAT, higher), margin_quote=1000.0) > rate_of()


def test_amount_that_was_bought_counts_where_it_is_known():
    assert rate_of(amount=5.0) == rate_of()
    assert rate_of(amount=4.9) < rate_of()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin_quote": 0.0}, "the margin of a position must be above 0, was 0.0"),
        ({"margin_quote": math.nan}, "the margin of a position must be above 0, was nan"),
        ({"open_rate": -1.0}, "the open rate of a position must be above 0, was -1.0"),
        ({"amount": 0.0}, "the amount of a position must be above 0, was 0.0"),
        ({"leverage": 0.5}, "leverage must be at least 1, was 0.5"),
    ],
)
def test_position_that_cannot_be_is_refused_with_the_value(changes, message):
    with pytest.raises(InputError, match=message):
        rate_of(**changes)


@given(
    pair=st.sampled_from(["BTC/USDT:USDT", "WLD/USDT:USDT", "1000SHIB/USDT:USDT"]),
    side=st.sampled_from(list(Side)),
    stop=st.floats(-0.30, -0.0025),
    stake=st.floats(10.0, 5_000.0),
    margin=st.floats(0.0, 1.0),
)
def test_at_the_leverage_a_stop_allows_it_lies_inside_liquidation_by_the_margin(
    pair: str, side: Side, stop: float, stake: float, margin: float
) -> None:
    tiers = TIERS.of(pair)
    assert tiers is not None
    most = leverage_limit(tiers, pair=pair, side=side, stop_ratio=stop, stake_quote=stake, margin=margin).most

    leverage = max(1.0, most)
    rate = liquidation_rate(tiers, side=side, open_rate=100.0, leverage=leverage, margin_quote=stake)

    if most >= 1.0:
        assert abs(rate - 100.0) / 100.0 >= -stop * (1.0 + margin) * (1.0 - 1e-9)


def test_a_pair_without_tiers_gets_no_leverage_and_the_reason() -> None:
    limit = leverage_limit(
        None, pair="NEW/USDT:USDT", side=Side.LONG, stop_ratio=-0.03, stake_quote=100.0, margin=0.5
    )

    assert limit.most == 1.0
    assert limit.why == "the exchange's leverage tiers do not know NEW/USDT:USDT"
