"""How much a choice of exits is worth on a made-up process: measured by simulation, for `truth.json`.

Entries happen at random times on both sides. The rules are those of replay, before costs: the stop is
looked at before the target, both fill at their price (the path has no jumps), the rest closes at the time
limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.synthetic import BAR_MINUTES, PairProcess, extremes, simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitGrid:
    """The exits that are compared; position-level ratios.

    stop_losses, take_profits : the candidates.
    reward_risk_min : a candidate's take_profit / |stop_loss| must reach it.
    default : (stop_loss, take_profit) that candidates must beat.
    """

    stop_losses: tuple[float, ...]
    take_profits: tuple[float, ...]
    reward_risk_min: float
    default: tuple[float, float]
    time_limit_minutes: int

    @property
    def candidates(self) -> list[tuple[float, float]]:
        """All allowed pairs of (stop_loss, take_profit)."""
        return [
            (stop, target)
            for stop in self.stop_losses
            for target in self.take_profits
            if target >= self.reward_risk_min * -stop - 1e-12
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEdge:
    """The best exits of a process and what they are worth over the default.

    improvement_bps, standard_error_bps : mean per trade before costs, measured on paths that had no say
        in choosing the exits; so the value is not flattered by the choice.
    entries : independent entries behind it; each was held long and short.
    """

    stop_loss: float
    take_profit: float
    improvement_bps: float
    standard_error_bps: float
    entries: int


def measure_edge(
    process: PairProcess, grid: ExitGrid, rng: np.random.Generator, *, entries: int
) -> PlantedEdge:
    """Choose the best exits on one simulation of `process` and measure them on another one."""
    chosen = _Entries(process, grid, rng, entries)
    default = chosen.profits(*grid.default)
    stop, target = max(
        grid.candidates, key=lambda candidate: float((chosen.profits(*candidate) - default).mean())
    )
    return measure_exits(process, grid, rng, stop_loss=stop, take_profit=target, entries=entries)


def measure_exits(
    process: PairProcess,
    grid: ExitGrid,
    rng: np.random.Generator,
    *,
    stop_loss: float,
    take_profit: float,
    entries: int,
) -> PlantedEdge:
    """Measure what given exits are worth over the default of `grid`."""
    fresh = _Entries(process, grid, rng, entries)
    gains = fresh.profits(stop_loss, take_profit) - fresh.profits(*grid.default)
    return PlantedEdge(
        stop_loss=stop_loss,
        take_profit=take_profit,
        improvement_bps=float(gains.mean()) * 1e4,
        standard_error_bps=float(gains.std(ddof=1) / np.sqrt(entries)) * 1e4,
        entries=entries,
    )


class _Entries:
    """Independent entries at random times: one simulated path each, from entry to the time limit."""

    def __init__(self, process: PairProcess, grid: ExitGrid, rng: np.random.Generator, entries: int) -> None:
        self._bars = grid.time_limit_minutes // BAR_MINUTES
        paths = simulate([process] * entries, self._bars, rng, one_market=False)
        high, low = extremes(paths, rng)
        self._gain_at_limit = np.expm1(paths.end[-1])
        # Rows are entries from here on: searches run along time.
        self._rise = np.ascontiguousarray(np.maximum.accumulate(np.expm1(high)).T)
        self._fall = np.ascontiguousarray(np.maximum.accumulate(-np.expm1(low)).T)
        self._known: dict[tuple[bool, float], IntArray] = {}

    def profits(self, stop_loss: float, take_profit: float) -> FloatArray:
        """Return the position-level profit of each entry, the mean of its long and its short."""
        falls, rises = self._first(False, -stop_loss), self._first(True, take_profit)
        long = self._settle(falls, rises, stop_loss, take_profit, self._gain_at_limit)
        rises, falls = self._first(True, -stop_loss), self._first(False, take_profit)
        short = self._settle(rises, falls, stop_loss, take_profit, -self._gain_at_limit)
        return (long + short) / 2.0

    def _settle(
        self, stop: IntArray, target: IntArray, stop_loss: float, take_profit: float, at_limit: FloatArray
    ) -> FloatArray:
        stopped = (stop <= target) & (stop < self._bars)
        return np.where(stopped, stop_loss, np.where(target < self._bars, take_profit, at_limit))

    def _first(self, upward: bool, level: float) -> IntArray:
        """Return the bar in which each path first moves by `level`, or the number of bars: never."""
        key = (upward, level)
        if key not in self._known:
            moved = self._rise if upward else self._fall
            self._known[key] = (moved < level).sum(axis=1)
        return self._known[key]
