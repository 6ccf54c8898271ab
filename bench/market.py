"""The load: pair-windows of 5m candles in a freqtrade datadir, cut from real candles or from a sample.

Long histories are cut into disjoint windows, each under a name of its own. When there are more windows
asked for than the candles hold, windows are used again under another name: that is load, not evidence, and
the report says how many.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather

from bench.measure import BenchError
from freqfleet.domain.pairs import checked_pair

CANDLES_PER_DAY = 288
SUFFIX = "-5m-futures.feather"
FUNDING_SUFFIX = "-1h-funding_rate.feather"
# (set, exchange, letter in the names of its windows), in the order in which they are taken.
REAL_SETS = (("bench", "binance", "B"), ("okx-2022", "okx", "O"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One pair-window. first : its first row in `source`, a candle file. again : the window it repeats."""

    pair: str
    source: Path
    first: int
    again: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """The windows that were written to `datadir`. described : where they come from, for the report."""

    datadir: Path
    windows: tuple[Window, ...]
    candles_each: int
    described: str
    real: bool

    @property
    def pairs(self) -> tuple[str, ...]:
        """The names of the windows."""
        return tuple(one.pair for one in self.windows)


def write_market(folder: Path, *, windows: int, days: int, shared: Path | None, seed: int) -> Market:
    """Write `windows` pair-windows of `days` days to a datadir below `folder`.

    shared : a folder with market/<set>/<exchange> of real candles; None, or one without them, means that a
        synthetic sample is made.
    """
    rows = days * CANDLES_PER_DAY - 1  # histories of 180 days hold two such windows, less a candle
    sources = [] if shared is None else _real_sources(shared)
    real = bool(sources)
    if not sources:
        sources = [("S", file) for file in _sample(folder / "sample", windows, days, seed)]
    distinct = list(islice(_cut(sources, rows), windows))
    if not distinct:
        raise BenchError(f"no candle file holds {days} days; give fewer days, or other candles")
    chosen = distinct + [_again(distinct, index) for index in range(windows - len(distinct))]
    datadir = folder / "market"
    (datadir / "futures").mkdir(parents=True)
    for one in chosen:
        _write(one, datadir, rows)
    return Market(
        datadir=datadir,
        windows=tuple(chosen),
        candles_each=rows,
        described=_describe(chosen, len(distinct), rows, real=real),
        real=real,
    )


def under_its_own_name(market: Market, one: Window, folder: Path) -> tuple[Path, str]:
    """Put the candles of a window into a datadir under the pair they are of, and return both.

    freqtrade trades no futures pair without leverage tiers, and knows them by name.
    """
    pair = one.source.name.removesuffix(SUFFIX).replace("_", "/", 1).replace("_", ":", 1)
    _link_pair(market.datadir, one.pair, folder, checked_pair(pair))
    return folder, pair


def link_windows(market: Market, part: Market) -> None:
    """Fill the datadir of `part`, some windows of `market`, with links to the same files."""
    for pair in part.pairs:
        _link_pair(market.datadir, pair, part.datadir, pair)


def candle_file(datadir: Path, pair: str, suffix: str = SUFFIX) -> Path:
    """Return where freqtrade keeps a file of a pair."""
    return datadir / "futures" / f"{pair.replace('/', '_').replace(':', '_')}{suffix}"


def _real_sources(shared: Path) -> list[tuple[str, Path]]:
    folders = (
        (letter, shared / "market" / name / exchange / "futures") for name, exchange, letter in REAL_SETS
    )
    return [(letter, file) for letter, folder in folders for file in sorted(folder.glob(f"*{SUFFIX}"))]


def _sample(folder: Path, windows: int, days: int, seed: int) -> list[Path]:
    from freqfleet.market.sample import write_sample  # noqa: PLC0415 - imports freqtrade
    from freqfleet.market.sample_pairs import SAMPLE_PAIRS  # noqa: PLC0415

    write_sample(folder, min(windows, len(SAMPLE_PAIRS)), days, seed)
    return sorted((folder / "futures").glob(f"*{SUFFIX}"))


def _cut(sources: Sequence[tuple[str, Path]], rows: int) -> Iterator[Window]:
    """Yield every disjoint window: the first one of every file of a set, then the second ones."""
    for letter in dict.fromkeys(letter for letter, _ in sources):
        lengths = {file: _length(file) for one, file in sources if one == letter}
        for turn in range(max(lengths.values()) // rows):
            for file, length in lengths.items():
                if length >= (turn + 1) * rows:
                    base = file.name.removesuffix(SUFFIX).split("_")[0]
                    pair = checked_pair(f"{base}{letter}{turn + 1}/USDT:USDT")
                    yield Window(pair=pair, source=file, first=turn * rows)


def _again(distinct: Sequence[Window], index: int) -> Window:
    time, one = 2 + index // len(distinct), distinct[index % len(distinct)]
    base, quote = one.pair.split("/")
    return Window(
        pair=checked_pair(f"{base}X{time}/{quote}"), source=one.source, first=one.first, again=one.pair
    )


def _length(file: Path) -> int:
    with pa.OSFile(str(file)) as opened:
        rows: int = pa.ipc.open_file(opened).read_all().num_rows
        return rows


def _write(one: Window, datadir: Path, rows: int) -> None:
    if one.again is not None:
        _link_pair(datadir, one.again, datadir, one.pair)
        return
    target = candle_file(datadir, one.pair)
    candles = feather.read_table(one.source).slice(one.first, rows)
    feather.write_feather(candles, target, compression="lz4")
    known = one.source.with_name(one.source.name.removesuffix(SUFFIX) + FUNDING_SUFFIX)
    if known.is_file():
        rates = feather.read_table(known)
        day = pa.scalar(timedelta(days=1), pa.duration("ms"))
        after = pc.greater_equal(rates["date"], pc.subtract(pc.min(candles["date"]), day))
        before = pc.less_equal(rates["date"], pc.max(candles["date"]))
        funding = candle_file(datadir, one.pair, FUNDING_SUFFIX)
        feather.write_feather(rates.filter(pc.and_(after, before)), funding, compression="lz4")


def _link_pair(source: Path, pair: str, target: Path, name: str) -> None:
    (target / "futures").mkdir(parents=True, exist_ok=True)
    for suffix in (SUFFIX, FUNDING_SUFFIX):
        if (file := candle_file(source, pair, suffix)).is_file():
            _link(file, candle_file(target, name, suffix))


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _describe(chosen: Sequence[Window], distinct: int, rows: int, *, real: bool) -> str:
    days = rows / CANDLES_PER_DAY
    if real:
        parts = [
            f"{count} of {name}"
            for name, _, letter in REAL_SETS
            if (
                count := sum(
                    one.pair.split("/")[0].rstrip("0123456789")[-1] == letter for one in chosen[:distinct]
                )
            )
        ]
        origin = f"real candles, {distinct} disjoint windows ({', '.join(parts)})"
    else:
        origin = f"SYNTHETIC sample, {distinct} disjoint windows"
    again = len(chosen) - distinct
    more = f", {again} of them used again under another name" if again else ""
    return f"{len(chosen)} pair-windows of {rows:,} candles of 5m ({days:.1f} days): {origin}{more}"
