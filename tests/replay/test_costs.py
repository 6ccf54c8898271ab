import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from freqfleet.domain.sides import Side
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.paths import TradePaths
from freqfleet.settings import CostSettings
from realdata import results_dir

FREE = {"fee_ratio": 0.0, "slippage_ratio": 0.0, "funding": False}


def one_trade(side: Side, *, paid=(0.0, 0.0), known=True, leverage=3.0, liquidation=np.nan) -> TradePaths:
    window = np.full((1, 2), 100.0)
    return TradePaths(
        pair="BTC/USDT:USDT",
        side=side,
        timeframe_ms=300_000,
        entered_ms=np.zeros(1, dtype=np.int64),
        first_open_ms=np.zeros(1, dtype=np.int64),
        entry_rate=np.array([100.0]),
        atr_ratio=np.array([0.01]),
        leverage=np.array([leverage]),
        liquidation_rate=np.array([liquidation]),
        open=window,
        high=window,
        low=window,
        close=window,
        funding_ratio=np.array([paid]),
        funding_known=np.array([known]),
        liquidation_known=np.isfinite([liquidation]),
    )


def exit_at(rate: float, kind: ExitKind, candle: int = 1, *, target: float | None = None) -> ReplayedExits:
    """Return one exit; `target` makes it an ambiguous one."""
    return ReplayedExits(
        candle_index=np.array([[candle]]),
        rate=np.array([[rate]]),
        kind=np.array([[kind]], dtype=np.int8),
        ambiguous=np.array([[target is not None]]),
        optimistic_rate=np.array([[rate if target is None else target]]),
    )


def profit(costs: Costs, paths: TradePaths, rate: float, kind: ExitKind, candle: int = 1) -> float:
    return float(costs.net_profit_ratio(exit_at(rate, kind, candle), paths)[0, 0])


@pytest.mark.parametrize(("side", "rate"), [(Side.LONG, 104.0), (Side.SHORT, 96.0)])
def test_without_costs_the_profit_is_the_move(side, rate):
    assert profit(Costs(**FREE), one_trade(side), rate, ExitKind.TARGET) == pytest.approx(0.04, rel=1e-12)


def test_long_pays_the_fee_of_both_fills_as_freqtrade_counts_them():
    costs = Costs(**{**FREE, "fee_ratio": 0.001})

    found = profit(costs, one_trade(Side.LONG), 104.0, ExitKind.TARGET)

    assert found == pytest.approx(104.0 * 0.999 / (100.0 * 1.001) - 1.0, rel=1e-12)


def test_short_pays_the_fee_of_both_fills_as_freqtrade_counts_them():
    costs = Costs(**{**FREE, "fee_ratio": 0.001})

    found = profit(costs, one_trade(Side.SHORT), 96.0, ExitKind.TARGET)

    assert found == pytest.approx(1.0 - 96.0 * 1.001 / (100.0 * 0.999), rel=1e-12)


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("kind", [ExitKind.STOP, ExitKind.TIME_LIMIT, ExitKind.END_OF_DATA])
def test_slippage_makes_a_market_fill_worse_on_either_side(side, kind):
    costs = Costs(**{**FREE, "slippage_ratio": 0.001})

    assert profit(costs, one_trade(side), 100.0, kind) == pytest.approx(-0.001, rel=1e-9)


def test_target_fills_at_its_price_and_does_not_slip():
    costs = Costs(**{**FREE, "slippage_ratio": 0.001})

    assert profit(costs, one_trade(Side.LONG), 104.0, ExitKind.TARGET) == pytest.approx(0.04, rel=1e-12)


@pytest.mark.parametrize(("side", "expected"), [(Side.LONG, -0.003), (Side.SHORT, 0.003)])
def test_positive_funding_is_paid_by_longs_to_shorts(side, expected):
    costs = Costs(**{**FREE, "funding": True})

    found = profit(costs, one_trade(side, paid=(0.001, 0.003)), 100.0, ExitKind.TIME_LIMIT)

    assert found == pytest.approx(expected, rel=1e-12)


