"""BinWalk: what the controller would have recorded at each step of a walk.

It is the controller itself, with a clock that stands at the step: one cycle a step, on the trades closed and
the candles finished before it, after what its own earlier cycles have recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from freqfleet.clock import FixedClock
from freqfleet.learning.bin_exits import BinExits, BinExitsRun
from freqfleet.learning.controller import Controller, Cycle
from freqfleet.learning.past_market import PastMarket
from freqfleet.learning.standings import Standings, StandingsInMemory
from freqfleet.learning.walk_draft import Draft
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.settings import Settings


class BinWalk:
    """Runs the cycles of one walk, in the order of its steps. draft : stands at the time of the step."""

    def __init__(
        self, draft: Draft, market: PastMarket, settings: Settings, tiers: LeverageTiers | None
    ) -> None:
        self._controller = Controller(
            store=draft,
            settings=settings,
            clock=_Standing(draft),
            exits=_PastExits(draft=draft, market=market, settings=settings, tiers=tiers),
            warns=False,
        )

    def cycle(self) -> Cycle:
        """Learn from what the draft knows, and record it there."""
        return self._controller.cycle()


@dataclass(frozen=True, slots=True)
class _Standing:
    """The clock of a walk: it is as late as the draft is."""

    draft: Draft

    def now(self) -> datetime:
        return self.draft.at


@dataclass(frozen=True, slots=True, kw_only=True)
class _PastExits:
    """Looks at the exits of bins on the candles of the step; the paper accounts go on from look to look."""

    draft: Draft
    market: PastMarket
    settings: Settings
    tiers: LeverageTiers | None
    standings: Standings = field(default_factory=StandingsInMemory)

    def look(self, trades: TradeColumns, notes: list[str]) -> BinExitsRun:
        at = self.draft.at
        exits = BinExits(
            store=self.draft,
            candles=self.market.candles(at),
            settings=self.settings,
            clock=FixedClock(at),
            standings=self.standings,
            detail=self.market.detail(at),
            tiers=self.tiers,
        )
        return exits.look(trades, notes)
