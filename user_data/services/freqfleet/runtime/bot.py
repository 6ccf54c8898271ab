"""FleetBot: what the three strategies delegate to."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.sides import Side
from freqfleet.domain.units import price_move_ratio, to_margin_ratio
from freqfleet.market.indicators import atr_ratio
from freqfleet.runtime.bookkeeper import BookKeeper
from freqfleet.runtime.entries import EntryPolicy
from freqfleet.runtime.exits import Position, exit_reason
from freqfleet.runtime.faults import Faults
from freqfleet.runtime.plans import HostTrade, PlanLedger
from freqfleet.runtime.stop_guard import ClosedTrades, StopGuardRule
from freqfleet.signals.ensemble import Ensemble

logger = logging.getLogger(__name__)

ATR_COLUMN = "atr_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leverage:
    """The leverage of every position, and the step up to which an exchange may cut it."""

    wanted: float

    def within(self, max_leverage: float) -> float:
        """Return the wanted leverage, at most what the exchange allows for the pair."""
        return max(1.0, min(self.wanted, max_leverage))


class FleetBot:
    """One bot of the fleet, without freqtrade: it receives plain values and answers plain values.

    Prices are quote prices, ratios position-level unless a name says margin.
    """

    def __init__(
        self,
        bot: str,
        *,
        ensemble: Ensemble,
        policy: EntryPolicy,
        books: BookKeeper,
        ledger: PlanLedger,
        leverage: Leverage,
        stop_guard: tuple[StopGuardRule, ...] = (),
    ) -> None:
        self.bot = bot
        self.faults = Faults(bot)
        self._ensemble = ensemble
        self._policy = policy
        self._books = books
        self._ledger = ledger
        self._leverage = leverage
        self._stop_guard = stop_guard
        self.refusals: Counter[str] = Counter()

    # -- entries ---------------------------------------------------------------------------------

    def indicators(self, candles: pd.DataFrame) -> pd.DataFrame:
        """Return `candles` with the votes of the ensemble and the volatility known at each close."""
        columns = self._ensemble.columns(candles)
        columns[ATR_COLUMN] = atr_ratio(
            candles["high"].to_numpy(), candles["low"].to_numpy(), candles["close"].to_numpy()
        )
        return candles.join(columns)

    def entries(self, analysed: pd.DataFrame) -> pd.DataFrame:
        """Return `analysed` with enter_long, enter_short and enter_tag where this bot enters."""
        analysed["enter_tag"] = ""
        for side in Side:
            enters = self._policy.enters(analysed, side)
            analysed[f"enter_{side}"] = enters.astype("int8")
            analysed.loc[enters, "enter_tag"] = analysed.loc[enters, f"tag_{side}"]
        return analysed

    def leverage(self, max_leverage: float) -> float:
        """Return the leverage of a new position."""
        return self._leverage.within(max_leverage)

    def entry_refusal(self, pair: str, side: Side, now: datetime, closed: ClosedTrades) -> str | None:
        """Return why an entry must not happen now, or None; refusals are counted and logged."""
        for rule in self._stop_guard:
            until = rule.locked_until(pair, side, now, closed)
            if until is not None:
                reason = f"stop guard until {until:%Y-%m-%d %H:%M}"
                self.refusals["stop_guard"] += 1
                logger.info("%s %s %s: no entry, %s", self.bot, pair, side, reason)
                return reason
        return None

    # -- the plan --------------------------------------------------------------------------------

    def freeze_plan(self, trade: HostTrade, now: datetime, analysed: pd.DataFrame) -> None:
        """Freeze the exits of a position that has just been filled.

        analysed : closed candles only, as freqtrade's data provider gives them at `now`.
        """
        last = analysed.iloc[-1] if len(analysed) else None
        volatility = None if last is None or pd.isna(last[ATR_COLUMN]) else float(last[ATR_COLUMN])
        plan = self._plan(trade, now, volatility)
        self._ledger.freeze(trade, plan, None if last is None else self._ensemble.detail(last))

    def plan_of(self, trade: HostTrade) -> ExitPlan:
        """Return the plan of an open position."""
        return self._ledger.plan_of(trade, lambda: self._plan(trade, trade.open_date_utc, None))

    def _plan(self, trade: HostTrade, at: datetime, atr: float | None) -> ExitPlan:
        side = Side.of(is_short=trade.is_short)
        found = self._books.book(at).resolve(trade.pair, side, trade.leverage, at)
        return ExitPlan(
            parameters=found.parameters, source=found.source, version=found.version, atr_ratio=atr
        )

    # -- exits -----------------------------------------------------------------------------------

    def exit_reason(self, trade: HostTrade, now: datetime, rate: float) -> str | None:
        """Return the reason to leave at `rate` now, or None."""
        position = Position(
            side=Side.of(is_short=trade.is_short),
            open_rate=trade.open_rate,
            opened_at=trade.open_date_utc,
        )
        return exit_reason(self.plan_of(trade), position, rate=rate, now=now)

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
            "refusals": dict(self.refusals),
            "faults": {" ".join(key): count for key, count in self.faults.counts.items()},
        }
