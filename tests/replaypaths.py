"""Paths and parameters made to hit every branch of the exit rule, and what the rule itself says of them."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from freqfleet.domain.exits import ExitParameters, effective_barriers
from freqfleet.domain.sides import Side
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.exit_rule import Exit, first_exit
from freqfleet.replay.fills import HONEST, Fills, freqtrade_fills, levels
from freqfleet.replay.paths import TradePaths

STEP_MS = 300_000
# Prices on a coarse grid around 128, and ratios that land on it exactly (both are sums of powers of two),
# so that ties with barriers and jumps over them are common; now and then a price just beside the grid.
ENTRY = 128.0
GRID = st.integers(-12, 12).map(lambda tick: ENTRY + tick / 2)
TICKS = st.one_of(GRID, GRID, GRID, GRID.map(lambda price: math.nextafter(price, 0.0)))
RATIOS = st.sampled_from([ticks / 256 for ticks in (2, 3, 4, 6, 8, 12)])
ATRS = st.sampled_from([math.nan, 0.0, 0.001, 0.0021, 0.005, 0.02])
SHORT_WINDOWS = st.integers(1, 9)
LEVERAGES = st.sampled_from([1.0, 3.0, 10.0]) | st.floats(1.0, 125.0)


def every_fill_mode() -> st.SearchStrategy[Fills]:
    """Honest, and freqtrade's with and without ticks and looks at the open."""
    freqtrade = st.builds(
        freqtrade_fills, st.sampled_from([None, 0.5, 0.1, 0.01, 0.3]), looks_at_open=st.booleans()
    )
    return st.just(HONEST) | freqtrade


@st.composite
def exit_parameters(draw: Any) -> ExitParameters:
    return ExitParameters(
        stop_loss=-draw(RATIOS | st.floats(0.0025, 0.3)),
        take_profit=draw(RATIOS | st.floats(0.005, 0.5)),
        volatility_scaling=draw(st.sampled_from([0.0, 0.0, 1.0]) | st.floats(0.0, 1.5)),
        atr_reference_ratio=draw(st.sampled_from([0.002, 0.004])),
        time_limit_minutes=draw(st.integers(5, 45)),
    )


