"""The prices of managed positions as arrays, for every vector and trade at once.

They are those of `domain.managed_exits.managed_barriers`, bit for bit, with the sign of short trades
changed, so that every trade reads as a long one: a loss lies below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.replay.fills import HONEST
from freqfleet.replay.level_arrays import VolatilityFactors, deadline_rows, place_levels
from freqfleet.replay.managed_rule import FillKind
from freqfleet.replay.paths import TradePaths

_STOP, _LIQUIDATION = np.int8(FillKind.STOP), np.int8(FillKind.LIQUIDATION)
_TIME_LIMIT, _REGIME = np.int8(FillKind.TIME_LIMIT), np.int8(FillKind.REGIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedLevels:
    """What p vectors come to for n trades; prices with the sign of the side, +inf for what is off.

    stop, stop_kind : the fixed stop, or the liquidation price where that is nearer; (p, n).
    targets : partial targets and behind them the last target, repeated; (p, n, s). shares : of each, the
        last takes what is left; (p, s). target_count : how many of the s columns a vector uses; (p,).
    trailing_activation, trailing_factor : from when on the stop follows, and the factor that makes it of
        the best price; (p, n). giveback_activation (p, n), giveback_share (p,).
    break_even_after : (p, n). break_even : the price; (n,). protects : whether it is used at all; (p,).
    deadline : the candle at whose open the time limit or the turned trend closes the position, whatever
        the price; deadline_kind : which of the two, the time limit where both do; (p, n).
    """

    stop: FloatArray
    stop_kind: NDArray[np.int8]
    targets: FloatArray
    shares: FloatArray
    target_count: IntArray
    trailing_activation: FloatArray
    trailing_factor: FloatArray
    giveback_activation: FloatArray
    giveback_share: FloatArray
    break_even_after: FloatArray
    break_even: FloatArray
    protects: BoolArray
    deadline: IntArray
    deadline_kind: NDArray[np.int8]


class LevelMaker:
    """Makes the levels of one set of paths.

    fee_ratio : of each fill; moves only the break-even price. InputError where it is none.
    """

    def __init__(self, paths: TradePaths, fee_ratio: float) -> None:
        if not 0.0 <= fee_ratio < 1.0:
            raise InputError(f"fee_ratio must lie in 0..1, was {fee_ratio}")
        self._paths = paths
        self._factors = VolatilityFactors(paths.atr_ratio)
        self._sign = paths.side.sign
        opened = paths.entry_rate * (1.0 + self._sign * fee_ratio)
        self._break_even = self._sign * (opened / (1.0 - self._sign * fee_ratio))

    def levels(self, parameters: Sequence[ManagedExits]) -> ManagedLevels:
        """Return the levels of every vector and trade."""
        rows, chosen = self._factors.rows(parameters)
        factor = rows[chosen]
        placed = place_levels(self._paths, HONEST, self._factors, parameters)
        target_ratio = np.minimum(_column(parameters, "take_profit") * factor, TAKE_PROFIT_BOUNDS[1])
        targets, shares, count = self._targets(parameters, factor, target_ratio)
        trailing_ratio = np.minimum(_column(parameters, "trailing_stop_ratio") * factor, -STOP_LOSS_BOUNDS[0])
        deadlines, limit_of = deadline_rows(self._paths, parameters)
        timed_out, turned = deadlines[limit_of], self._turned(parameters)

        def activation(name: str) -> FloatArray:
            return self._activation(_column(parameters, name), factor, target_ratio)

        return ManagedLevels(
            stop=self._sign * placed.stop_rate,
            stop_kind=np.where(placed.stop_is_liquidation, _LIQUIDATION, _STOP),
            targets=targets,
            shares=shares,
            target_count=count,
            trailing_activation=activation("trailing_activation_ratio"),
            trailing_factor=1.0 + self._sign * -trailing_ratio,
            giveback_activation=activation("giveback_activation_ratio"),
            giveback_share=_column(parameters, "giveback_ratio")[:, 0],
            break_even_after=activation("break_even_after_ratio"),
            break_even=self._break_even,
            protects=np.array([one.break_even_after_ratio is not None for one in parameters], dtype=np.bool_),
            deadline=np.minimum(timed_out, turned),
            deadline_kind=np.where(turned < timed_out, _REGIME, _TIME_LIMIT),
        )

    def _turned(self, parameters: Sequence[ManagedExits]) -> IntArray:
        """Return the candle at whose open `regime_turned` first holds, one beyond the window where never."""
        paths, never = self._paths, self._paths.width + 1
        rows = np.full((len(parameters), len(paths)), never, dtype=np.int64)
        wanted = {one.regime_exit_z for one in parameters if one.regime_exit_z is not None}
        if not wanted:
            return rows
        if paths.trend_z is None:
            raise InputError(f"regime_exit_z={min(wanted)!r} needs paths gathered with their trend")
        favour = self._sign * paths.trend_z
        best = np.fmax.accumulate(favour, axis=1)
        for limit in wanted:
            holds = (favour <= -limit) & (best > -limit)
            holds[:, 0] = False  # the close before the entry
            first = np.where(holds.any(axis=1), holds.argmax(axis=1), never)  # close i - 1 is column i
            rows[[one.regime_exit_z == limit for one in parameters]] = first
        return rows

    def _price(self, ratio: FloatArray) -> FloatArray:
        price: FloatArray = self._sign * (self._paths.entry_rate * (1.0 + self._sign * ratio))
        return price

    def _activation(self, ratio: FloatArray, factor: FloatArray, target_ratio: FloatArray) -> FloatArray:
        price = self._price(np.minimum(ratio * factor, target_ratio))
        price[np.isnan(ratio[:, 0])] = np.inf
        return price

    def _targets(
        self,
        parameters: Sequence[ManagedExits],
        factor: FloatArray,
        target_ratio: FloatArray,
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        count = np.array([len(one.partial_targets) + 1 for one in parameters], dtype=np.int64)
        slots = int(count.max(initial=1))
        ratios, shares = np.full((len(parameters), slots), np.inf), np.zeros((len(parameters), slots))
        for row, one in enumerate(parameters):
            for slot, rung in enumerate(one.partial_targets):
                ratios[row, slot], shares[row, slot] = rung.ratio, rung.share
            shares[row, count[row] - 1] = 1.0
        # Behind the rungs every ratio is infinite, so that the smaller one is the last target's.
        scaled = np.minimum(ratios[:, None, :] * factor[:, :, None], target_ratio[:, :, None])
        entry = self._paths.entry_rate[:, None]
        targets = self._sign * (entry * (1.0 + self._sign * scaled))
        return targets, shares, count


def _column(parameters: Sequence[ManagedExits], name: str) -> FloatArray:
    """Return one ratio of every vector, NaN where it is None; shape (p, 1)."""
    values = [getattr(one, name) for one in parameters]
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)[:, None]
