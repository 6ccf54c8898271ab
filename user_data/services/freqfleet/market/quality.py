"""`data check`: what a datadir holds, pair by pair, without repairing anything.

A verdict is reached in one place: a pair is *unusable* exactly when `CandleFiles.load` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from freqfleet.clock import from_ms, iso
from freqfleet.errors import MarketError
from freqfleet.market.candles import FUNDING_TIMEFRAMES, CandleFiles
from freqfleet.market.series import Candles
from freqfleet.market.soundness import FlawKind, find_flaws

# freqtrade looks for mark prices and funding rates of Binance and OKX futures at 1h and nowhere else.
HOST_TIMEFRAME = "1h"
COVERAGE_REMARK_BELOW_RATIO = 0.99  # a pair that begins later or ends earlier than this is remarked upon


class PairVerdict(StrEnum):
    """May this pair be replayed and learned from?"""

    OK = "ok"
    USABLE = "usable"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class PairQuality:
    """What one pair's files hold.

    reason : why the pair is unusable; None otherwise.
    remarks : what a person should know of a usable pair.
    first, last : opens of the first and the last candle; None where nothing could be read.
    gaps, missing_candles, largest_gap : holes inside, candles missing in all of them and in the largest.
    flaws : rows by kind of flaw; any of them makes the pair unusable.
    outside_rows : candles whose open or close lies outside low..high, by an exchange's slip.
    coverage_ratio : candles present, of those expected between the first and the last candle of the whole
        datadir; a pair that was listed later has less.
    common_coverage_ratio : the same over the time that all readable pairs share; None where they share none.
    mark, funding : timeframe of the file that is there, `1h` before `8h`; None where neither is.
    """

    pair: str
    verdict: PairVerdict
    reason: str | None = None
    remarks: tuple[str, ...] = ()
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    gaps: int = 0
    missing_candles: int = 0
    largest_gap: int = 0
    flaws: dict[FlawKind, int] = field(default_factory=dict)
    outside_rows: int = 0
    zero_volume: int = 0
    coverage_ratio: float | None = None
    common_coverage_ratio: float | None = None
    mark: str | None = None
    funding: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A span of candle opens, both ends in it, in milliseconds."""

    first_ms: int
    last_ms: int

    def expected(self, timeframe_ms: int) -> int:
        """Return how many candles a series without holes has in it."""
        return (self.last_ms - self.first_ms) // timeframe_ms + 1

    def coverage(self, candles: Candles) -> float:
        """Return the share of expected candles that are there; one time counts once."""
        times = np.unique(candles.time_ms)
        inside = int(((times >= self.first_ms) & (times <= self.last_ms)).sum())
        return inside / self.expected(candles.timeframe_ms)


def check_datadir(files: CandleFiles) -> list[PairQuality]:
    """Return what every pair of a datadir holds, sorted by pair.

    Raises MarketError where the datadir is missing or holds no candles of the timeframe.
    """
    readable: dict[str, Candles] = {}
    unreadable: dict[str, str] = {}
    for pair in files.pairs():
        try:
            readable[pair] = files.load_unchecked(pair)
        except MarketError as error:
            unreadable[pair] = str(error)
    whole, common = _windows(list(readable.values()))
    checked = [_check_pair(files, candles, whole, common) for candles in readable.values()]
    broken = [
        PairQuality(pair=pair, verdict=PairVerdict.UNUSABLE, reason=reason)
        for pair, reason in unreadable.items()
    ]
    return sorted([*checked, *broken], key=lambda quality: quality.pair)


def common_window(qualities: Sequence[PairQuality]) -> tuple[datetime, datetime] | None:
    """Return the first and last candle open that all readable pairs share; None where they share none."""
    firsts = [quality.first for quality in qualities if quality.first is not None]
    lasts = [quality.last for quality in qualities if quality.last is not None]
    if not firsts or max(firsts) > min(lasts):
        return None
    return max(firsts), min(lasts)


def _windows(series: Sequence[Candles]) -> tuple[Window | None, Window | None]:
    """Return (the span of the whole datadir, the span that all pairs share)."""
    if not series:
        return None, None
    firsts = [int(candles.time_ms.min()) for candles in series]
    lasts = [int(candles.time_ms.max()) for candles in series]
    common = Window(max(firsts), min(lasts)) if max(firsts) <= min(lasts) else None
    return Window(min(firsts), max(lasts)), common


