"""Candles and funding rates, read from freqtrade's own datadir.

Two ways in: `CandleFiles.load` gives plain NumPy arrays within milliseconds, for replay and search;
`CandleFiles.frame` asks freqtrade's data handler for the DataFrame a strategy would get.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from freqfleet.clock import from_ms, iso, to_ms
from freqfleet.domain.pairs import checked_pair
from freqfleet.errors import InputError, MarketError
from freqfleet.market.feather import ReadColumns, read_columns
from freqfleet.market.series import PRICE_COLUMNS, Candles, Funding, Gap
from freqfleet.market.soundness import find_flaws
from freqfleet.market.timeframes import HOUR_MS, timeframe_ms

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CandleFiles", "Candles", "Funding", "Gap"]

FUNDING_TIMEFRAMES = ("1h", "8h")


class CandleFiles:
    """The futures candles of one freqtrade datadir, for example `user_data/data/binance`.

    as_of : rows of candles that were not finished, and funding that was not due, at that time are as if the
        files did not hold them: a flaw in them is nobody's reason yet. None means every row. `frame` and
        `load_mark` read every row in any case.
    read : reads columns of a file; see `market.feather.KeptColumns`.
    """

    def __init__(
        self,
        datadir: Path,
        timeframe: str = "5m",
        *,
        as_of: datetime | None = None,
        read: ReadColumns = read_columns,
    ) -> None:
        self.datadir = datadir
        self.timeframe = timeframe
        self.timeframe_ms = timeframe_ms(timeframe)
        self._as_of = as_of
        self._read = read

    def path(self, pair: str, candle_type: str = "futures", timeframe: str | None = None) -> Path:
        """Return where freqtrade keeps a pair's `futures`, `mark` or `funding_rate` file."""
        name = checked_pair(pair).replace("/", "_").replace(":", "_")
        return self.datadir / "futures" / f"{name}-{timeframe or self.timeframe}-{candle_type}.feather"

    def pairs(self) -> list[str]:
        """Return the pairs that have futures candles of this timeframe, sorted.

        Raises MarketError where the datadir is missing or holds none.
        """
        found, _ = self._names()
        if not found:
            raise MarketError(f"no {self.timeframe} futures candles in {self.datadir}; {self._remedy()}")
        return found

    def strangers(self) -> list[str]:
        """Return files of this timeframe whose name is no pair, for example delivery futures: not read."""
        return self._names()[1]

    def load(self, pair: str) -> Candles:
        """Read one pair's candles and check them.

        Raises MarketError with the pair, the file, the first flaw and the remedy. Gaps are no flaw.
        """
        candles = self.load_unchecked(pair)
        flaws = find_flaws(candles)
        if flaws:
            raise MarketError(
                f"{pair}: {flaws[0].describe(candles)} in {self.path(pair)}; {self._download(pair)} --erase"
            )
        return candles

    def load_if_there(self, pair: str) -> Candles | None:
        """Read one pair's candles as `load` does; None where there is no file of them."""
        return self.load(pair) if self.path(pair).is_file() else None

    def usable(self, skipped: dict[str, str]) -> Iterator[Candles]:
        """Yield the candles of every pair that can be used, by pair; `skipped` gets the others' reasons.

        Raises MarketError with every reason where no pair can be used.
        """
        none = True
        for pair in self.pairs():
            try:
                candles = self.load(pair)
            except MarketError as error:
                skipped[pair] = str(error)
                continue
            none = False
            yield candles
        if none:
            raise MarketError(f"no usable pair at {self.datadir}: {'; '.join(skipped.values())}")

    def load_unchecked(self, pair: str) -> Candles:
        """Read one pair's candles as they are: for `data check`, which counts every flaw.

        Raises MarketError where the file is missing, unreadable or empty.
        """
        path = self.path(pair)
        if not path.is_file():
            self._names()  # a missing datadir has its own remedy
            raise MarketError(f"{pair}: no file {path}; {self._download(pair)}")
        columns = self._read(path, ("date", *PRICE_COLUMNS, "volume"), label=pair)
        if not len(columns["date"]):
            raise MarketError(f"{pair}: no candles in {path}; {self._download(pair)} --erase")
        columns = self._known(columns, self.timeframe_ms)
        if not len(columns["date"]):
            assert self._as_of is not None
            raise MarketError(f"{pair}: no candle of {path} was finished by {iso(self._as_of)}")
        return Candles(
            pair=pair,
            timeframe_ms=self.timeframe_ms,
            time_ms=columns["date"].astype(np.int64, copy=False),
            **{name: columns[name] for name in (*PRICE_COLUMNS, "volume")},
        )

    def load_funding(self, pair: str) -> Funding | None:
        """Read one pair's funding rates from the 1h file, else from the 8h one; None where neither is,
        or where it begins after `as_of`.

        Both layouts are read: `date, funding_rate`, and the older candles with the rate in `open`.
        Raises MarketError for a file that is unreadable, empty, unsorted or holds NaN.
        """
        for timeframe in FUNDING_TIMEFRAMES:
            path = self.path(pair, "funding_rate", timeframe)
            if path.is_file():
                return self._read_funding(pair, timeframe, path)
        return None

    def load_mark(self, pair: str) -> Candles | None:
        """Read one pair's hourly mark prices; None where there is no file.

        Raises MarketError for a file that is unreadable, or whose rows are not in order.
        """
        path = self.path(pair, "mark", "1h")
        if not path.is_file():
            return None
        columns = read_columns(path, ("date", *PRICE_COLUMNS, "volume"), label=f"{pair} mark")
        mark = Candles(
            pair=pair,
            timeframe_ms=HOUR_MS,
            time_ms=columns["date"].astype(np.int64, copy=False),
            **{name: columns[name] for name in (*PRICE_COLUMNS, "volume")},
        )
        if (np.diff(mark.time_ms) <= 0).any():
            raise MarketError(
                f"{pair}: mark candles must rise in time, in {path}; {self._download(pair)} --erase"
            )
        return mark

    def frame(self, pair: str) -> pd.DataFrame:
        """Return what freqtrade's data handler reads: `date` (UTC), open, high, low, close, volume.

        Nothing is filled in. Raises MarketError where freqtrade finds no candles.
        """
        # freqtrade takes seconds to import; processes that only replay must not pay for it.
        from freqtrade.data.history import get_datahandler  # noqa: PLC0415
        from freqtrade.enums import CandleType  # noqa: PLC0415

        path = self.path(pair)
        if not path.is_file():
            raise MarketError(f"{pair}: no file {path}; {self._download(pair)}")
        frame: pd.DataFrame = get_datahandler(self.datadir, "feather").ohlcv_load(
            pair, self.timeframe, CandleType.FUTURES, fill_missing=False, warn_no_data=False
        )
        if frame.empty:
            raise MarketError(
                f"{pair}: freqtrade reads no candles from {path}; {self._download(pair)} --erase"
            )
        return frame

    def _known(self, columns: dict[str, Any], step_ms: int) -> dict[str, Any]:
        """Return the rows up to the first one that ended after `as_of`, in the order of the file.

        Not every row that ended before: what a file holds behind that row came later than it.
        """
        if self._as_of is None:
            return columns
        unknown = columns["date"] + step_ms > to_ms(self._as_of)
        if not unknown.any():
            return columns
        rows = int(np.argmax(unknown))
        return {name: values[:rows] for name, values in columns.items()}

    def _read_funding(self, pair: str, timeframe: str, path: Path) -> Funding | None:
        columns = self._read(path, ("date", "funding_rate|open"), label=f"{pair} funding")
        remedy = f"{self._download(pair)} --erase"
        if not len(columns["date"]):
            raise MarketError(f"{pair}: no funding rates in {path}; {remedy}")
        columns = self._known(columns, 0)
        rate = columns["funding_rate|open"]
        if not len(rate):
            return None
        unknown = int(np.isnan(rate).sum())
        if unknown:
            raise MarketError(f"{pair}: {unknown} funding rates are NaN in {path}; {remedy}")
        time_ms = columns["date"].astype(np.int64) // HOUR_MS * HOUR_MS
        backwards = np.flatnonzero(np.diff(time_ms) <= 0)
        if len(backwards):
            when = iso(from_ms(int(time_ms[backwards[0] + 1])))
            raise MarketError(f"{pair}: funding hours must rise, {when} does not, in {path}; {remedy}")
        return Funding(pair=pair, timeframe=timeframe, time_ms=time_ms, rate=rate)

    def _names(self) -> tuple[list[str], list[str]]:
        """Return (pairs, files whose name is no pair); raises MarketError for a missing folder."""
        if not self.datadir.is_dir():
            raise MarketError(f"no candle folder {self.datadir}; {self._remedy()}")
        suffix = f"-{self.timeframe}-futures.feather"
        pairs, strangers = [], []
        for file in sorted((self.datadir / "futures").glob(f"*{suffix}")):
            pair = file.name.removesuffix(suffix).replace("_", "/", 1).replace("_", ":", 1)
            try:
                pairs.append(checked_pair(pair))
            except InputError:
                strangers.append(file.name)
        return sorted(pairs), strangers

    def _remedy(self) -> str:
        for candidate in (self.datadir.parent, *sorted(self.datadir.glob("*/"))):
            if any((candidate / "futures").glob(f"*-{self.timeframe}-futures.feather")):
                return f"did you mean --datadir {candidate}?"
        return (
            "fill it with: freqtrade download-data -c user_data/config/bot1.json --days 120 "
            f"--timeframes {self.timeframe}, or make a synthetic one: freqfleet data sample --out DIR"
        )

    def _download(self, pair: str) -> str:
        return (
            "download it: freqtrade download-data -c user_data/config/bot1.json "
            f"--timeframes {self.timeframe} --pairs {pair}"
        )
