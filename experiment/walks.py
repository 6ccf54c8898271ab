"""The walks of the experiment, and what the page says of their steps."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from experiment.backtests import Arm, Backtest, Backtests
from freqfleet.clock import iso, parse_time
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.optimizer_run import run_id_of
from freqfleet.learning.search import DEFAULT_SEARCH
from freqfleet.learning.walk_forward import Step, WalkForward, walk_times
from freqfleet.market.leverage_tiers import load_leverage_tiers
from freqfleet.market.past import PastCandles
from freqfleet.settings import Settings
from freqfleet.store.sql import SqlStore
from freqfleet.trades.sync import sync_reading


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkStep:
    """One step. trades : known to it. counts : decisions of pair sides by verdict.

    versions : recorded, by side; those of bins too. retracted : how many of them take something back.
    bin_records : what was recorded of leverage bins, by side. bin_exits : versions of bins among `versions`.
    seconds : of wall time.
    """

    as_of: datetime
    trades: int
    counts: dict[str, int]
    versions: dict[str, int]
    retracted: int
    bin_records: dict[str, int]
    bin_exits: int
    seconds: float

    @property
    def recorded(self) -> int:
        """How many versions the step recorded."""
        return sum(self.versions.values())

    @property
    def bins(self) -> int:
        """How many bin records the step made."""
        return sum(self.bin_records.values())


def walk(
    backtests: Backtests, arm: Arm, learned_from: Sequence[Backtest], every: timedelta
) -> list[WalkStep]:
    """Let a learner walk over the trades of the first pass; what it publishes is in the store of the arm.

    With `resume`, a walk over the same trades with the same settings is not walked again.
    """
    market = backtests.market
    settings = settings_of(backtests.settings, arm)
    times = walk_times(market.starts_at + every, market.ends_at - every, every)
    asked = _asked(settings, learned_from, times)
    note = backtests.userdir / f"{arm}.json"
    if backtests.resume and note.is_file():
        known = json.loads(note.read_text(encoding="utf-8"))
        if known["asked"] == asked:
            return [WalkStep(**{**row, "as_of": parse_time(row["as_of"])}) for row in known["steps"]]
    with closing(SqlStore(backtests.store_url(arm))) as store:
        for one in learned_from:
            sync_reading(store, one.reading)
        steps = WalkForward(
            store=store,
            market=PastCandles(market.datadir, "5m", "none"),
            settings=settings,
            times=times,
            tiers=load_leverage_tiers(),
        ).steps()
        found = [_told(step) for step in steps]
    rows = [{**asdict(one), "as_of": iso(one.as_of)} for one in found]
    note.write_text(json.dumps({"asked": asked, "steps": rows}, indent=1), encoding="utf-8")
    return found


def clear(backtests: Backtests, arm: Arm) -> None:
    """Remove what an earlier experiment learned in this arm."""
    for file in (
        Path(backtests.store_url(arm).removeprefix("sqlite:///")),
        backtests.userdir / f"{arm}.json",
    ):
        for one in file.parent.glob(f"{file.name}*"):
            one.unlink()


def settings_of(settings: Settings, arm: Arm) -> Settings:
    """Return the settings of an arm: the same, but for the gate."""
    if arm is not Arm.HOLDOUT:
        return settings
    return settings.model_copy(update={"gate": settings.gate.model_copy(update={"method": "holdout"})})


def _asked(settings: Settings, learned_from: Sequence[Backtest], times: Sequence[datetime]) -> str:
    parts = [trade.instance for one in learned_from for trade in one.trades[:1]]
    parts += ["with bin records"]  # a walk of before there were any is walked again
    parts += [run_id_of(at, settings, DEFAULT_SEARCH) for at in times]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def _told(step: Step) -> WalkStep:
    sides = Counter(version.key.side.value for version in step.versions)
    bins = Counter(record.side.value for record in step.records)
    return WalkStep(
        as_of=step.as_of,
        trades=step.trades,
        counts={verdict.value: step.run.count(verdict) for verdict in Verdict},
        versions=dict(sorted(sides.items())),
        retracted=len(step.versions) - len(step.taken),
        bin_records=dict(sorted(bins.items())),
        bin_exits=step.cycle.exits.published if step.cycle.exits is not None else 0,
        seconds=step.run.elapsed_seconds + step.cycle.wall_seconds,
    )