def _check_pair(
    files: CandleFiles, candles: Candles, whole: Window | None, common: Window | None
) -> PairQuality:
    assert whole is not None, "a pair that was read spans some time"
    pair = candles.pair
    flaws = find_flaws(candles)
    # Between rows in disorder there is no hole to count.
    gaps = [] if any(flaw.kind is FlawKind.UNSORTED for flaw in flaws) else candles.gaps()
    facts = PairQuality(
        pair=pair,
        verdict=PairVerdict.OK,
        rows=len(candles),
        first=from_ms(int(candles.time_ms.min())),
        last=from_ms(int(candles.time_ms.max())),
        gaps=len(gaps),
        missing_candles=sum(gap.missing for gap in gaps),
        largest_gap=max((gap.missing for gap in gaps), default=0),
        flaws={flaw.kind: flaw.rows for flaw in flaws},
        outside_rows=_outside(candles),
        zero_volume=int((candles.volume == 0.0).sum()),
        coverage_ratio=whole.coverage(candles),
        common_coverage_ratio=common.coverage(candles) if common is not None else None,
        mark=_present(files, pair, "mark"),
        funding=_present(files, pair, "funding_rate"),
    )
    if flaws:
        reason = "; ".join(flaw.describe(candles) for flaw in flaws)
        return replace(facts, verdict=PairVerdict.UNUSABLE, reason=reason)
    remarks = tuple(_remarks(facts, from_ms(whole.first_ms), from_ms(whole.last_ms), files))
    return replace(facts, verdict=PairVerdict.USABLE if remarks else PairVerdict.OK, remarks=remarks)


def _remarks(facts: PairQuality, first: datetime, last: datetime, files: CandleFiles) -> Iterator[str]:
    """Yield what a person should know of a pair that can be used."""
    assert facts.first is not None
    assert facts.last is not None
    if facts.gaps:
        gaps = f"{facts.gaps} gaps, at most {facts.largest_gap} in a row"
        yield f"{facts.missing_candles} candles missing in {gaps}"
    tolerance = (1.0 - COVERAGE_REMARK_BELOW_RATIO) * (last - first)
    if facts.first - first > tolerance:
        yield f"begins {iso(facts.first)}, the datadir {iso(first)}"
    if last - facts.last > tolerance:
        yield f"ends {iso(facts.last)}, the datadir {iso(last)}"
    if facts.outside_rows:
        yield f"{facts.outside_rows} candles have open or close outside low..high"
    if facts.zero_volume:
        yield f"{facts.zero_volume} candles without volume"
    yield from _host_remarks(facts)
    try:
        files.load_funding(facts.pair)
    except MarketError as error:
        yield f"funding is not usable: {error}"


def _host_remarks(facts: PairQuality) -> Iterator[str]:
    """Yield what freqtrade will not find; it says nothing itself and counts funding as 0."""
    files = {"mark prices": facts.mark, "funding rates": facts.funding}
    absent = [name for name, timeframe in files.items() if timeframe is None]
    if absent:
        yield f"no {' and no '.join(absent)}: freqtrade's backtests count funding as 0"
    for elsewhere in sorted({*files.values()} - {None, HOST_TIMEFRAME}, key=str):
        names = " and ".join(name for name, timeframe in files.items() if timeframe == elsewhere)
        yield (
            f"{names} at {elsewhere} only: freqtrade looks for {HOST_TIMEFRAME}, does not find them and "
            "counts funding as 0"
        )


def _outside(candles: Candles) -> int:
    """Count rows whose open or close lies outside low..high, where high and low are in order."""
    highest = np.maximum(candles.open, candles.close)
    lowest = np.minimum(candles.open, candles.close)
    outside = (highest > candles.high) | (lowest < candles.low)
    return int((outside & (candles.high >= candles.low)).sum())


def _present(files: CandleFiles, pair: str, candle_type: str) -> str | None:
    for timeframe in FUNDING_TIMEFRAMES:
        if files.path(pair, candle_type, timeframe).is_file():
            return timeframe
    return None
