"""DemoPage: everything the report of a demo run shows, as frozen values.

Whoever runs the demo fills these; nothing here knows HTML. `to_json` writes the same object that the
page and the terminal show. Ratios are fractions (0.03 is 3 %), times are aware and UTC, None means not
measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from freqfleet.domain.decisions import Decision
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.report.comparison import Comparison, verdict

SCHEMA = 1


class Phase(StrEnum):
    """Which run of the demo a bot's figures come from."""

    LEARNING = "learning"
    DEFAULTS = "defaults"
    LEARNED = "learned"
    FEEDERS = "feeders"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEdge:
    """What a synthetic market was built to contain for one pair and side.

    pair : the futures symbol.
    side : the direction.
    planted : False where the market was built with nothing to find; publishing there is a false alarm.
    edge : what was planted, in a few words, for example `runs to +5 %`; `nothing` where not planted.
    stop_loss : the best stop, position-level; None where none is best or it is not known.
    take_profit : the best target, position-level; None where none is best or it is not known.
    edge_bps : true improvement over the defaults in bps a trade; 0 where nothing was planted; None where
        it was never measured.
    """

    pair: str
    side: Side
    planted: bool
    edge: str
    stop_loss: float | None = None
    take_profit: float | None = None
    edge_bps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSummary:
    """The candles the demo ran on.

    name : what people call the set, for example `sample (seed 7)` or a folder's name.
    synthetic : True where the candles were made by a program.
    pairs : the futures symbols, in the order they are shown.
    timeframe : of the candles the strategies saw, for example `5m`.
    candles : number of candles of that timeframe over all pairs.
    days : length of the set in days.
    first : open time of the first candle.
    last : open time of the last candle.
    split_at : before this time the fleet learned, from it on it was tested.
    truth : what was planted, for a synthetic market that knows; None for every other.
    """

    name: str
    synthetic: bool
    pairs: tuple[str, ...]
    timeframe: str
    candles: int
    days: float
    first: datetime
    last: datetime
    split_at: datetime
    truth: tuple[PlantedEdge, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotRun:
    """One bot in one backtest of the demo.

    bot : BOT1, BOT2 or BOT3.
    phase : learning (before the split), or the held-out part with defaults, with what was learned, or
        with that and trained feeders in the place of the rules.
    strategy : the class freqtrade ran.
    trades : closed trades.
    longs : how many of them were long.
    shorts : how many of them were short.
    win_ratio : share of trades with a profit above 0 after costs; None without trades.
    mean_position_profit_ratio : mean position-level profit a trade, net of costs; None without trades.
    profit_ratio_total : profit of the run over its starting wallet.
    max_drawdown_ratio : largest fall of the account from a peak, 0.08 is 8 %; 0 or above.
    equity : (time, account in stake currency), oldest first; the first point is the starting wallet.
        Empty where it was not recorded.
    exit_reasons : exit reason -> closed trades.
    entry_feeders : feeder named in the entry tag -> closed trades.
    """

    bot: str
    phase: Phase
    strategy: str
    trades: int
    longs: int
    shorts: int
    win_ratio: float | None
    mean_position_profit_ratio: float | None
    profit_ratio_total: float
    max_drawdown_ratio: float
    equity: tuple[tuple[datetime, float], ...] = ()
    exit_reasons: dict[str, int] = field(default_factory=dict)
    entry_feeders: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncLine:
    """How one bot's trades came into the learning store.

    bot : BOT1, BOT2 or BOT3.
    exported : closed trades in freqtrade's export or database.
    stored : how many of them the first sync stored.
    duplicate_second_run : how many of them a second, identical sync recognised as already there.
    """

    bot: str
    exported: int
    stored: int
    duplicate_second_run: int

    @property
    def exactly_once(self) -> bool:
        """True when every exported trade was stored, and the second sync added none."""
        return self.exported == self.stored == self.duplicate_second_run


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTiming:
    """How long one step of the demo took.

    name : the step, as the progress display calls it.
    seconds : wall time.
    """

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPage:
    """Everything the report of one demo run shows.

    title : the head of the page.
    created_at : when the run ended.
    market : the candles it ran on.
    defaults : the exits where nothing was published; the mark to compare with.
    bots : every run of every bot, in the order they are shown.
    sync : one line for each bot whose trades were learned from.
    decisions : one for every pair and side that was asked for, also when skipped.
    comparison : BOT3 with defaults against BOT3 with what was published; None where the test did not run.
    steps : the timings, in the order of the run.
    warnings : everything that was skipped, dropped or replaced by a default, one sentence each.
    commands : the command lines that make this report again.
    feeders : what the feeders that were trained before the split are worth, in words; None without any.
    """

    title: str
    created_at: datetime
    market: MarketSummary
    defaults: ExitParameters
    bots: tuple[BotRun, ...]
    sync: tuple[SyncLine, ...]
    decisions: tuple[Decision, ...]
    comparison: Comparison | None
    steps: tuple[StepTiming, ...] = ()
    warnings: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    feeders: str | None = None

    def run(self, phase: Phase, bot: str = "BOT3") -> BotRun | None:
        """Return the run of `bot` in `phase`, or None where there was none."""
        return next((one for one in self.bots if one.phase is phase and one.bot == bot), None)


_ADAPTER = TypeAdapter(DemoPage)


def to_json(page: DemoPage) -> dict[str, Any]:
    """Return the page as plain values for JSON: `schema` 1, the fields, and what follows from them.

    A number that JSON cannot hold (NaN, infinity) becomes null, as what was not measured is.
    """
    comparison = page.comparison
    return {
        "schema": SCHEMA,
        "outcome": None if comparison is None else comparison.outcome.value,
        "verdict": None if comparison is None else verdict(comparison),
        **json.loads(_ADAPTER.dump_json(page)),
    }


def from_json(values: Mapping[str, Any]) -> DemoPage:
    """Read what `to_json` wrote. Raises InputError for another schema or a value that does not fit."""
    if values.get("schema") != SCHEMA:
        raise InputError(f"a demo report of schema {SCHEMA} was expected, was {values.get('schema')!r}")
    try:
        known = {name: value for name, value in values.items() if name in DemoPage.__dataclass_fields__}
        return _ADAPTER.validate_python(known)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"not a demo report: {place}: {first['msg']}, was {first['input']!r}") from None
