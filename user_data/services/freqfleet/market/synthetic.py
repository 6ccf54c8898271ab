"""The made-up price process of the sample market, and what is planted in it.

Every pair's log price moves in steps of 5 minutes by

    shock + push - half its variance,

where the shock is normal with a variance that is itself random: it clusters (two slow log-normal states,
the market's and the pair's own) and is fat-tailed (divided by a chi-square: Student's t). A part of the
shock comes from the market and is shared by all pairs. Without a push the price is a martingale: whatever
stop and target one chooses, entries at random times earn nothing before costs.

What is planted is the push:
- *mean reverting*: now and then the price overshoots within half an hour and comes back within the next
  two hours. A stop beyond the overshoot with a target just inside it earns; a stop inside it loses.
- *momentum*: a drift, up or down, that lasts about a day. Cutting early and letting gains run earns.
Both are symmetric: neither side earns by direction, only by the choice of exits.

Within a step the path is a Brownian bridge, so highs and lows are exact extremes of a continuous path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray

GENERATOR_VERSION = 2
BAR_MINUTES = 5
BARS_PER_DAY = 24 * 60 // BAR_MINUTES

TAIL_DEGREES = 5.0  # Student's t of 5m returns: finite variance, kurtosis as seen on real pairs
VOLATILITY_SPREAD = 0.45  # standard deviation of log volatility
VOLATILITY_HALF_LIFE_BARS = 12 * 60 / BAR_MINUTES
OVERSHOOT_BARS = 6  # an overshoot builds up over half an hour
OVERSHOOT_SPREAD = 0.12
BURN_IN_BARS = BARS_PER_DAY // 2  # the price starts calm; after half a day overshoots are where they belong


class Kind(StrEnum):
    """What was planted in a pair."""

    EDGE_FREE = "edge_free"
    MEAN_REVERTING = "mean_reverting"
    MOMENTUM = "momentum"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairProcess:
    """The parameters of one pair's process; all ratios are position-level, on price.

    daily_volatility_ratio : of the shocks alone, over a day.
    market_share : share of the shocks' variance that all pairs have in common.
    drift_per_day_ratio, drift_dwell_hours : momentum; the drift's size and how long one direction lasts.
    overshoot_ratio, overshoots_per_day, overshoot_half_life_minutes : mean reversion.
    transient_share : share of each shock that fades with the same half-life.
    """

    kind: Kind
    daily_volatility_ratio: float
    market_share: float = 0.4
    drift_per_day_ratio: float = 0.0
    drift_dwell_hours: float = 24.0
    overshoot_ratio: float = 0.0
    overshoots_per_day: float = 0.0
    overshoot_half_life_minutes: float = 25.0
    transient_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.daily_volatility_ratio < 1.0:
            raise InputError(f"daily_volatility_ratio must lie in 0..1, was {self.daily_volatility_ratio}")
        for name in ("market_share", "transient_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"{name} must lie in 0..1, was {getattr(self, name)}")

    @property
    def edge(self) -> str:
        """Say in a few words what is planted; `nothing` where nothing is."""
        if self.kind is Kind.MEAN_REVERTING:
            return f"overshoots of about {self.overshoot_ratio:.1%} that come back"
        if self.kind is Kind.MOMENTUM:
            drift = f"drifts of {self.drift_per_day_ratio:.1%} a day"
            return f"{drift} that last about {self.drift_dwell_hours:.0f} h"
        return "nothing"


def planted_process(kind: Kind, scale: float = 1.0) -> PairProcess:
    """Return the process of a kind; `scale` stretches what it does to prices, so that pairs differ."""
    if kind is Kind.MEAN_REVERTING:
        return PairProcess(
            kind=kind,
            daily_volatility_ratio=0.025 * scale,
            overshoot_ratio=0.038 * scale,
            overshoots_per_day=4.0,
            transient_share=0.6,
        )
    if kind is Kind.MOMENTUM:
        return PairProcess(kind=kind, daily_volatility_ratio=0.022 * scale, drift_per_day_ratio=0.08 * scale)
    return PairProcess(kind=kind, daily_volatility_ratio=0.038 * scale)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Log prices of several series over time, arrays of shape (n_bars, n_series).

    start, end : at the open and the close of each bar; a bar starts where the one before it ended, and
        the first one starts at 0.
    variance : of the Brownian path between them.
    """

    start: FloatArray
    end: FloatArray
    variance: FloatArray

    def one(self, index: int) -> Paths:
        """Return one series, as arrays of shape (n_bars, 1)."""
        series = slice(index, index + 1)
        return Paths(start=self.start[:, series], end=self.end[:, series], variance=self.variance[:, series])


def simulate(
    processes: Sequence[PairProcess], bars: int, rng: np.random.Generator, *, one_market: bool
) -> Paths:
    """Simulate one series for each process.

    one_market : True lets all series share the market's shocks; False gives each its own, so that they
        are independent.
    """
    count = len(processes)
    market_count = 1 if one_market else count
    bar_variance = _column(processes, "daily_volatility_ratio") ** 2 / BARS_PER_DAY
    share = _column(processes, "market_share")
    transient_share = _column(processes, "transient_share")
    push = _Push(processes, rng)
    market, own = _Volatility(market_count, rng), _Volatility(count, rng)

    moves = np.empty((bars, count))
    variances = np.empty((bars, count))
    for bar in range(-BURN_IN_BARS, bars):
        market_variance = bar_variance * share * market.next()
        own_variance = bar_variance * (1.0 - share) * own.next()
        shock = np.sqrt(market_variance) * rng.standard_normal(market_count)
        shock += np.sqrt(own_variance) * rng.standard_normal(count)
        pushed = push.next()
        push.absorb(transient_share * shock)
        if bar >= 0:
            variances[bar] = market_variance + own_variance
            moves[bar] = shock + pushed - variances[bar] / 2.0
    end = np.cumsum(moves, axis=0)
    return Paths(start=np.vstack([np.zeros((1, count)), end[:-1]]), end=end, variance=variances)


