"""The NumPy engine against the exit rule itself, bit for bit, on paths made to hit every branch."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.domain.exits import ExitParameters, effective_barriers
from freqfleet.domain.sides import Side
from freqfleet.replay.exit_rule import ExitKind, first_exit
from freqfleet.replay.numpy_engine import NumpyEngine, barrier_rates
from freqfleet.replay.paths import TradePaths

STEP_MS = 300_000
# Prices on a coarse grid around 128, and ratios that land on it exactly (both are sums of powers of two),
# so that ties with barriers and jumps over them are common; now and then a price just beside the grid.
ENTRY = 128.0
GRID = st.integers(-12, 12).map(lambda tick: ENTRY + tick / 2)
TICKS = st.one_of(GRID, GRID, GRID, GRID.map(lambda price: math.nextafter(price, 0.0)))
RATIOS = st.sampled_from([ticks / 256 for ticks in (2, 3, 4, 6, 8, 12)])
ATRS = st.sampled_from([math.nan, 0.0, 0.001, 0.0021, 0.005, 0.02])


@st.composite
def exit_parameters(draw):
    return ExitParameters(
        stop_loss=-draw(RATIOS | st.floats(0.0025, 0.3)),
        take_profit=draw(RATIOS | st.floats(0.005, 0.5)),
        volatility_scaling=draw(st.sampled_from([0.0, 0.0, 1.0]) | st.floats(0.0, 1.5)),
        atr_reference_ratio=draw(st.sampled_from([0.002, 0.004])),
        time_limit_minutes=draw(st.integers(5, 45)),
    )


@st.composite
def trade_paths(draw):
    trades, width = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    shape = (trades, width, 4)
    ticks = np.array(draw(st.lists(TICKS, min_size=math.prod(shape), max_size=math.prod(shape)))).reshape(
        shape
    )
    open_, close = ticks[:, :, 0], ticks[:, :, 3]
    first_open_ms = STEP_MS * np.arange(trades, dtype=np.int64)
    inside_candle = draw(st.lists(st.sampled_from([0, 4_000, 299_999]), min_size=trades, max_size=trades))
    entries = st.just(ENTRY) | TICKS | st.floats(122.0, 134.0)
    rates = draw(st.lists(entries, min_size=trades, max_size=trades))
    return TradePaths(
        pair="BTC/USDT:USDT",
        side=draw(st.sampled_from(list(Side))),
        timeframe_ms=STEP_MS,
        entered_ms=first_open_ms + np.array(inside_candle, dtype=np.int64),
        first_open_ms=first_open_ms,
        entry_rate=np.array(rates),
        atr_ratio=np.array(draw(st.lists(ATRS, min_size=trades, max_size=trades))),
        open=open_,
        high=ticks.max(axis=2),
        low=ticks.min(axis=2),
        close=close,
        funding_ratio=np.zeros((trades, width)),
        funding_known=np.ones(trades, dtype=np.bool_),
    )


@settings(max_examples=600, deadline=None)
@given(trade_paths(), st.lists(exit_parameters(), min_size=1, max_size=3))
def test_every_exit_is_the_one_of_the_rule_bit_for_bit(paths, parameters):
    found = NumpyEngine(paths).exits(parameters)

    for row, one in enumerate(parameters):
        for trade in range(len(paths)):
            barriers = effective_barriers(
                one,
                open_rate=float(paths.entry_rate[trade]),
                side=paths.side,
                atr_ratio=float(paths.atr_ratio[trade]),
            )
            expected = first_exit(
                paths.candles(trade),
                entered_ms=int(paths.entered_ms[trade]),
                barriers=barriers,
                side=paths.side,
                time_limit_minutes=one.time_limit_minutes,
            )
            assert found.candle_index[row, trade] == expected.candle_index
            assert found.kind[row, trade] == expected.kind
            assert found.ambiguous[row, trade] == expected.ambiguous
            assert float(found.rate[row, trade]).hex() == expected.rate.hex()


@settings(max_examples=200, deadline=None)
@given(trade_paths(), exit_parameters())
def test_barriers_are_those_of_live_trading_bit_for_bit(paths, parameters):
    stop, target = barrier_rates(paths, paths.atr_ratio.tolist(), [parameters])

    for trade in range(len(paths)):
        expected = effective_barriers(
            parameters,
            open_rate=float(paths.entry_rate[trade]),
            side=paths.side,
            atr_ratio=float(paths.atr_ratio[trade]),
        )
        assert stop[0, trade] == expected.stop_rate
        assert target[0, trade] == expected.target_rate


def test_the_generated_paths_reach_every_kind_of_exit_and_ambiguity():
    seen, ambiguous = set(), set()

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(trade_paths(), exit_parameters())
    def look(paths, parameters):
        found = NumpyEngine(paths).exits([parameters])
        seen.update(found.kind.ravel().tolist())
        ambiguous.update(found.ambiguous.ravel().tolist())

    look()

    assert seen == set(ExitKind)
    assert ambiguous == {True, False}


def test_no_trades_give_no_exits():
    paths = TradePaths(
        pair="BTC/USDT:USDT",
        side=Side.LONG,
        timeframe_ms=STEP_MS,
        entered_ms=np.empty(0, dtype=np.int64),
        first_open_ms=np.empty(0, dtype=np.int64),
        entry_rate=np.empty(0),
        atr_ratio=np.empty(0),
        **{name: np.empty((0, 3)) for name in ("open", "high", "low", "close", "funding_ratio")},
        funding_known=np.empty(0, dtype=np.bool_),
    )

    assert NumpyEngine(paths).exits([ExitParameters(stop_loss=-0.02, take_profit=0.04)]).rate.shape == (1, 0)
