"""Candles of a backtest in which nothing can happen to an open position.

For every candle of every open position freqtrade computes three profits in exact decimals and asks three
callbacks, and nearly always the answer is to stay: that was half of a backtest. Where the whole candle lies
strictly between the prices at which anything would be done, before the moment at which anything would be,
the answer is known without asking. Trades are the same to the last bit; tests/acceptance compares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.sides import Side
from freqfleet.parameters.book import ParameterBook
from freqfleet.runtime.bookkeeper import BookKeeper
from freqfleet.runtime.plans import HostTrade

_MINUTE_MS = 60_000
_NEVER = datetime.max.replace(tzinfo=UTC)


class GuardedTrade(HostTrade, Protocol):
    """An open position with the prices at which freqtrade itself ends it; None where there is none."""

    stop_loss: float | None
    liquidation_price: float | None


@dataclass(frozen=True, slots=True)
class _Watch:
    """What holds for one position until `until` (out), by one book: candles strictly in between are quiet."""

    trade: GuardedTrade
    book: ParameterBook
    until: datetime
    lowest: float
    highest: float


class QuietCandles:
    """Remembers, for the open position of each pair, where and when its plan would do something.

    plan_of : the plan of a position. tightens : later versions may move its stop.
    """

    def __init__(
        self, plan_of: Callable[[HostTrade], ExitPlan], books: BookKeeper, *, tightens: bool
    ) -> None:
        self._plan_of = plan_of
        self._books = books
        self._tightens = tightens
        self._watches: dict[str, _Watch] = {}

    def holds(self, trade: GuardedTrade, now: datetime, low: float, high: float) -> bool:
        """Return True where a candle from `low` to `high`, opening at `now`, ends and moves nothing."""
        book, watch = self._books.book(now), self._watches.get(trade.pair)
        if watch is None or watch.trade is not trade or watch.book is not book or now >= watch.until:
            watch = self._watches[trade.pair] = self._watch(trade, now, book)
        if not (watch.lowest < low and high < watch.highest) or not trade.stop_loss:
            return False
        # freqtrade's own prices may change under us: rounded to the tick, or after a fill.
        if trade.is_short:
            return high < trade.stop_loss and not 0.0 < (trade.liquidation_price or 0.0) <= high
        return low > trade.stop_loss and (trade.liquidation_price or 0.0) < low

    def forget(self, trade: HostTrade) -> None:
        """Look anew at a position whose plan was made or changed."""
        self._watches.pop(trade.pair, None)

    def _watch(self, trade: GuardedTrade, now: datetime, book: ParameterBook) -> _Watch:
        plan, side = self._plan_of(trade), Side.of(is_short=trade.is_short)
        until_ms = math.inf
        silent = plan.managed(trade.open_rate, side, trade.fee_open or 0.0) is None
        if self._tightens:
            found, until_ms = book.resolve_until(trade.pair, side, trade.leverage, now)
            silent = silent and found.version in (plan.version, plan.tightened_by)
        limit = plan.parameters.time_limit_minutes
        if limit is not None:
            ends_ms = to_ms(trade.open_date_utc) + limit * _MINUTE_MS
            silent = silent and to_ms(now) < ends_ms
            until_ms = min(until_ms, ends_ms) if silent else until_ms
        barriers = plan.barriers(trade.open_rate, side)
        lowest, highest = sorted((barriers.stop_rate, barriers.target_rate))
        return _Watch(
            trade=trade,
            book=book,
            until=_NEVER if math.isinf(until_ms) else from_ms(int(until_ms)),
            lowest=lowest if silent else math.inf,
            highest=highest,
        )
