"""The tape: what the market looks like at a time. Nothing that comes after that time is ever shown.

All times in and out are the exchange's; the move of the candles (`shift_ms`) stays inside.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from freqfleet.clock import from_ms, iso
from freqfleet.errors import ExchangeError, MarketError
from freqfleet.exchange.bars import Bars, aggregate, fold, interpolate, stretch
from freqfleet.exchange.history import STEPS_MS, CandleHistory
from freqfleet.exchange.markets import Market, market_of, symbol_of
from freqfleet.exchange.once import OnceEach
from freqfleet.market.arrays import FloatArray
from freqfleet.market.timeframes import DAY_MS, MINUTE_MS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which candles or events a request asks for, and when it asks.

    start_ms, end_ms : bounds of the open times, both inclusive.
    limit : with a start the first `limit` are returned, without one the last.
    """

    now_ms: int
    limit: int
    start_ms: int | None = None
    end_ms: int | None = None

    @property
    def until_ms(self) -> int:
        """The end, exclusive: nothing opens after now."""
        return 1 + (self.now_ms if self.end_ms is None else min(self.now_ms, self.end_ms))

    def moved(self, by_ms: int) -> Window:
        """Return the same window on another clock."""
        return replace(
            self,
            now_ms=self.now_ms + by_ms,
            start_ms=None if self.start_ms is None else self.start_ms + by_ms,
            end_ms=None if self.end_ms is None else self.end_ms + by_ms,
        )

    def cut(self, bars: Bars) -> Bars:
        """Return what the window shows of these candles."""
        inside = bars.between(0 if self.start_ms is None else self.start_ms, self.until_ms)
        return inside.newest(self.limit) if self.start_ms is None else inside.oldest(self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The 24 hours before a time. Prices in quote currency, volume in base currency."""

    opened_ms: int
    open: float
    high: float
    low: float
    last: float
    volume: float


class Tape:
    """The market at any time, from a candle history moved by `shift_ms`. Safe for many threads.

    The history is asked again and again: give one that keeps what it read (`KeptHistory`).
    """

    def __init__(
        self, history: CandleHistory, *, shift_ms: int = 0, pairs: Sequence[str] | None = None
    ) -> None:
        self._history = history
        self._shift_ms = shift_ms
        self.pairs = tuple(history.pairs() if pairs is None else pairs)
        self._by_symbol = {symbol_of(pair): pair for pair in self.pairs}
        self._kept = OnceEach()

    def pair_of(self, symbol: str) -> str | None:
        """Return the pair that the exchange calls `symbol`, None for a stranger."""
        return self._by_symbol.get(symbol)

    def market(self, pair: str) -> Market:
        """Return the rules of a pair; its listing time is on the exchange's clock."""
        return self._kept.once(("market", pair), lambda: self._derive_market(pair))

    def span_ms(self, pair: str) -> tuple[int, int]:
        """Return when the pair's candles begin and end, on the exchange's clock."""
        files = self._files(pair)
        first_ms = min(int(bars.time_ms[0]) for bars in files)
        return first_ms + self._shift_ms, max(bars.end_ms for bars in files) + self._shift_ms

    def price(self, pair: str, now_ms: int) -> float:
        """Return the last price; in a gap the close before it.

        Raises ExchangeError before the first and after the last candle: there is no price there.
        """
        now = now_ms - self._shift_ms
        seen = self._running(pair, now, MINUTE_MS)
        if seen is not None:
            return float(seen[3])
        first_ms, end_ms = self.span_ms(pair)
        if not first_ms <= now_ms < end_ms:
            raise ExchangeError(
                f"{pair} has no price at {iso(from_ms(now_ms))}: its candles run from"
                f" {iso(from_ms(first_ms))} to {iso(from_ms(end_ms))}; start the exchange with --shift-to-now"
            )
        closed = [bars for file in self._files(pair) if len(bars := file.closed_at(now))]
        return float(max(closed, key=lambda bars: bars.end_ms).ohlcv[-1, 3])

    def candles(self, pair: str, interval: str, window: Window) -> Bars:
        """Return last-price candles as an exchange does: the running one is there as far as it has come.

        interval : a key of STEPS_MS. A file of that timeframe is taken as it is; else the nearest finer one
            is aggregated; else candles are interpolated along the path of `bars.stretch` (told once a pair).
        """
        asked = window.moved(-self._shift_ms)
        return self._with_running(pair, self._closed(pair, interval, asked), asked).moved(self._shift_ms)

    def mark_candles(self, pair: str, interval: str, window: Window) -> Bars:
        """Return mark-price candles, volume 0; those of the last price where no mark file can give them."""
        marks = self._history.mark_price(pair)
        if marks is None or STEPS_MS[interval] % marks.step_ms:
            self._tell(pair, interval, "no mark file for it, mark candles are those of the last price")
            found = self.candles(pair, interval, window)
        else:
            asked = window.moved(-self._shift_ms)
            closed = aggregate(marks, STEPS_MS[interval]).closed_at(asked.now_ms)
            found = self._with_running(pair, closed, asked).moved(self._shift_ms)
        silent = found.ohlcv * np.array((1.0, 1.0, 1.0, 1.0, 0.0))
        return Bars(step_ms=found.step_ms, time_ms=found.time_ms, ohlcv=silent)

    def funding(self, pair: str, window: Window) -> list[tuple[int, float]]:
        """Return funding events up to now as (time ms, rate as ratio), oldest first; empty without a file."""
        funding = self._history.funding(pair)
        if funding is None:
            self._tell(pair, "funding", "no file, no funding is paid")
            return []
        times = funding.time_ms + self._shift_ms
        inside = np.flatnonzero((times >= (window.start_ms or 0)) & (times < window.until_ms))
        chosen = inside[-window.limit :] if window.start_ms is None else inside[: window.limit]
        return [(int(times[index]), float(funding.rate[index])) for index in chosen]

    def day(self, pair: str, now_ms: int) -> Day | None:
        """Return the last 24 hours; None where nothing traded in them."""
        now = now_ms - self._shift_ms
        bars = self._trading(pair, now)
        if bars is None:
            bars = self._files(pair)[-1]
        rows = bars.closed_at(now).between(now - DAY_MS, now).ohlcv
        running = self._running(pair, now, bars.step_ms)
        if running is not None:
            rows = np.vstack((rows, running))
        if len(rows) == 0:
            return None
        opened, high, low, last, volume = (float(value) for value in fold(rows))
        return Day(opened_ms=now_ms - DAY_MS, open=opened, high=high, low=low, last=last, volume=volume)

    # Below here all times are those of the files.

    def _with_running(self, pair: str, closed: Bars, asked: Window) -> Bars:
        running_ms = asked.now_ms // closed.step_ms * closed.step_ms
        closed = asked.cut(closed)
        row = self._running(pair, asked.now_ms, closed.step_ms)
        if row is not None:
            last = Bars(step_ms=closed.step_ms, time_ms=np.array([running_ms]), ohlcv=row[np.newaxis, :])
            closed = closed.followed_by(last)
        return asked.cut(closed)

    def _running(self, pair: str, now: int, step_ms: int) -> FloatArray | None:
        """Return the candle of `step_ms` in which `now` lies, as far as it has come; None in a gap."""
        bars = self._trading(pair, now)
        if bars is None:
            return None
        index = bars.index_at(now)
        assert index is not None, f"{pair} trades at {now} and does not"
        begin, opened = now // step_ms * step_ms, int(bars.time_ms[index])
        start = np.array([max(begin - opened, 0) / bars.step_ms])
        end = np.array([(now - opened) / bars.step_ms])
        newest = stretch(bars.ohlcv[index : index + 1], start, end)
        return fold(np.vstack((bars.between(begin, opened).ohlcv, newest)))

    def _trading(self, pair: str, now: int) -> Bars | None:
        """Return the finest candles one of which is running now; None in a gap."""
        return next((bars for bars in self._files(pair) if bars.index_at(now) is not None), None)

    def _closed(self, pair: str, interval: str, asked: Window) -> Bars:
        step_ms = STEPS_MS[interval]
        files = self._files(pair)
        finer = [bars for bars in files if step_ms % bars.step_ms == 0]
        if finer:  # the coarsest of them; the file itself where there is one of this timeframe
            bars = self._kept.once((pair, interval), lambda: aggregate(finer[-1], step_ms))
            return bars.closed_at(asked.now_ms)
        coarser = next((bars for bars in files if bars.step_ms % step_ms == 0), None)
        if coarser is None:
            raise MarketError(f"{pair}: no file can give {interval} candles; download 1m or 5m candles")
        self._tell(pair, interval, "no file for it, candles are interpolated inside coarser ones")
        # Only what was asked for: the whole history in minutes would fill the memory.
        until = asked.until_ms
        if asked.start_ms is None:
            base = coarser.between(0, until).newest(asked.limit * step_ms // coarser.step_ms + 2)
        else:
            base = coarser.between(asked.start_ms - coarser.step_ms, until)
            base = base.oldest(asked.limit * step_ms // coarser.step_ms + 2)
        return interpolate(base, step_ms).closed_at(asked.now_ms)

    def _files(self, pair: str) -> list[Bars]:
        return [self._history.last_price(pair, timeframe) for timeframe in self._history.timeframes(pair)]

    def _derive_market(self, pair: str) -> Market:
        rows = np.vstack([bars.ohlcv for bars in self._files(pair)])
        return market_of(pair, rows, self.span_ms(pair)[0])

    def _tell(self, pair: str, what: str, text: str) -> None:
        self._kept.once(("told", pair, what), lambda: logger.warning("%s %s: %s", pair, what, text))
