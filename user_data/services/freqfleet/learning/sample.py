"""Sample: what one pair and side offers to learn from, cut into a training and a held-out part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property
from statistics import median

import numpy as np

from freqfleet.clock import from_ms
from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.market.indicators import atr_ratio
from freqfleet.market.leverage_tiers import Tiers
from freqfleet.market.series import Candles, Funding
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.metrics import effective_trades
from freqfleet.replay.paths import TradePaths, gather_paths, reasons_of
from freqfleet.validation.holdout import Splitter
from freqfleet.validation.weights import SourceWeights, trade_weights

# This share of the trades needed must remain as effective trades, and as training trades.
LEAST_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: what is derived is kept
class PairMarket:
    """The candles of one pair, and its funding history and leverage tiers where there are such.

    detail : finer candles of as much of the time as there are any.
    """

    candles: Candles
    funding: Funding | None
    tiers: Tiers | None = None
    detail: Candles | None = None

    @cached_property
    def atr_ratio(self) -> FloatArray:
        """Of every candle, see `market.indicators.atr_ratio`: both sides and the report ask for it."""
        return atr_ratio(self.candles.high, self.candles.low, self.candles.close)


@dataclass(frozen=True, kw_only=True, eq=False)  # no slots: what is derived is kept
class Part:
    """Some of the trades. weights : one per trade, normalised within this part. rows : of the whole."""

    whole: TradePaths
    rows: IntArray
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def paths(self) -> TradePaths:
        """The paths of these trades; a copy of their candles, made when it is asked for."""
        if np.array_equal(self.rows, np.arange(len(self.whole))):
            return self.whole
        return self.whole.subset(self.rows)

    @property
    def entered_ms(self) -> IntArray:
        """When each position was opened; (n,)."""
        return self.whole.entered_ms[self.rows]

    @property
    def atr_ratio(self) -> FloatArray:
        """The volatility at each entry; NaN where not known; (n,)."""
        return self.whole.atr_ratio[self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The trades that can be replayed, as a whole and in two parts.

    offered : how many trades there were. trades : those that can be replayed.
    effective : Kish's effective number of the replayable trades under their weights.
    dropped : trades that cannot be replayed, by reason. purged : trades in neither part.
    detailed : how many of `trades` are replayed on finer candles.
    coarse : how many are not because of `SampleRules.with_trend`, though the pair has finer candles.
    learned_until : when the newest candle or trade of the sample ended; None without trades.
    """

    offered: int
    trades: TradeColumns
    whole: Part
    train: Part
    test: Part
    effective: float
    dropped: Mapping[str, int]
    purged: int
    learned_until: datetime | None
    detailed: int = 0
    coarse: int = 0

    @property
    def median_atr_ratio(self) -> float | None:
        """The median volatility at entry of the training trades; None where none is known."""
        known = self.train.atr_ratio[np.isfinite(self.train.atr_ratio)]
        return median(known.tolist()) if len(known) else None  # NumPy's imports its masked arrays

    @property
    def mark(self) -> dict[str, str | int]:
        """What the training part is made of, to tell it from another one: its size and a digest."""
        return {"training_trades": len(self.train.weights), "data": _digest(self.train)}

    @property
    def data_hash(self) -> str:
        """Sixteen hex digits of the replayed candles, entries and weights of the whole sample."""
        return _digest(self.whole)

    def shortage(self, needed: int) -> str | None:
        """Return why this is too little to learn from when `needed` trades are asked for, else None."""
        flaw = self.shortage_in_all(needed)
        enough, training = LEAST_SHARE * needed, len(self.train.weights)
        if flaw is None and training < enough:
            return (
                f"{training} training trades, {enough:.0f} needed: the windows of {self.purged} others reach "
                "into the held-out part"
            )
        return flaw

    def shortage_in_all(self, needed: int) -> str | None:
        """Return `shortage` for who holds nothing out at once: the parts do not matter."""
        enough = LEAST_SHARE * needed
        usable = len(self.trades)
        if usable < needed:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items())
            return f"{usable} replayable trades of {self.offered}, {needed} needed ({reasons})"
        if self.effective < enough:
            counts = ", ".join(f"{bot} {count}" for bot, count in self.trades.bot_counts().items())
            return f"{self.effective:.1f} effective trades, {enough:.0f} needed ({counts})"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesTogether:
    """Samples of one pair and side, cut out of one pass over its candles.

    paths : of all of them. samples : with the first row of each in `paths`, and in the order asked for.
    """

    paths: TradePaths
    samples: tuple[tuple[int, Sample], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRules:
    """How trades of one pair and side become a sample.

    horizon_minutes : the longest time limit that will be asked. as_of : what time the candles are known at.
    bot_weights, mode : see `trade_weights`. splitter : decides what is held out.
    with_trend : see `gather_paths`.
    """

    side: Side
    horizon_minutes: int
    as_of: datetime
    bot_weights: Mapping[str, float]
    mode: SourceWeights
    splitter: Splitter
    with_trend: bool = False

    def weights(self, trades: TradeColumns) -> FloatArray:
        """Return the weight of every trade among these; (n,)."""
        return trade_weights(trades, self.bot_weights, self.mode)


def draw_sample(trades: TradeColumns, market: PairMarket, rules: SampleRules) -> Sample:
    """Return what can be learned from `trades`, all of the pair of the candles and of one side."""
    return draw_together([trades], market, rules).samples[0][1]


def draw_together(groups: Sequence[TradeColumns], market: PairMarket, rules: SampleRules) -> SamplesTogether:
    """Return a sample of each group of trades, each what `draw_sample` returns for it alone.

    But for this: where finer candles cover trades of one group, the others are laid out on that
    timeframe too.
    """
    gathered = gather_paths(
        market.candles,
        TradeColumns.joined(groups),
        side=rules.side,
        horizon_minutes=rules.horizon_minutes,
        as_of=rules.as_of,
        funding=market.funding,
        tiers=market.tiers,
        atr=market.atr_ratio,
        with_trend=rules.with_trend,
        detail=market.detail,
    )
    samples, begin = [], 0
    for trades in groups:
        end = begin + len(trades)
        first, last = np.searchsorted(gathered.kept, (begin, end)).tolist()
        fate, rows = gathered.fate[begin:end], slice(first, last)
        drawn = _drawn(
            trades.subset(fate < 0),
            gathered.paths.subset(rows),
            offered=len(trades),
            dropped={reason.value: count for reason, count in reasons_of(fate).items()},
            detailed=int(gathered.finer[rows].sum()),
            has_detail=market.detail is not None,
            rules=rules,
        )
        samples.append((first, drawn))
        begin = end
    return SamplesTogether(paths=gathered.paths, samples=tuple(samples))


def _drawn(
    usable: TradeColumns,
    paths: TradePaths,
    *,
    offered: int,
    dropped: Mapping[str, int],
    detailed: int,
    has_detail: bool,
    rules: SampleRules,
) -> Sample:
    split = rules.splitter.split(paths.entered_ms, paths.window_end_ms)

    def part(indices: IntArray) -> Part:
        return Part(whole=paths, rows=indices, weights=rules.weights(usable.subset(indices)))

    every = np.arange(len(paths))
    whole = Part(whole=paths, rows=every, weights=rules.weights(usable))
    ends = np.concatenate((paths.window_end_ms, usable.closed_ms))
    return Sample(
        offered=offered,
        trades=usable,
        whole=whole,
        train=part(split.train),
        test=part(split.test),
        effective=effective_trades(whole.weights),
        dropped=dropped,
        purged=split.purged,
        detailed=detailed,
        coarse=len(paths) if has_detail and rules.with_trend else 0,
        learned_until=from_ms(int(ends.max())) if len(ends) else None,
    )


def _digest(part: Part) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for values in (*(getattr(part.paths, one.name) for one in fields(part.paths)), part.weights):
        if isinstance(values, np.ndarray):
            digest.update(_short(values).tobytes())
    return digest.hexdigest()


def _short(values: np.ndarray) -> np.ndarray:
    """Return windows as one number each, in an eighth of the time that hashing all of them takes.

    The bits of every candle times an odd number of its own, summed modulo 2^64: one changed price always
    changes the sum of its window (Carter & Wegman 1979). It tells data apart, and keeps nobody out.
    """
    if values.ndim != 2 or values.dtype.itemsize != 8:
        return np.ascontiguousarray(values)
    place = np.arange(values.shape[1], dtype=np.uint64)
    odd = (place * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(0xD1B54A32D192ED03)) | np.uint64(1)
    summed: np.ndarray = np.ascontiguousarray(values).view(np.uint64) @ odd
    return summed