@st.composite
def trade_paths(draw: Any, *, widths: st.SearchStrategy[int] = SHORT_WINDOWS) -> TradePaths:
    """Up to four trades; windows longer than a few candles repeat themselves a little lower or higher."""
    trades, width = draw(st.integers(1, 4)), draw(widths)
    drawn = min(width, 9)
    size = trades * drawn * 4
    ticks = np.array(draw(st.lists(TICKS, min_size=size, max_size=size))).reshape(trades, drawn, 4)
    ticks = np.concatenate(
        [ticks + 0.5 * (turn % 7 - 3) * (turn > 0) for turn in range(-(-width // drawn))], 1
    )
    ticks = ticks[:, :width]

    def each(values: st.SearchStrategy[Any]) -> Any:
        return np.array(draw(st.lists(values, min_size=trades, max_size=trades)))

    first_open_ms = STEP_MS * np.arange(trades, dtype=np.int64)
    liquidation = each(st.just(math.nan) | TICKS | st.floats(115.0, 141.0))
    return TradePaths(
        pair="BTC/USDT:USDT",
        side=draw(st.sampled_from(list(Side))),
        timeframe_ms=STEP_MS,
        entered_ms=first_open_ms + each(st.sampled_from([0, 4_000, 299_999])).astype(np.int64),
        first_open_ms=first_open_ms,
        entry_rate=each(st.just(ENTRY) | TICKS | st.floats(122.0, 134.0)),
        atr_ratio=each(ATRS),
        leverage=each(LEVERAGES),
        liquidation_rate=liquidation,
        open=ticks[:, :, 0],
        high=ticks.max(axis=2),
        low=ticks.min(axis=2),
        close=ticks[:, :, 3],
        funding_ratio=np.cumsum(each(st.sampled_from([0.0, 1e-4, -3e-4]))[:, None] * np.ones(width), axis=1),
        funding_known=np.ones(trades, dtype=np.bool_),
        liquidation_known=np.isfinite(liquidation),
    )


def no_paths(width: int = 3) -> TradePaths:
    """Return the paths of no trade at all."""
    return walk_paths(1, width, seed=0).subset(np.empty(0, dtype=np.int64))


def walk_paths(trades: int, width: int, seed: int, side: Side = Side.LONG) -> TradePaths:
    """Return trades on random walks, entered anywhere inside their first candle, with all there is to pay."""
    rng = np.random.default_rng(seed)
    moves = rng.standard_t(4, size=(trades, width * 4)) * 0.0015
    prices = (rng.uniform(20, 60_000, trades)[:, None] * np.exp(np.cumsum(moves, 1))).reshape(
        trades, width, 4
    )
    first_open_ms = STEP_MS * np.arange(trades, dtype=np.int64)
    entry = prices[:, 0, 0].copy()
    return TradePaths(
        pair="BTC/USDT:USDT",
        side=side,
        timeframe_ms=STEP_MS,
        entered_ms=first_open_ms + rng.integers(0, STEP_MS, trades),
        first_open_ms=first_open_ms,
        entry_rate=entry,
        atr_ratio=rng.uniform(0.001, 0.01, trades),
        leverage=rng.uniform(1.0, 20.0, trades),
        liquidation_rate=entry * (1.0 - side.sign * rng.uniform(0.01, 0.5, trades)),
        open=prices[:, :, 0],
        high=prices.max(axis=2),
        low=prices.min(axis=2),
        close=prices[:, :, 3],
        funding_ratio=np.cumsum(rng.normal(0.0, 1e-5, (trades, width)), axis=1),
        funding_known=np.ones(trades, dtype=np.bool_),
        liquidation_known=np.ones(trades, dtype=np.bool_),
    )


def walk_parameters(count: int, seed: int, *, longest_minutes: int = 1440) -> list[ExitParameters]:
    """Return vectors as a search proposes them: ratios to the basis point, scalings to the hundredth."""
    rng = np.random.default_rng(seed)
    return [
        ExitParameters(
            stop_loss=-round(rng.uniform(0.0025, 0.05), 4),
            take_profit=round(rng.uniform(0.005, 0.1), 4),
            volatility_scaling=round(rng.uniform(0.0, 1.0), 2),
            atr_reference_ratio=0.004,
            time_limit_minutes=int(rng.choice([5, longest_minutes // 4, longest_minutes])),
        )
        for _ in range(count)
    ]


def rule_exit(paths: TradePaths, parameters: ExitParameters, trade: int, fills: Fills) -> tuple[Exit, float]:
    """Return what the rule says of one trade, and the fill of its target."""
    barriers = effective_barriers(
        parameters,
        open_rate=float(paths.entry_rate[trade]),
        side=paths.side,
        atr_ratio=float(paths.atr_ratio[trade]),
    )
    liquidation = float(paths.liquidation_rate[trade])
    placed = levels(
        barriers, paths.side, fills, liquidation_rate=None if math.isnan(liquidation) else liquidation
    )
    found = first_exit(
        paths.candles(trade),
        entered_ms=int(paths.entered_ms[trade]),
        levels=placed,
        side=paths.side,
        time_limit_minutes=parameters.time_limit_minutes,
        fills=fills,
    )
    return found, placed.target_fill_rate


def rule_exits(paths: TradePaths, parameters: list[ExitParameters], fills: Fills) -> ReplayedExits:
    """Return what the rule says of every trade under every vector, as engines write it."""
    shape = (len(parameters), len(paths))
    table = ReplayedExits(
        candle_index=np.empty(shape, dtype=np.int64),
        rate=np.empty(shape),
        kind=np.empty(shape, dtype=np.int8),
        ambiguous=np.empty(shape, dtype=np.bool_),
        optimistic_rate=np.empty(shape),
    )
    for vector, one in enumerate(parameters):
        for trade in range(len(paths)):
            found, target_fill = rule_exit(paths, one, trade, fills)
            at = (vector, trade)
            table.candle_index[at], table.rate[at] = found.candle_index, found.rate
            table.kind[at], table.ambiguous[at] = found.kind, found.ambiguous
            table.optimistic_rate[at] = target_fill if found.ambiguous else found.rate
    return table


def assert_same_exits(found: ReplayedExits, expected: ReplayedExits) -> None:
    """Hold every field to the other's, bit for bit."""
    for field in fields(ReplayedExits):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        assert one.shape == other.shape, field.name
        assert one.dtype == other.dtype, field.name
        assert one.tobytes() == other.tobytes(), f"{field.name}: {one} is not {other}"
