"""The candles of a demo run: a person's own, or a seeded synthetic sample that says that it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from freqfleet.clock import from_ms
from freqfleet.errors import MarketError
from freqfleet.market.candles import CandleFiles
from freqfleet.market.sample import write_sample
from freqfleet.market.sample_truth import SampleTruth, read_truth

LEARNING_SHARE = 2 / 3
MINIMUM_DAYS = 15
# Indicators need these days before the first entry (600 candles of 5m).
WARMUP_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMarket:
    """What the demo trades on.

    pairs : those whose candles reach over the split; the others are in `skipped`, with the reason.
    candles_by_pair : number of 5m candles of every pair that could be read.
    starts_at, split_at, ends_at : midnights UTC: the fleet learns in [starts_at, split_at) and is
        tested in [split_at, ends_at).
    truth : what was planted, for a synthetic sample.
    """

    name: str
    datadir: Path
    pairs: tuple[str, ...]
    skipped: dict[str, str]
    candles_by_pair: dict[str, int]
    first: datetime
    last: datetime
    starts_at: datetime
    split_at: datetime
    ends_at: datetime
    truth: SampleTruth | None

    @property
    def candles(self) -> int:
        """Number of 5m candles of `pairs` together."""
        return sum(self.candles_by_pair[pair] for pair in self.pairs)

    @property
    def days(self) -> float:
        """Length of the candles in days."""
        return (self.last - self.first) / timedelta(days=1)

    def without(self, broken: Mapping[str, str]) -> DemoMarket:
        """Return this market with more pairs skipped; `broken` gives their reasons."""
        kept = tuple(pair for pair in self.pairs if pair not in broken)
        return replace(self, pairs=kept, skipped={**self.skipped, **broken})


def open_market(datadir: Path | None, out: Path) -> DemoMarket:
    """Return the market at `datadir`, or a new synthetic sample below `out` where it is None.

    Raises MarketError where there are no candles, or fewer days than the demo needs.
    """
    if datadir is None:
        datadir = out / "market"
        write_sample(datadir)
    truth = read_truth(datadir)
    name = f"synthetic sample, seed {truth.seed}" if truth is not None else f"{datadir}"
    files = CandleFiles(datadir)
    spans: dict[str, tuple[datetime, datetime]] = {}
    skipped: dict[str, str] = {}
    candles_by_pair: dict[str, int] = {}
    for one in files.usable(skipped):
        spans[one.pair] = from_ms(int(one.time_ms[0])), from_ms(int(one.time_ms[-1]))
        candles_by_pair[one.pair] = len(one.time_ms)
    first = min(begin for begin, _ in spans.values())
    last = max(end for _, end in spans.values())
    starts_at = _midnight(first + timedelta(days=WARMUP_DAYS))
    ends_at = _midnight(last + timedelta(minutes=5))
    days = (ends_at - starts_at).days
    if days < MINIMUM_DAYS:
        raise MarketError(
            f"{datadir} holds {max(days, 0)} whole days after {WARMUP_DAYS} days of warm-up, the demo needs "
            f"{MINIMUM_DAYS}; download more candles, or leave --market out for a synthetic sample"
        )
    split_at = starts_at + timedelta(days=round(days * LEARNING_SHARE))
    for pair, (_, end) in spans.items():
        if end <= split_at:
            skipped[pair] = f"{pair}: its candles end on {end:%Y-%m-%d}, before the split"
    return DemoMarket(
        name=name,
        datadir=datadir,
        pairs=tuple(sorted(set(spans) - set(skipped))),
        skipped=skipped,
        candles_by_pair=candles_by_pair,
        first=first,
        last=last,
        starts_at=starts_at,
        split_at=split_at,
        ends_at=ends_at,
        truth=truth,
    )


def _midnight(moment: datetime) -> datetime:
    """Return the last midnight UTC at or before `moment`."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
