"""FleetBot: what the three strategies delegate to."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import KILL_SWITCH_REASON
from freqfleet.domain.sides import Side
from freqfleet.domain.tradable import replayed_only, tradable
from freqfleet.domain.units import price_move_ratio, to_margin_ratio
from freqfleet.parameters.book import Resolution
from freqfleet.runtime.bookkeeper import BookKeeper
from freqfleet.runtime.breakers import Trades
from freqfleet.runtime.caution import CAREFREE, Caution
from freqfleet.runtime.entries import EntryPolicy
from freqfleet.runtime.exits import Position, exit_reason
from freqfleet.runtime.faults import Faults
from freqfleet.runtime.later_voters import LaterVoters
from freqfleet.runtime.left_out import LeftOut
from freqfleet.runtime.moving_stop import Analysed, followed, moved_stop_rate, reason_of_stop
from freqfleet.runtime.path_ledger import PathLedger
from freqfleet.runtime.plans import HostTrade, PlanLedger
from freqfleet.runtime.provenance import ENTRY_KEY, EXIT_KEY, BookAge, entry_provenance, exit_provenance
from freqfleet.runtime.quiet import GuardedTrade, QuietCandles
from freqfleet.runtime.sizing import Sizer, Sizing
from freqfleet.runtime.stop_guard import ClosedTrades
from freqfleet.runtime.voting import ATR_COLUMN, Voting
from freqfleet.signals.ensemble import Ensemble
from freqfleet.trades.host_trade import ClosingTrade

logger = logging.getLogger(__name__)


class ClosedHost(HostTrade, ClosingTrade, Protocol):
    """A trade of the host's at its close."""


