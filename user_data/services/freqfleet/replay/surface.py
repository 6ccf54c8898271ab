"""Surfaces: what every exit of a whole grid would have earned, at once and exactly.

Seen from one trade, under one volatility scaling and one time limit, every stop and every target has an
event: the candle it is reached in, and its place in the order of that candle. A wider stop is never
reached earlier, nor a farther target, so one staircase divides the (stop, target) plane: on one side the
stop ends the trade and the target does not matter, on the other side it is the reverse, and beyond both
lies the time limit. Profits are noted at the edge of their part, and one running sum per axis spreads them
over all cells: trades * (stops + targets) + stops * targets steps in place of trades * stops * targets.

The events are those of the exit rule in honest fill mode, the barriers are bit-equal to
`domain.exits.effective_barriers`, the profits are those of `Costs` to within 1e-12 of summation order.
Sums add over trades: folds, bots and pairs are sums of surfaces.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal, NamedTuple, Self

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.level_arrays import VolatilityFactors, deadline_rows
from freqfleet.replay.metrics import checked_weights
from freqfleet.replay.paths import TradePaths

logger = logging.getLogger(__name__)

# So many searches are over before Numba is loaded.
FEW_SEARCHES = 16

KernelName = Literal["auto", "numba", "numpy"]

# Event keys: candle * EVENTS_PER_CANDLE + place. Odd places are stops, even ones targets, 0 the time limit.
EVENTS_PER_CANDLE = 8
STOP_AT_OPEN, TARGET_AT_OPEN, STOP_INSIDE, TARGET_INSIDE = 1, 2, 3, 4


class Cell(NamedTuple):
    """The place of one exit on the axes of a grid."""

    scaling: int
    limit: int
    stop: int
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceAxes:
    """The exits of a grid: every combination of the values on four axes.

    stop_losses : position-level, the nearest first, so falling. take_profits : position-level, rising.
    volatility_scalings : rising. time_limit_minutes : rising.
    atr_reference_ratio : of every cell; None with the scaling 0 only.

    Raises InputError for an axis that is empty or not in order, ParameterError for a value outside the
    bounds of the domain.
    """

    stop_losses: tuple[float, ...]
    take_profits: tuple[float, ...]
    volatility_scalings: tuple[float, ...] = (0.0,)
    time_limit_minutes: tuple[int, ...] = (1440,)
    atr_reference_ratio: float | None = None

    def __post_init__(self) -> None:
        _checked_order("stop_losses", [-one for one in self.stop_losses], self.stop_losses)
        _checked_order("take_profits", self.take_profits, self.take_profits)
        _checked_order("volatility_scalings", self.volatility_scalings, self.volatility_scalings)
        _checked_order("time_limit_minutes", self.time_limit_minutes, self.time_limit_minutes)
        for cell in (Cell(0, 0, 0, 0), Cell(*(size - 1 for size in self.shape))):
            self.parameters(cell)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """How many values each axis has: scalings, limits, stops, targets."""
        return (
            len(self.volatility_scalings),
            len(self.time_limit_minutes),
            len(self.stop_losses),
            len(self.take_profits),
        )

    @property
    def cells(self) -> int:
        """How many exits the grid has."""
        return math.prod(self.shape)

    def parameters(self, cell: Cell) -> ExitParameters:
        """Return the exit of one cell."""
        return ExitParameters(
            stop_loss=self.stop_losses[cell.stop],
            take_profit=self.take_profits[cell.target],
            volatility_scaling=self.volatility_scalings[cell.scaling],
            atr_reference_ratio=self.atr_reference_ratio,
            time_limit_minutes=self.time_limit_minutes[cell.limit],
        )

    def cell(self, flat: int) -> Cell:
        """Return the place of a position in a flattened surface."""
        return Cell(*(int(one) for one in np.unravel_index(flat, self.shape)))


def _checked_order(name: str, rising: Sequence[float], shown: Sequence[float]) -> None:
    if not rising:
        raise InputError(f"{name} needs at least one value")
    for (earlier, later), one in zip(pairwise(rising), shown[1:], strict=True):
        if not later > earlier:
            order = "fall" if name == "stop_losses" else "rise"
            raise InputError(f"{name} must {order} from each value to the next, did not at {one}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surfaces:
    """Weighted sums of net position-level profits over the trades of each group, for every cell of a grid.

    sums : (groups, scalings, limits, stops, targets). weights : of the trades of each group; (groups,).
    trades : how many each group has; (groups,).
    """

    axes: SurfaceAxes
    sums: FloatArray
    weights: FloatArray
    trades: IntArray

    def __add__(self, other: Self) -> Self:
        """Return the surfaces over the trades of both; raises InputError where the axes differ."""
        if self.axes != other.axes or self.sums.shape != other.sums.shape:
            raise InputError(
                f"surfaces of different axes cannot be added: {self.sums.shape} and {other.sums.shape}"
            )
        return type(self)(
            axes=self.axes,
            sums=self.sums + other.sums,
            weights=self.weights + other.weights,
            trades=self.trades + other.trades,
        )

    def pooled(self, groups: Sequence[int] | None = None) -> Self:
        """Return one group in place of several; None takes them all."""
        chosen = list(range(len(self.weights)) if groups is None else groups)
        sums = self.sums[chosen].sum(axis=0) if len(chosen) != 1 else self.sums[chosen[0]]
        return type(self)(
            axes=self.axes,
            sums=sums[None],
            weights=self.weights[chosen].sum(keepdims=True),
            trades=self.trades[chosen].sum(keepdims=True),
        )

    def mean(self) -> FloatArray:
        """Return the weighted mean net profit of every cell; NaN for a group without trades."""
        weights = np.where(self.weights > 0.0, self.weights, np.nan)
        mean: FloatArray = self.sums / weights[:, None, None, None, None]
        return mean

    def mean_at(self, cell: Cell) -> FloatArray:
        """Return the weighted mean net profit of one cell in each group; (groups,), NaN as in `mean`."""
        at: FloatArray = self.sums[:, *cell] / np.where(self.weights > 0.0, self.weights, np.nan)
        return at


class SurfaceTask(NamedTuple):
    """What a kernel needs, as plain arrays; n trades, w candles. Prices of short trades are not mirrored.

    profit = sign * fill * gain - paid, weighted, where `gain` is `market_gain` or `target_gain` and `paid` is
    `weight * sign + funding * funding_share`: that is `Costs.net_profit_ratio`, which is linear in the fill.
    """

    sign: float
    open: FloatArray  # (n, w)
    worst: FloatArray  # (n, w) lows of long trades, highs of short ones
    best: FloatArray  # (n, w)
    last_close: FloatArray  # (n,)
    funding: FloatArray  # (n, w)
    entry: FloatArray  # (n,)
    factor: FloatArray  # (scalings, n)
    deadline: IntArray  # (n, limits) the candle at whose open the limit ends the trade
    weight: FloatArray  # (n,)
    market_gain: FloatArray  # (n,)
    target_gain: FloatArray  # (n,)
    funding_share: FloatArray  # (n,) zero where funding is left out
    liquidation: FloatArray  # (n,) sign * rate; -inf where there is none
    liquidated: FloatArray  # (n,) weighted profit of a liquidation
    group: IntArray  # (n,)
    groups: int
    stop_losses: FloatArray
    take_profits: FloatArray


Kernel = Callable[[SurfaceTask], FloatArray]


def build_surfaces(
    paths: TradePaths,
    axes: SurfaceAxes,
    costs: Costs,
    weights: FloatArray,
    *,
    group: IntArray | None = None,
    groups: int | None = None,
    kernel: KernelName = "auto",
) -> Surfaces:
    """Return the surfaces of some trades, one for each group of them, in one pass.

    weights : one per trade, above zero. group : the group of each trade, from 0 on; None is one group.
    groups : how many there are, where the last ones may be empty.
    kernel : `auto` takes Numba where it is installed.

    Raises InputError for weights or groups that do not fit the trades, and for an unknown kernel.
    """
    surface_sums = kernel_of(kernel)
    group, count = _checked_group(group, groups, len(paths))
    weights = checked_weights(weights, len(paths))
    return Surfaces(
        axes=axes,
        sums=surface_sums(surface_task(paths, axes, costs, weights, group, count)),
        weights=np.bincount(group, weights=weights, minlength=count).astype(np.float64),
        trades=np.bincount(group, minlength=count),
    )


def kernel_of(name: KernelName) -> Kernel:
    """Return a kernel; importing the Numba one takes a moment, and its first run compiles."""
    if resolved_kernel(name) == "numpy":
        from freqfleet.replay import surface_numpy  # noqa: PLC0415 - only one of the two is needed

        return surface_numpy.surface_sums
    from freqfleet.replay import surface_numba  # noqa: PLC0415 - half a second

    return surface_numba.surface_sums


def kernel_for(searches: int, *, numba_is_loaded: bool | None = None) -> KernelName:
    """Return the kernel that takes the least CPU time for so many searches of a whole grid.

    NumPy's takes some 0.06 s more for each; Numba takes up to 1 s to load, and 3 s more to compile at first.
    numba_is_loaded : None looks.
    """
    loaded = "numba" in sys.modules if numba_is_loaded is None else numba_is_loaded
    return "auto" if loaded or searches > FEW_SEARCHES else "numpy"


def resolved_kernel(name: KernelName) -> Literal["numba", "numpy"]:
    """Return what `auto` means in this installation; raises InputError for an unknown name."""
    if name == "auto":
        return "numba" if _numba_is_installed() else "numpy"
    if name not in ("numba", "numpy"):
        raise InputError(f"no kernel {name!r}; take one of auto, numba, numpy")
    return name


@cache
def _numba_is_installed() -> bool:
    installed = importlib.util.find_spec("numba") is not None
    if not installed:
        logger.warning("numba is not installed: the exact search takes ten times as long, same results")
    return installed


def _checked_group(group: IntArray | None, groups: int | None, trades: int) -> tuple[IntArray, int]:
    if group is None:
        group = np.zeros(trades, dtype=np.int64)
    if group.shape != (trades,):
        raise InputError(f"{trades} trades need as many groups, was {group.shape}")
    least = int(group.max(initial=0)) + 1
    count = least if groups is None else groups
    if count < least or group.min(initial=0) < 0:
        raise InputError(f"groups are numbered from 0 to {count - 1}, was {group.min()}..{group.max()}")
    return group.astype(np.int64), count


def surface_task(
    paths: TradePaths,
    axes: SurfaceAxes,
    costs: Costs,
    weights: FloatArray,
    group: IntArray,
    groups: int,
) -> SurfaceTask:
    """Return what a kernel needs for these trades; arguments as in `build_surfaces`, all of them given."""
    sign = float(paths.side.sign)
    market_gain, target_gain, funding_share = _prices(paths, costs, weights)
    corners = [axes.parameters(Cell(row, 0, 0, 0)) for row in range(axes.shape[0])]
    factors, factor_row = VolatilityFactors(paths.atr_ratio).rows(corners)
    limits = [axes.parameters(Cell(0, row, 0, 0)) for row in range(axes.shape[1])]
    deadlines, deadline_row = deadline_rows(paths, limits)
    liquidation = sign * paths.liquidation_rate
    return SurfaceTask(
        sign=sign,
        open=np.ascontiguousarray(paths.open),
        worst=np.ascontiguousarray(paths.high if paths.side.is_short else paths.low),
        best=np.ascontiguousarray(paths.low if paths.side.is_short else paths.high),
        last_close=np.ascontiguousarray(paths.close[:, -1]),
        funding=np.ascontiguousarray(paths.funding_ratio),
        entry=paths.entry_rate,
        factor=factors[factor_row],
        deadline=np.ascontiguousarray(deadlines[deadline_row].T),
        weight=weights,
        market_gain=market_gain,
        target_gain=target_gain,
        funding_share=funding_share,
        liquidation=np.where(np.isnan(liquidation), -np.inf, liquidation),
        liquidated=-weights / paths.leverage,
        group=group,
        groups=groups,
        stop_losses=np.array(axes.stop_losses),
        take_profits=np.array(axes.take_profits),
    )


def priced_anew(task: SurfaceTask, paths: TradePaths, costs: Costs) -> SurfaceTask:
    """Return the task of the same trades on the same grid at other costs."""
    market_gain, target_gain, funding_share = _prices(paths, costs, task.weight)
    return task._replace(market_gain=market_gain, target_gain=target_gain, funding_share=funding_share)


def _prices(
    paths: TradePaths, costs: Costs, weights: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return market_gain, target_gain and funding_share, all that costs have to do with a task."""
    sign = float(paths.side.sign)
    opened = 1.0 + sign * costs.fee_ratio
    per_rate = weights / (paths.entry_rate * opened)
    return (
        per_rate * (1.0 - sign * costs.fee_ratio) * (1.0 - sign * costs.slippage_ratio),
        per_rate * (1.0 - sign * costs.target_fill_fee_ratio),
        weights * sign / opened if costs.funding else np.zeros(len(paths)),
    )
