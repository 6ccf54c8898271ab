"""ExactGrid: the exits that the exact search compares, all of them, as axes and a mask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from freqfleet.errors import InputError
from freqfleet.learning.search_space import (
    CONSTRAINT_DECIMALS,
    RATIO_DECIMALS,
    SCALING_DECIMALS,
    SearchSpace,
)
from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.replay.surface import SurfaceAxes
from freqfleet.settings import GridSettings

# Time limits between those of the settings fall on whole candles of the smallest timeframe in use.
LIMIT_STEP_MINUTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSteps:
    """How many values each axis has at most; ratios closer than a basis point count as one."""

    stop_losses: int = 100
    take_profits: int = 100
    volatility_scalings: int = 8
    time_limits: int = 12

    @classmethod
    def of(cls, settings: GridSettings) -> Self:
        """Return the steps these settings ask for."""
        return cls(**settings.model_dump())

    def __post_init__(self) -> None:
        for name in ("stop_losses", "take_profits", "volatility_scalings", "time_limits"):
            if getattr(self, name) < 1:
                raise InputError(f"a grid needs at least one step on {name}, was {getattr(self, name)}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExactGrid:
    """Every combination of the axes; `allowed` says which stops and targets keep the constraints.

    allowed : (stops, targets). The constraints are on the barriers as written, so they hold for every
        scaling and time limit alike.
    """

    axes: SurfaceAxes
    allowed: BoolArray

    @classmethod
    def of(cls, space: SearchSpace, steps: GridSteps | None = None) -> Self:
        """Return the grid over a search space, its bounds included.

        Stops and targets are spaced by equal factors: from 1 % to 1.1 % is as much of a change as from 10 %
        to 11 %. Time limits are those of the space; where there are several but fewer than steps, the widest
        gaps between them are halved (by factor) until there are enough.
        """
        steps = steps if steps is not None else GridSteps()
        axes = SurfaceAxes(
            stop_losses=tuple(
                -one for one in _by_factor((-space.stop_loss[1], -space.stop_loss[0]), steps.stop_losses)
            ),
            take_profits=_by_factor(space.take_profit, steps.take_profits),
            volatility_scalings=_evenly(space.volatility_scaling, steps.volatility_scalings),
            time_limit_minutes=_filled(space.time_limit_minutes, steps.time_limits),
            atr_reference_ratio=space.atr_reference_ratio,
        )
        return cls(axes=axes, allowed=_allowed(space, axes))

    @property
    def candidates(self) -> int:
        """How many exits keep the constraints."""
        scalings, limits, _, _ = self.axes.shape
        return scalings * limits * int(self.allowed.sum())


def _allowed(space: SearchSpace, axes: SurfaceAxes) -> BoolArray:
    """Return `space.allows` of every stop and target at once; (stops, targets)."""
    target = np.array(axes.take_profits)
    reward_risk: FloatArray = target / -np.array(axes.stop_losses)[:, None]
    too_little = np.round(space.reward_risk_min - reward_risk, CONSTRAINT_DECIMALS) > 0.0
    too_near = np.round(space.take_profit_min - target, CONSTRAINT_DECIMALS) > 0.0
    allowed: BoolArray = ~(too_little | too_near)
    return allowed


def _by_factor(bounds: tuple[float, float], steps: int) -> tuple[float, ...]:
    return _readable(np.geomspace(*bounds, steps), RATIO_DECIMALS, bounds)


def _evenly(bounds: tuple[float, float], steps: int) -> tuple[float, ...]:
    return _readable(np.linspace(*bounds, steps), SCALING_DECIMALS, bounds)


def _readable(values: FloatArray, decimals: int, bounds: tuple[float, float]) -> tuple[float, ...]:
    """Return the values rounded to what people can read, the bounds as they are, each of them once."""
    inner = [min(max(round(one, decimals), bounds[0]), bounds[1]) for one in values[1:-1].tolist()]
    ends = bounds if len(values) > 1 else bounds[:1]
    return tuple(sorted({*ends, *inner}))


def _filled(limits: tuple[int, ...], steps: int) -> tuple[int, ...]:
    filled = sorted(limits)
    while 1 < len(filled) < steps:
        gaps = sorted(pairwise(filled), key=lambda gap: gap[0] / gap[1])
        between = (_between(*gap) for gap in gaps)
        new = next((one for one in between if one is not None), None)
        if new is None:
            break
        filled = sorted([*filled, new])
    return tuple(filled)


def _between(shorter: int, longer: int) -> int | None:
    middle = LIMIT_STEP_MINUTES * round(math.sqrt(shorter * longer) / LIMIT_STEP_MINUTES)
    return middle if shorter < middle < longer else None