class FleetBot:
    """One bot of the fleet, without freqtrade: it receives plain values and answers plain values.

    Prices are quote prices, ratios position-level unless a name says margin.
    later : voters that may come while the bot runs; None where those of the start stay.
    host_protections : what freqtrade itself is to watch, as entries of `protections`.
    on_close : gets each closed trade and the version of its plan; must not wait.
    """

    def __init__(
        self,
        bot: str,
        *,
        ensemble: Ensemble,
        policy: EntryPolicy,
        books: BookKeeper,
        ledger: PlanLedger,
        paths: PathLedger,
        sizing: Sizing,
        caution: Caution = CAREFREE,
        host_protections: tuple[dict[str, Any], ...] = (),
        persistent: bool = False,
        later: LaterVoters | None = None,
        on_close: Callable[[ClosingTrade, str], None] | None = None,
    ) -> None:
        self.bot = bot
        self._on_close = on_close
        self.faults = Faults(bot)
        self.host_protections = list(host_protections)
        self._voting = Voting(bot, ensemble, policy, later)
        self._books = books
        self._ledger = ledger
        self._paths = paths
        self._sizing = sizing
        self._caution = caution
        self._persistent = persistent
        self._quiet = QuietCandles(self.plan_of, books, tightens=sizing.tighten_open_trades)
        self._left_out = LeftOut()
        self._sizer = Sizer(bot, sizing, self._left_out)
        self.refusals: Counter[str] = Counter()

    def close(self) -> None:
        """End the threads of this bot; the last thing that is asked of it."""
        self._books.stop()
        self._caution.stop()
        self._voting.stop()

    # -- entries ---------------------------------------------------------------------------------

    def take_new_voters(self) -> None:
        """Let voters vote that were found since; to be called between two looks at the market."""
        self._voting.take_new()

    @property
    def reads_context(self) -> bool:
        """True where a feeder reads more than the pair's own candles; see runtime/market_context.py."""
        return self._voting.reads_context

    def indicators(self, candles: pd.DataFrame) -> pd.DataFrame:
        """Return `candles` with the votes of the ensemble and the volatility known at each close."""
        return self._voting.indicators(candles)

    def entries(self, analysed: pd.DataFrame) -> pd.DataFrame:
        """Return `analysed` with enter_long, enter_short and enter_tag where this bot enters."""
        return self._voting.entries(analysed)

    def leverage(
        self, pair: str, side: Side, at: datetime, analysed: pd.DataFrame, max_leverage: float
    ) -> float:
        """Return the leverage of a new position; why is kept for its provenance."""
        book = self._books.book(at)
        return self._sizer.leverage(
            pair,
            side,
            stop_at=lambda leverage: book.resolve(pair, side, leverage, at).parameters,
            evidence=book.records.evidence(pair, side, at),
            atr_ratio=_last(analysed, ATR_COLUMN),
            max_leverage=max_leverage,
        )

    def stake(self, pair: str, side: Side, at: datetime, *, proposed: float, leverage: float) -> float:
        """Return the stake of a new position in stake currency."""
        if not self._sizing.stake_by_evidence:
            return proposed
        evidence = self._books.book(at).records.evidence(pair, side, at)
        return self._sizer.stake(pair, side, evidence, proposed=proposed, leverage=leverage)

    def entry_refusal(
        self, pair: str, side: Side, now: datetime, closed: ClosedTrades, trades: Trades
    ) -> str | None:
        """Return why an entry must not happen now, or None; refusals are counted and logged."""
        kind, reason = self._caution.refusal(
            pair, side, now, closed=closed, trades=trades, age=self.book_age()
        )
        if reason is not None:
            self.refusals[kind] += 1
            logger.info("%s %s %s: no entry, %s", self.bot, pair, side, reason)
        return reason

    # -- equity ------------------------------------------------------------------------------------

    @property
    def measures_equity(self) -> bool:
        """True where the kill switch wants to know the equity."""
        return self._caution.measures_equity

    @property
    def prices_positions(self) -> bool:
        """True where anything needs the open positions' profit."""
        return self._caution.prices_positions

    def see_equity(self, equity_quote: float) -> None:
        """Tell the kill switch what the bot is worth now."""
        self._caution.see_equity(equity_quote)

    # -- the plan --------------------------------------------------------------------------------

    def freeze_plan(self, trade: HostTrade, now: datetime, analysed: pd.DataFrame) -> None:
        """Freeze the exits of a position that has just been filled; a fill told again changes nothing.

        analysed : closed candles only, as freqtrade's data provider gives them at `now`.
        """
        # freqtrade looks at a fill once more where its fees came late, and on /reload_trade.
        if self._ledger.has_plan(trade):
            return
        plan, found = self._plan(trade, now, _last(analysed, ATR_COLUMN))
        if plan.atr_ratio is None and plan.parameters.volatility_scaling:
            self._left_out.add(
                f"volatility of {trade.pair}",
                f"{self.bot} {trade.pair}: the volatility at the entry is unknown, so the exits of version "
                f"{plan.version} stand as written and do not follow it",
            )
        # A backtest keeps no custom data, and a row of the frame costs more than the rest of an entry.
        said = self._voting.said(analysed) if self._persistent else None
        self._ledger.freeze(trade, plan, said)
        self._quiet.forget(trade)
        if plan.managed(trade.open_rate, Side.of(is_short=trade.is_short), 0.0) is not None:
            self._paths.closed(trade, analysed)  # the trend before the entry is at hand now
        if self._persistent:
            reasons = self._sizer.reasons(trade.pair, Side.of(is_short=trade.is_short))
            trade.set_custom_data(ENTRY_KEY, entry_provenance(found, now, self.book_age(), reasons))

    def closed(self, trade: ClosedHost) -> None:
        """Pass a trade on that has just been closed, on its way to the learning store."""
        if self._on_close is not None:
            self._on_close(trade, self.plan_of(trade).version)

    def plan_of(self, trade: HostTrade) -> ExitPlan:
        """Return the plan of an open position."""
        return self._ledger.plan_of(trade, lambda: self._plan(trade, trade.open_date_utc, None)[0])

    def _plan(self, trade: HostTrade, at: datetime, atr: float | None) -> tuple[ExitPlan, Resolution]:
        found = self._resolve(trade.pair, Side.of(is_short=trade.is_short), trade.leverage, at)
        plan = ExitPlan(
            parameters=tradable(found.parameters), source=found.source, version=found.version, atr_ratio=atr
        )
        return plan, found

    def _resolve(self, pair: str, side: Side, leverage: float, at: datetime) -> Resolution:
        found = self._books.book(at).resolve(pair, side, leverage, at)
        for part in replayed_only(found.parameters):
            self._left_out.add(
                f"{part} of {found.version}",
                f"{self.bot}: the {part} of version {found.version} are left out: the strategies close a "
                "position as a whole; publish without them",
            )
        return found

    def book_age(self) -> BookAge:
        """Return how old the parameter book is."""
        seconds, limit = self._books.age_seconds, self._caution.book_max_age
        degraded = limit is not None and (seconds is None or seconds > limit.total_seconds())
        return BookAge(seconds=seconds, degraded=degraded)

    # -- exits -----------------------------------------------------------------------------------

    def exit_reason(self, trade: HostTrade, now: datetime, rate: float, analysed: Analysed) -> str | None:
        """Return the reason to leave at `rate` now, or None.

        analysed : gives closed candles only; asked where the plan follows the path.
        """
        if self._caution.closes_all(now):
            return KILL_SWITCH_REASON
        plan, side = self.plan_of(trade), Side.of(is_short=trade.is_short)
        managed, closed = followed(trade, plan, self._paths, analysed)
        position = Position(side=side, open_rate=trade.open_rate, opened_at=trade.open_date_utc)
        return exit_reason(plan, position, rate=rate, now=now, managed=managed, closed=closed)

    def moved_stop_rate(self, trade: HostTrade, rate: float, analysed: Analysed) -> float | None:
        """Return the stop that has come nearer by itself, to be handed to the host; None where none has."""
        return moved_stop_rate(trade, self.plan_of(trade), self._paths, rate, analysed)

    def stop_reason(self, trade: HostTrade, analysed: Analysed) -> str:
        """Return the exit reason of the stop in force."""
        return reason_of_stop(trade, self.plan_of(trade), self._paths, analysed)

    def stays_through(self, trade: GuardedTrade, now: datetime, low: float, high: float) -> bool:
        """Return True where a candle that opens at `now` can neither end the position nor move its stop.

        low, high : of the whole candle, as only a backtest knows them. False promises nothing.
        """
        return not self._caution.watches_positions and self._quiet.holds(trade, now, low, high)

    def left(self, trade: HostTrade, now: datetime, reason: str) -> None:
        """Note why a position is being left, and where its plan came from."""
        if self._persistent:
            noted = exit_provenance(reason, self.plan_of(trade), now, self.book_age())
            trade.set_custom_data(EXIT_KEY, noted)
            logger.info("%s %s trade %s: %s, %s", self.bot, trade.pair, trade.id, self.book_age(), noted)
        else:
            self._paths.forget(trade)

    def tightened_stop_margin_ratio(
        self, trade: HostTrade, now: datetime, rate: float, analysed: Analysed
    ) -> float | None:
        """Return the nearer stop that a version published since the entry asks for, measured from `rate`.

        None keeps the stop. A stop that the last close lies beyond is not taken: tightening ends no
        position by itself. Nor are the defaults that stand in for a book too old: nobody published them.
        """
        if not self._sizing.tighten_open_trades:
            return None
        plan, side = self.plan_of(trade), Side.of(is_short=trade.is_short)
        found = self._books.book(now).resolve(trade.pair, side, trade.leverage, now)
        if found.version in (plan.version, plan.tightened_by) or self.book_age().degraded:
            return None
        nearer = plan.tightened(found.parameters, found.source, found.version)
        if nearer is None:
            return None
        stop_rate = nearer.barriers(trade.open_rate, side).stop_rate
        close = _last(analysed(), "close")
        if close is None or side.sign * (close - stop_rate) <= 0.0:
            return None
        self._ledger.replace(trade, nearer)
        self._quiet.forget(trade)
        logger.info("%s %s trade %s: stop tightened by %s", self.bot, trade.pair, trade.id, found.version)
        if side.sign * (rate - stop_rate) <= 0.0:  # the whole candle lies beyond: the next look leaves
            return None
        return to_margin_ratio(price_move_ratio(rate, stop_rate, side), trade.leverage)

    def stop_margin_ratio(self, trade: HostTrade, rate: float) -> float:
        """Return the stop as freqtrade wants it: margin-level, measured from `rate`."""
        side = Side.of(is_short=trade.is_short)
        stop_rate = self.plan_of(trade).barriers(trade.open_rate, side).stop_rate
        return to_margin_ratio(price_move_ratio(rate, stop_rate, side), trade.leverage)

    def target_margin_ratio(self, trade: HostTrade) -> float:
        """Return the target as freqtrade's ROI: margin-level, net of the fees and funding so far.

        freqtrade turns a ROI back into a price with the same fees, so the exit is filled at the
        target's price exactly.
        """
        side = Side.of(is_short=trade.is_short)
        target_rate = self.plan_of(trade).barriers(trade.open_rate, side).target_rate
        return trade.calc_profit_ratio(target_rate)

    def summary(self, now: datetime) -> dict[str, Any]:
        """Return what an operator may want to know of this bot."""
        book = self._books.book(now)
        return {
            "bot": self.bot,
            "versions": book.version_count,
            "champions": len(book.champions(now)),
            "book_age_seconds": self._books.age_seconds,
            "missing_plans": self._ledger.missing_plans,
            "degraded": self.book_age().degraded,
            "left_out": dict(self._left_out.counts),
            "refusals": dict(self.refusals),
            "faults": {" ".join(key): count for key, count in self.faults.counts.items()},
        }


def _last(analysed: pd.DataFrame, column: str) -> float | None:
    """Return the newest value of a column; None where it is unknown."""
    if not len(analysed):
        return None
    value = float(analysed[column].array[-1])
    return None if math.isnan(value) else value