def extremes(paths: Paths, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return (log high, log low) of each bar: drawn from the law of a Brownian bridge's extremes.

    High and low are drawn one by one; that they belong to one path is left out, which matters only for
    a bar that holds both a stop and a target.
    """
    middle = (paths.start + paths.end) / 2.0
    squared_move = (paths.end - paths.start) ** 2
    shape = paths.end.shape
    up = np.sqrt(squared_move + 2.0 * paths.variance * rng.standard_exponential(shape)) / 2.0
    down = np.sqrt(squared_move + 2.0 * paths.variance * rng.standard_exponential(shape)) / 2.0
    return middle + up, middle - down


def refine(paths: Paths, parts: int, rng: np.random.Generator) -> Paths:
    """Split every bar into `parts` equal ones, by points of the Brownian bridge between its ends."""
    bars, count = paths.end.shape
    steps = np.sqrt(paths.variance / parts)[:, None, :] * rng.standard_normal((bars, parts, count))
    walk = np.cumsum(steps, axis=1)
    passed = (np.arange(1, parts + 1) / parts)[None, :, None]
    move = (paths.end - paths.start)[:, None, :]
    points = paths.start[:, None, :] + walk + passed * (move - walk[:, -1:, :])
    end = points.reshape(bars * parts, count)
    return Paths(
        start=np.vstack([paths.start[:1], end[:-1]]),
        end=end,
        variance=np.repeat(paths.variance / parts, parts, axis=0),
    )


class _Volatility:
    """A slow log-normal factor on the variance, times a fast fat-tailed one; its mean is 1."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._count = count
        self._log = VOLATILITY_SPREAD * rng.standard_normal(count)
        self._keep = 0.5 ** (1.0 / VOLATILITY_HALF_LIFE_BARS)
        self._fresh = VOLATILITY_SPREAD * np.sqrt(1.0 - self._keep**2)

    def next(self) -> FloatArray:
        """Return the factors of the next bar."""
        self._log = self._keep * self._log + self._fresh * self._rng.standard_normal(self._count)
        chi_square = 2.0 * self._rng.standard_gamma(TAIL_DEGREES / 2.0, self._count)
        tail = (TAIL_DEGREES - 2.0) / chi_square
        return np.asarray(np.exp(2.0 * self._log - 2.0 * VOLATILITY_SPREAD**2) * tail)


class _Push:
    """What moves prices apart from shocks: drifts, overshoots, and the way back from them."""

    def __init__(self, processes: Sequence[PairProcess], rng: np.random.Generator) -> None:
        self._rng = rng
        count = len(processes)
        self._drift = _column(processes, "drift_per_day_ratio") / BARS_PER_DAY
        dwell_bars = _column(processes, "drift_dwell_hours") * 60.0 / BAR_MINUTES
        self._turn_chance = -np.expm1(-1.0 / dwell_bars)
        self._direction = self._signs(count)
        self._overshoot = _column(processes, "overshoot_ratio") / OVERSHOOT_BARS
        self._overshoot_chance = -np.expm1(-_column(processes, "overshoots_per_day") / BARS_PER_DAY)
        half_life_bars = _column(processes, "overshoot_half_life_minutes") / BAR_MINUTES
        self._fade = 1.0 - 0.5 ** (1.0 / half_life_bars)
        self._away = np.zeros(count)  # how far the price stands from where it will come back to
        self._bars_left = np.zeros(count)
        self._step = np.zeros(count)

    def next(self) -> FloatArray:
        """Return the push of the next bar, known before its shock."""
        count = len(self._away)
        self._direction = np.where(
            self._rng.random(count) < self._turn_chance, -self._direction, self._direction
        )
        begins = (self._bars_left == 0) & (self._rng.random(count) < self._overshoot_chance)
        size = self._overshoot * (1.0 + OVERSHOOT_SPREAD * self._rng.standard_normal(count))
        self._step = np.where(begins, size * self._signs(count), self._step)
        self._bars_left = np.where(begins, OVERSHOOT_BARS, self._bars_left)
        transient = np.where(self._bars_left > 0, self._step, -self._fade * self._away)
        self._bars_left = np.maximum(self._bars_left - 1, 0)
        self._away = self._away + transient
        return np.asarray(self._direction * self._drift + transient)

    def absorb(self, transient_shock: FloatArray) -> None:
        """Remember the part of a shock that will fade."""
        self._away = self._away + transient_shock

    def _signs(self, count: int) -> FloatArray:
        return np.where(self._rng.random(count) < 0.5, 1.0, -1.0)


def _column(processes: Sequence[PairProcess], name: str) -> FloatArray:
    return np.array([getattr(process, name) for process in processes], dtype=np.float64)
