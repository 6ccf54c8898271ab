"""TradePaths: what the market did after each entry, gathered once and replayed many times.

A trade is replayed only when the candles of its whole horizon were finished before `as_of`; otherwise
parameters with a short time limit would be judged on more trades than those with a long one. What is
left out is counted with its reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from freqfleet.clock import from_ms, iso, to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.market.indicators import atr_ratio, trend_z
from freqfleet.market.leverage_tiers import Tiers
from freqfleet.market.liquidation import liquidation_rate
from freqfleet.market.series import Candles, Funding
from freqfleet.market.timeframes import HOUR_MS, MINUTE_MS
from freqfleet.market.trade_columns import SIDES, TradeColumns
from freqfleet.replay.detail_windows import Windows
from freqfleet.replay.exit_rule import Candle

Scalar = TypeVar("Scalar", bound=np.generic)

# An entry rate this far outside its candle was not made on this market.
ENTRY_RATE_TOLERANCE_RATIO = 0.02
# Exchanges settle funding every eight hours or more often; a longer silence is a hole in the history.
LONGEST_FUNDING_PAUSE_MS = 8 * HOUR_MS


class Dropped(StrEnum):
    """Why a trade cannot be replayed."""

    OUTSIDE_CANDLES = "outside_candles"
    WINDOW_INCOMPLETE = "window_incomplete"
    WINDOW_HAS_GAP = "window_has_gap"
    WINDOW_HAS_BAD_CANDLE = "window_has_bad_candle"
    ENTRY_RATE_OFF_MARKET = "entry_rate_off_market"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePaths:
    """Candle windows of n trades of one pair and side, each `width` candles from the entry candle on.

    entered_ms, first_open_ms : when the position was opened, and the open time of its entry candle; (n,).
    entry_rate : the price of the entry fill; (n,).
    atr_ratio : ATR(14) / close of the last candle closed before the entry; NaN where not known; (n,).
    leverage : of each position, from 1 on; (n,).
    liquidation_rate : where the exchange closes the position; NaN where that is not known; (n,).
    open, high, low, close : (n, width), finite, no gaps.
    funding_ratio : what a long position has paid in funding up to and including each candle, as a ratio
        of the entry's value; negative when received; (n, width).
    funding_known : False where the funding history does not cover the window; (n,).
    liquidation_known : False where liquidation_rate is NaN: no leverage tiers, or no margin; (n,).
    trend_z : `market.indicators.trend_z` at the close before the entry candle, then at every close of the
        window; (n, width + 1). None where it was not asked for: only exits by regime read it.
    """

    pair: str
    side: Side
    timeframe_ms: int
    entered_ms: IntArray
    first_open_ms: IntArray
    entry_rate: FloatArray
    atr_ratio: FloatArray
    leverage: FloatArray
    liquidation_rate: FloatArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    funding_ratio: FloatArray
    funding_known: BoolArray
    liquidation_known: BoolArray
    trend_z: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.entered_ms)

    @property
    def width(self) -> int:
        """How many candles a window has."""
        return int(self.open.shape[1])

    @property
    def window_end_ms(self) -> IntArray:
        """When the last candle of each window closes; shape (n,)."""
        ends: IntArray = self.first_open_ms + self.width * self.timeframe_ms
        return ends

    def subset(self, indices: IntArray | slice) -> Self:
        """Return the paths of some trades, in the order of `indices`; a slice of them copies nothing."""
        arrays = {
            field.name: value[indices]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return type(self)(pair=self.pair, side=self.side, timeframe_ms=self.timeframe_ms, **arrays)

    def candles(self, trade: int) -> list[Candle]:
        """Return the window of one trade as the exit rule reads it."""
        opens_ms = range(int(self.first_open_ms[trade]), int(self.window_end_ms[trade]), self.timeframe_ms)
        prices = (self.open, self.high, self.low, self.close)
        return [
            Candle(open_ms, *row)
            for open_ms, *row in zip(opens_ms, *(one[trade].tolist() for one in prices), strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredPaths:
    """The paths, which trades they belong to, and what became of the others.

    kept : positions in the sequence of trades, ascending; row i of `paths` is trade kept[i].
    fate : of every trade, its place in `Dropped`, -1 where it is kept.
    finer : (n,), which rows of `paths` are replayed on finer candles.
    """

    paths: TradePaths
    kept: IntArray
    fate: IntArray
    finer: BoolArray

    @property
    def dropped(self) -> dict[Dropped, int]:
        """How many trades cannot be replayed, by reason."""
        return reasons_of(self.fate)

    @property
    def detailed(self) -> int:
        """How many trades are replayed on finer candles."""
        return int(self.finer.sum())


def reasons_of(fate: IntArray) -> dict[Dropped, int]:
    """Return how many of some trades were dropped, by reason. fate : as in `GatheredPaths`."""
    counts = np.bincount(fate + 1, minlength=len(Dropped) + 1)[1:].tolist()
    return {reason: count for reason, count in zip(Dropped, counts, strict=True) if count}


def window_width(horizon_minutes: int, timeframe_ms: int) -> int:
    """Return how many candles hold every exit up to `horizon_minutes` after an entry.

    One is for the entry candle, one more because a position opened inside a candle reaches its time limit
    inside a candle too and is closed at the open of the next one.
    """
    return math.ceil(horizon_minutes * MINUTE_MS / timeframe_ms) + 2


def gather_paths(
    candles: Candles,
    trades: TradeColumns,
    *,
    side: Side,
    horizon_minutes: int,
    as_of: datetime,
    funding: Funding | None,
    tiers: Tiers | None = None,
    atr: FloatArray | None = None,
    with_trend: bool = False,
    detail: Candles | None = None,
) -> GatheredPaths:
    """Cut the windows of `trades` out of the candles that were finished at `as_of`.

    trades : of one pair and side, the pair of the candles.
    horizon_minutes : the longest time limit that will be asked.
    tiers : the pair's leverage tiers; None where the exchange's file does not know it.
    atr : `atr_ratio` of all the candles, where the caller has it already.
    with_trend : gather the trend too, for exits by regime; on the candles themselves, without detail.
    detail : finer candles of the pair, as far as there are any; trades whose whole window they cover are
        replayed on them, the others on `candles`, see `replay.detail_windows`.

    Flat candles without volume are prices like any other: an outage is what a position lived through.

    Raises InputError when a trade is of another pair or side, or is there twice; MarketError when the
    candles do not rise in time.
    """
    _check_trades(trades, candles.pair, side)
    _check_times(candles)
    step = candles.timeframe_ms
    width = window_width(horizon_minutes, step)
    finished, time_ms, prices = _finished(candles, as_of)
    entered_ms, entry_rate = trades.opened_ms, trades.open_rate

    first = np.searchsorted(time_ms, entered_ms, side="right") - 1
    codes = _drop_codes(time_ms, prices, first, entered_ms, entry_rate, step=step, width=width)
    kept = np.flatnonzero(codes < 0)
    first = first[kept]
    windows = _windows(time_ms, prices, first, funding, step=step, width=width)
    finer = np.zeros(len(kept), dtype=np.bool_)
    if detail is not None and not with_trend:
        windows, finer = _with_detail(
            windows,
            detail,
            as_of,
            entered_ms[kept],
            entry_rate[kept],
            funding,
            parts=step // detail.timeframe_ms,
        )
        step = detail.timeframe_ms if finer.any() else step

    known_atr = atr_ratio(prices[1], prices[2], prices[3]) if atr is None else atr[:finished]
    liquidated_at = _liquidation_rates(trades.subset(kept), side, tiers)
    paths = TradePaths(
        pair=candles.pair,
        side=side,
        timeframe_ms=step,
        entered_ms=entered_ms[kept],
        first_open_ms=windows.first_open_ms,
        entry_rate=entry_rate[kept],
        atr_ratio=np.concatenate(([np.nan], known_atr))[first],  # of the candle before the entry candle
        leverage=trades.leverage[kept],
        liquidation_rate=liquidated_at,
        open=windows.open,
        high=windows.high,
        low=windows.low,
        close=windows.close,
        funding_ratio=np.cumsum(windows.paid, axis=1) / entry_rate[kept][:, None],
        funding_known=windows.funding_known,
        liquidation_known=np.isfinite(liquidated_at),
        trend_z=_trend_windows(prices[3], first, width) if with_trend else None,
    )
    return GatheredPaths(paths=paths, kept=kept, fate=codes, finer=finer)


def _finished(candles: Candles, as_of: datetime) -> tuple[int, IntArray, tuple[FloatArray, ...]]:
    """Return how many candles were finished, their open times, and open, high, low and close of each."""
    count = int(np.searchsorted(candles.time_ms, to_ms(as_of) - candles.timeframe_ms, side="right"))
    prices = (candles.open, candles.high, candles.low, candles.close)
    return count, candles.time_ms[:count], tuple(one[:count] for one in prices)


def _windows(
    time_ms: IntArray,
    prices: tuple[FloatArray, ...],
    first: IntArray,
    funding: Funding | None,
    *,
    step: int,
    width: int,
) -> Windows:
    """Return the windows that begin with the candles `first`; each is whole."""
    open_, high, low, close = (_cut(one, first, width) for one in prices)
    paid, known = _funding(funding, time_ms, prices[0], step)
    funding_known: BoolArray = np.logical_and.reduce(_cut(known, first, width), axis=1)
    return Windows(
        first_open_ms=time_ms[first],
        open=open_,
        high=high,
        low=low,
        close=close,
        paid=_cut(paid, first, width),
        funding_known=funding_known,
    )


def _cut(values: NDArray[Scalar], first: IntArray, width: int) -> NDArray[Scalar]:
    """Return the windows of `width` values that begin at `first`; row by row, not value by value."""
    if not len(first):
        return np.empty((0, width), dtype=values.dtype)
    windows: NDArray[Scalar] = np.lib.stride_tricks.sliding_window_view(values, width)[first]
    return windows


def _with_detail(
    windows: Windows,
    detail: Candles,
    as_of: datetime,
    entered_ms: IntArray,
    entry_rate: FloatArray,
    funding: Funding | None,
    *,
    parts: int,
) -> tuple[Windows, BoolArray]:
    """Return the windows on finer candles where those cover them, and which; the same ones where none."""
    _check_times(detail)
    step, width = detail.timeframe_ms, parts * windows.open.shape[1]
    _, time_ms, prices = _finished(detail, as_of)
    first = np.searchsorted(time_ms, entered_ms, side="right") - 1
    codes = _drop_codes(time_ms, prices, first, entered_ms, entry_rate, step=step, width=width)
    covered = np.flatnonzero(codes < 0)
    if not len(covered):
        return windows, codes < 0
    finer = _windows(time_ms, prices, first[covered], funding, step=step, width=width)
    return windows.laid_out(parts).replaced(covered, finer), codes < 0


def _trend_windows(close: FloatArray, first: IntArray, width: int) -> FloatArray:
    trend = np.concatenate(([np.nan], trend_z(close)))  # shifted by one: column 0 is the candle before
    windows: FloatArray = _cut(trend, first, width + 1)
    return windows


def _check_trades(trades: TradeColumns, pair: str, side: Side) -> None:
    strange = np.flatnonzero(~trades.of_pairs([pair]) | (trades.side != SIDES.index(side)))
    if len(strange):
        at = int(strange[0])
        raise InputError(f"{trades.label(at)} {SIDES[trades.side[at]]} is not of {pair} {side}")
    identity = (trades.trade_id, trades.instance, trades.bot)
    order = np.lexsort(identity)
    again = order[1:][np.all([one[order[1:]] == one[order[:-1]] for one in identity], axis=0)]
    if len(again):
        at = int(again[0])
        instance = trades.instances[trades.instance[at]]
        raise InputError(f"{trades.label(at)} of {instance} is there twice; each trade counts once")


def _check_times(candles: Candles) -> None:
    falling = np.flatnonzero(np.diff(candles.time_ms) <= 0)
    if len(falling):
        before, after = (iso(from_ms(int(candles.time_ms[falling[0] + step]))) for step in (0, 1))
        raise MarketError(f"{candles.pair}: candles must rise in time, {after} comes after {before}")


def _liquidation_rates(trades: TradeColumns, side: Side, tiers: Tiers | None) -> FloatArray:
    if tiers is None:
        return np.full(len(trades), np.nan)
    columns = [one.tolist() for one in (trades.open_rate, trades.leverage, trades.stake_quote)]
    rates = [
        liquidation_rate(
            tiers,
            side=side,
            open_rate=open_rate,
            leverage=leverage,
            margin_quote=stake_quote,
        )
        if stake_quote > 0.0  # old databases hold positions without
        else np.nan
        for open_rate, leverage, stake_quote in zip(*columns, strict=True)
    ]
    return np.array(rates, dtype=np.float64)


def _drop_codes(
    time_ms: IntArray,
    prices: tuple[FloatArray, ...],
    first: IntArray,
    entered_ms: IntArray,
    entry_rate: FloatArray,
    *,
    step: int,
    width: int,
) -> IntArray:
    """Return for each trade the position of its reason in `Dropped`, or -1 where it can be replayed."""
    if len(time_ms) == 0:
        return np.zeros(len(first), dtype=np.int64)
    open_, high, low, close = prices
    sound = np.isfinite(open_ + high + low + close) & (low > 0.0)
    sound &= (low <= np.minimum(open_, close)) & (high >= np.maximum(open_, close))
    bad_before = np.concatenate(([0], np.cumsum(~sound)))
    newest = len(time_ms) - 1
    start, last = np.maximum(first, 0), np.minimum(first + width - 1, newest)
    after_candle = entered_ms >= time_ms[start] + step
    slack = 1.0 + ENTRY_RATE_TOLERANCE_RATIO
    found = {
        Dropped.OUTSIDE_CANDLES: (first < 0) | ((first == newest) & after_candle),
        Dropped.WINDOW_HAS_GAP: after_candle | (time_ms[last] - time_ms[start] != (last - start) * step),
        Dropped.WINDOW_INCOMPLETE: first + width - 1 > newest,
        Dropped.WINDOW_HAS_BAD_CANDLE: bad_before[last + 1] != bad_before[start],
        Dropped.ENTRY_RATE_OFF_MARKET: (entry_rate < low[start] / slack) | (entry_rate > high[start] * slack),
    }
    order = list(Dropped)
    codes: IntArray = np.select(list(found.values()), [order.index(one) for one in found], default=-1)
    return codes


def _funding(
    funding: Funding | None, time_ms: IntArray, open_: FloatArray, step: int
) -> tuple[FloatArray, BoolArray]:
    """Return what a long of one coin pays in each candle, and whether the history covers the candle."""
    paid = np.zeros(len(time_ms))
    if funding is None or len(funding) == 0 or len(time_ms) == 0:
        return paid, np.zeros(len(time_ms), dtype=np.bool_)
    candle = np.searchsorted(time_ms, funding.time_ms, side="right") - 1
    inside = (candle >= 0) & (funding.time_ms < time_ms[np.maximum(candle, 0)] + step)
    candle, rate = candle[inside], funding.rate[inside]
    # The last price stands for the mark price here: they differ by some bps, of a rate of some bps.
    np.add.at(paid, candle, rate * open_[candle])
    payments = np.searchsorted(funding.time_ms, time_ms, side="right")
    latest = funding.time_ms[np.maximum(payments - 1, 0)]
    known: BoolArray = np.abs(time_ms - latest) < LONGEST_FUNDING_PAUSE_MS
    return paid, known
