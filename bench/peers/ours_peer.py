"""Ours: the Numba engine, building its envelopes and replaying a batch of vectors.

`mode` honest is what learning uses; freqtrade is what its backtest books, for the comparison with it.
`surface` is the whole grid at once, the product's default search; it has no profits by trade to compare.
"""

from __future__ import annotations

import sys

import numpy as np

from bench.peers.protocol import Evaluate, Work, serve
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.replay.costs import Costs
from freqfleet.replay.fills import HONEST, Fills, freqtrade_fills
from freqfleet.replay.numba_engine import NumbaEngine
from freqfleet.replay.paths import TradePaths
from freqfleet.replay.surface import SurfaceAxes, build_surfaces

FREE = Costs(fee_ratio=0.0, slippage_ratio=0.0, funding=False)
CANDLE_MINUTES = 5


def prepare(work: Work) -> Evaluate:
    """Return the evaluator that was asked for on the command line."""
    return PREPARED[sys.argv[2]](work)


def paths_of(work: Work, side: Side) -> tuple[TradePaths, np.ndarray]:
    """Return the paths of the trades of one side, and which trades they are."""
    kept = np.flatnonzero(work.sign == side.sign)
    open_, high, low, close = (one[kept] for one in work.windows())
    entered = work.time_ms[work.entry[kept]]
    nothing = np.full(len(kept), np.nan)
    paths = TradePaths(
        pair=work.pair,
        side=side,
        timeframe_ms=CANDLE_MINUTES * 60_000,
        entered_ms=entered,
        first_open_ms=entered,
        entry_rate=open_[:, 0].copy(),
        atr_ratio=nothing,
        leverage=np.ones(len(kept)),
        liquidation_rate=nothing,
        open=open_,
        high=high,
        low=low,
        close=close,
        funding_ratio=np.zeros_like(open_),
        funding_known=np.zeros(len(kept), dtype=np.bool_),
        liquidation_known=np.zeros(len(kept), dtype=np.bool_),
    )
    return paths, kept


def vectors_of(work: Work) -> list[ExitParameters]:
    """Return the vectors as exit parameters."""
    return [
        ExitParameters(
            stop_loss=float(stop), take_profit=float(target), time_limit_minutes=CANDLE_MINUTES * work.limit
        )
        for stop, target in zip(work.stop_loss, work.take_profit, strict=True)
    ]


def _means(work: Work) -> Evaluate:
    """Evaluate means, as a search does: nothing by trade is kept, so profits are the means repeated."""
    sides, vectors = [paths_of(work, side) for side in Side], vectors_of(work)

    def evaluate(count: int) -> np.ndarray:
        total = np.zeros(count)
        for paths, kept in sides:
            means = NumbaEngine(paths).mean_profits(vectors[:count], np.ones(len(kept)), FREE)
            total += means * len(kept)
        return total[:, None] / len(work.entry)

    return evaluate


def _profits(work: Work, fills: Fills) -> Evaluate:
    sides, vectors = [paths_of(work, side) for side in Side], vectors_of(work)

    def evaluate(count: int) -> np.ndarray:
        profits = np.full((count, len(work.entry)), np.nan)
        for paths, kept in sides:
            profits[:, kept] = FREE.net_profit_ratio(NumbaEngine(paths, fills).exits(vectors[:count]), paths)
        return profits

    return evaluate


def _surface(work: Work) -> Evaluate:
    """Evaluate the grid of the product's default over (stop, target): `count` values on each axis."""
    sides = [paths_of(work, side) for side in Side]

    def evaluate(count: int) -> np.ndarray:
        axes = SurfaceAxes(
            stop_losses=tuple(-one for one in np.linspace(0.01, 0.0515, max(count, 2)).tolist()),
            take_profits=tuple(np.linspace(0.015, 0.20, max(count, 2)).tolist()),
            time_limit_minutes=(CANDLE_MINUTES * work.limit,),
        )
        surfaces = [build_surfaces(paths, axes, FREE, np.ones(len(kept))) for paths, kept in sides]
        total: np.ndarray = np.sum([one.sums for one in surfaces], axis=0)
        return total.reshape(-1, 1) / len(work.entry)

    return evaluate


PREPARED = {
    "means": _means,
    "honest": lambda work: _profits(work, HONEST),
    "freqtrade": lambda work: _profits(work, freqtrade_fills(work.tick, looks_at_open=False)),
    "surface": _surface,
}

if __name__ == "__main__":
    serve(prepare)
