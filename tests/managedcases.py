"""Random managed positions for tests: every feature on or off, on prices made of coarse ticks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from freqfleet.domain.managed_exits import ManagedExits, PartialTarget, managed_barriers
from freqfleet.domain.sides import Side
from freqfleet.replay.costs import Costs
from freqfleet.replay.fills import levels
from freqfleet.replay.managed_engine import ManagedFills
from freqfleet.replay.managed_rule import ManagedExit, managed_exit
from freqfleet.replay.paths import TradePaths

STEP_MS = 300_000
FEE_RATIO = 0.0005
# On the grid of the prices below, so that ties are common; and values that are on no grid.
RATIOS = st.sampled_from([0.005, 0.01, 0.015, 0.02, 0.03])
RUNGS = st.sampled_from([0.005, 0.01, 0.0125, 0.015, 0.02])
SHARES = st.sampled_from([0.1, 0.2, 0.25, 0.3, 1 / 3])


@st.composite
def managed_exits(draw, *, plain: bool = False) -> ManagedExits:
    target = draw(st.sampled_from([0.02, 0.025, 0.03, 0.05, 0.2]))
    below = RATIOS.filter(lambda ratio: ratio < target)
    off = plain
    values: dict[str, Any] = {}
    if not off and draw(st.booleans()):
        values["trailing_stop_ratio"] = draw(RATIOS | st.floats(0.0025, 0.05) | st.sampled_from([0.2, 0.3]))
        values["trailing_activation_ratio"] = draw(below)
    if not off and draw(st.booleans()):
        values["giveback_ratio"] = draw(st.sampled_from([0.25, 0.5, 1.0]) | st.floats(0.05, 1.0))
        values["giveback_activation_ratio"] = draw(below)
    if not off and draw(st.booleans()):
        values["break_even_after_ratio"] = draw(below)
    if not off and draw(st.booleans()):
        ratios = sorted(draw(st.sets(RUNGS.filter(lambda ratio: ratio < target), min_size=1, max_size=3)))
        shares = draw(st.just([0.6, 0.3, 0.1]) | st.lists(SHARES, min_size=3, max_size=3))
        values["partial_targets"] = tuple(
            PartialTarget(ratio, share) for ratio, share in zip(ratios, shares, strict=False)
        )
    if not off and draw(st.booleans()):
        values["regime_exit_z"] = draw(st.sampled_from([0.5, 1.0, 2.0]))
    return ManagedExits(
        stop_loss=-draw(RATIOS | st.floats(0.0025, 0.3)),
        take_profit=target,
        volatility_scaling=draw(st.sampled_from([0.0, 0.0, 1.0]) | st.floats(0.0, 1.5)),
        atr_reference_ratio=draw(st.sampled_from([0.002, 0.004])),
        time_limit_minutes=draw(st.integers(5, 240)),
        **values,
    )


@st.composite
def ticking_paths(draw) -> TradePaths:
    """Return windows that walk in steps of half a percent, with jumps between candles."""
    trades, width = draw(st.integers(1, 4)), draw(st.integers(1, 45))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    step, drift = draw(st.sampled_from([1, 1, 3])), draw(st.sampled_from([-0.2, 0.0, 0.2]))
    moves = rng.integers(-step, step + 1, size=(trades, width, 4)) + (
        rng.random((trades, width, 4)) < abs(drift)
    ) * int(np.sign(drift))
    ticks = 100.0 + np.cumsum(moves.reshape(trades, -1), axis=1).reshape(trades, width, 4) / 2
    ticks = np.maximum(ticks, 50.0)
    first_open_ms = STEP_MS * np.arange(trades, dtype=np.int64)
    inside_candle = rng.choice([0, 4_000, 299_999], size=trades)
    entry = ticks[:, 0, 0] + rng.choice([0.0, 0.0, 0.5, -0.5, 0.123], size=trades)
    side = draw(st.sampled_from(list(Side)))
    away = rng.choice([math.nan, 0.01, 0.015, 0.2], size=trades) if draw(st.booleans()) else math.nan
    return TradePaths(
        pair="BTC/USDT:USDT",
        side=side,
        timeframe_ms=STEP_MS,
        entered_ms=first_open_ms + inside_candle,
        first_open_ms=first_open_ms,
        entry_rate=entry,
        atr_ratio=rng.choice([math.nan, 0.0, 0.001, 0.0021, 0.005, 0.02], size=trades),
        leverage=np.full(trades, 3.0),
        liquidation_rate=entry * (1.0 - side.sign * away),
        liquidation_known=np.ones(trades, dtype=np.bool_),
        open=ticks[:, :, 0].copy(),
        high=ticks.max(axis=2),
        low=ticks.min(axis=2),
        close=ticks[:, :, 3].copy(),
        funding_ratio=np.cumsum(rng.choice([0.0, 0.0001, -0.0002], size=(trades, width)), axis=1),
        funding_known=np.ones(trades, dtype=np.bool_),
        trend_z=rng.choice([math.nan, -2.5, -1.0, -0.4, 0.0, 0.5, 1.7], size=(trades, width + 1)),
    )


def by_the_rule(paths: TradePaths, trade: int, parameters: ManagedExits) -> ManagedExit:
    """Return what the rule itself says of one trade."""
    open_rate, side = float(paths.entry_rate[trade]), paths.side
    managed = managed_barriers(
        parameters,
        open_rate=open_rate,
        side=side,
        atr_ratio=float(paths.atr_ratio[trade]),
        fee_ratio=FEE_RATIO,
    )
    liquidation = float(paths.liquidation_rate[trade])
    return managed_exit(
        paths.candles(trade),
        entered_ms=int(paths.entered_ms[trade]),
        open_rate=open_rate,
        levels=levels(
            managed.barriers, side, liquidation_rate=None if math.isnan(liquidation) else liquidation
        ),
        managed=managed,
        side=side,
        time_limit_minutes=parameters.time_limit_minutes,
        trend_z=paths.trend_z[trade].tolist(),
    )


def profit_by_the_rule(paths: TradePaths, trade: int, exits: ManagedExits, costs: Costs) -> float:
    """Return what the rule's own fills of one trade come to."""
    fills = by_the_rule(paths, trade, exits).fills
    found = ManagedFills.none_yet(1, 1, len(fills))
    for slot, fill in enumerate(fills):
        found.candle_index[0, 0, slot], found.rate[0, 0, slot] = fill.candle_index, fill.rate
        found.share[0, 0, slot], found.kind[0, 0, slot] = fill.share, fill.kind
    return float(found.net_profit_ratio(costs, paths.subset(np.array([trade])))[0, 0])
