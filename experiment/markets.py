"""The candles of the experiment: which pairs of a set can be traded, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from freqfleet.clock import from_ms, to_ms
from freqfleet.errors import InputError
from freqfleet.market.candles import CandleFiles

# FleetStrategy asks for 600 candles of 5m before its first entry.
WARM_UP = timedelta(days=3)
SETS = {"bench": "binance", "okx-2022": "okx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A set of candles. Bots trade in [starts_at, ends_at), both midnight UTC.

    whole : pairs that have candles over all of this time and the warm-up before.
    skipped : pairs whose candles cannot be used, with the reasons.
    """

    name: str
    datadir: Path
    pairs: tuple[str, ...]
    whole: frozenset[str]
    starts_at: datetime
    ends_at: datetime
    candles: int
    skipped: Mapping[str, str]

    @property
    def days(self) -> int:
        """How long the bots trade."""
        return (self.ends_at - self.starts_at).days


def open_market(
    shared: Path, name: str, folder: Path, *, most_pairs: int | None, most_days: int | None
) -> Market:
    """Return a set below `shared`/market, cut to the pairs with most candles and to its first days.

    folder : where a datadir of links is made for a set without funding history: mark prices are of no use
        there, and a broken one would keep its pair from being traded.

    Raises InputError where the set is not there, MarketError where none of it can be used.
    """
    datadir = shared / "market" / name / SETS[name]
    if not datadir.is_dir():
        raise InputError(f"no candles at {datadir}; give --shared the folder that holds market/{name}")
    files = CandleFiles(datadir)
    spans: dict[str, tuple[int, int, int]] = {}
    skipped: dict[str, str] = {}
    for one in files.usable(skipped):
        spans[one.pair] = len(one), int(one.time_ms[0]), int(one.time_ms[-1]) + one.timeframe_ms
    longest_first = sorted(spans, key=lambda pair: (-spans[pair][0], pair))
    chosen = sorted(longest_first[:most_pairs])
    first = from_ms(min(spans[pair][1] for pair in chosen)) + WARM_UP
    starts_at = _midnight(first - timedelta(milliseconds=1)) + timedelta(days=1)
    ends_at = _midnight(from_ms(max(spans[pair][2] for pair in chosen)))
    if most_days is not None:
        ends_at = min(ends_at, starts_at + timedelta(days=most_days))
    if not any((datadir / "futures").glob("*-funding_rate.feather")):
        datadir = _last_prices_only(files, chosen, folder)
    return Market(
        name=name,
        datadir=datadir,
        pairs=tuple(chosen),
        whole=frozenset(
            pair
            for pair in chosen
            if spans[pair][1] <= to_ms(starts_at - WARM_UP) and spans[pair][2] >= to_ms(ends_at)
        ),
        starts_at=starts_at,
        ends_at=ends_at,
        candles=sum(spans[pair][0] for pair in chosen),
        skipped=skipped,
    )


def _last_prices_only(files: CandleFiles, pairs: Sequence[str], folder: Path) -> Path:
    (folder / "futures").mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        link = folder / "futures" / files.path(pair).name
        link.unlink(missing_ok=True)
        link.symlink_to(files.path(pair).resolve())
    return folder


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