def test_funding_stops_with_the_exit_candle():
    costs = Costs(**{**FREE, "funding": True})

    found = profit(costs, one_trade(Side.LONG, paid=(0.001, 0.003)), 100.0, ExitKind.STOP, candle=0)

    assert found == pytest.approx(-0.001, rel=1e-12)


def test_trades_without_funding_history_are_counted_where_funding_is_charged():
    paths = one_trade(Side.LONG, known=False)

    assert Costs(**{**FREE, "funding": True}).trades_without_funding(paths) == 1
    assert Costs(**FREE).trades_without_funding(paths) == 0


def test_trades_without_a_liquidation_price_are_counted():
    assert Costs(**FREE).trades_without_liquidation(one_trade(Side.LONG)) == 1
    assert Costs(**FREE).trades_without_liquidation(one_trade(Side.LONG, liquidation=70.0)) == 0


def test_target_pays_the_makers_fee_where_it_rests_in_the_book():
    costs = Costs(**{**FREE, "fee_ratio": 0.001, "target_fee_ratio": 0.0002})

    target = profit(costs, one_trade(Side.LONG), 104.0, ExitKind.TARGET)
    stop = profit(costs, one_trade(Side.LONG), 98.0, ExitKind.STOP)

    assert target == pytest.approx(104.0 * 0.9998 / (100.0 * 1.001) - 1.0, rel=1e-12)
    assert stop == pytest.approx(98.0 * 0.999 / (100.0 * 1.001) - 1.0, rel=1e-12)


@pytest.mark.parametrize(("settings", "fee"), [({}, 0.0005), ({"target_fee": "maker"}, 0.0002)])
def test_settings_say_what_a_target_pays(settings, fee):
    assert Costs.of(CostSettings(**settings)).target_fill_fee_ratio == fee


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(("leverage", "expected"), [(1.0, -1.0), (4.0, -0.25)])
def test_liquidation_takes_the_whole_margin_and_nothing_beyond(side, leverage, expected):
    costs = Costs(fee_ratio=0.001, slippage_ratio=0.001, funding=True)
    paths = one_trade(side, paid=(0.001, 0.003), leverage=leverage)

    assert profit(costs, paths, 90.0, ExitKind.LIQUIDATION) == expected


@pytest.mark.parametrize("kind", [ExitKind.STOP, ExitKind.LIQUIDATION])
def test_optimistic_profit_of_an_ambiguous_exit_is_that_of_its_target(kind):
    costs = Costs(fee_ratio=0.001, slippage_ratio=0.001, funding=False, target_fee_ratio=0.0002)
    paths = one_trade(Side.LONG)

    found = costs.optimistic_profit_ratio(exit_at(98.0, kind, target=104.0), paths)

    assert found[0, 0] == profit(costs, paths, 104.0, ExitKind.TARGET)


@pytest.mark.parametrize("kind", list(ExitKind))
def test_optimistic_profit_of_a_clear_exit_is_its_profit(kind):
    costs = Costs(fee_ratio=0.001, slippage_ratio=0.001, funding=False)
    paths = one_trade(Side.SHORT)

    assert costs.optimistic_profit_ratio(exit_at(98.0, kind), paths)[0, 0] == profit(costs, paths, 98.0, kind)


def test_profit_of_real_freqtrade_trades_is_reproduced_to_its_last_decimal():
    file = results_dir("results-2026") / "backtest-result-2026-01-15_12-20-25.json.gz"
    (result,) = json.loads(gzip.decompress(file.read_bytes()))["strategy"].values()
    trades = [trade for trade in result["trades"] if trade["leverage"] == 1.0]
    found = []
    for trade in trades:
        paths = replace(
            one_trade(Side.of(is_short=trade["is_short"])), entry_rate=np.array([trade["open_rate"]])
        )
        costs = Costs(**{**FREE, "fee_ratio": trade["fee_open"]})
        found.append(profit(costs, paths, trade["close_rate"], ExitKind.STOP))

    assert len(trades) > 7000
    np.testing.assert_allclose(found, [trade["profit_ratio"] for trade in trades], atol=1e-8, rtol=0)
