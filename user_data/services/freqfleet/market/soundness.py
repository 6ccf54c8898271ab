"""What makes candles unusable: the rules that `CandleFiles.load` enforces and `data check` counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from freqfleet.clock import from_ms, iso
from freqfleet.market.arrays import BoolArray
from freqfleet.market.series import PRICE_COLUMNS, Candles


class FlawKind(StrEnum):
    """The ways in which a row breaks a series, in the order in which they are looked for."""

    OFF_GRID = "off_grid"
    UNSORTED = "unsorted"
    DUPLICATE = "duplicate"
    NAN = "nan"
    NOT_POSITIVE = "not_positive"
    HIGH_BELOW_LOW = "high_below_low"


_WORDS = {
    FlawKind.OFF_GRID: "{rows} candle times lie off the grid of {minutes} minutes",
    FlawKind.UNSORTED: "{rows} candles are older than the one before them",
    FlawKind.DUPLICATE: "{rows} candles repeat the time of the one before them",
    FlawKind.NAN: "{rows} candles hold NaN",
    FlawKind.NOT_POSITIVE: "{rows} candles have a price that is not a number above 0",
    FlawKind.HIGH_BELOW_LOW: "{rows} candles have high below low",
}


@dataclass(frozen=True, slots=True)
class Flaw:
    """One kind of broken row: how many there are, and the index of the first."""

    kind: FlawKind
    rows: int
    first: int

    def describe(self, candles: Candles) -> str:
        """Say it in words, with the time of the first such candle."""
        words = _WORDS[self.kind].format(rows=self.rows, minutes=candles.timeframe_ms // 60_000)
        return f"{words} (first at {iso(from_ms(int(candles.time_ms[self.first])))})"


def find_flaws(candles: Candles) -> list[Flaw]:
    """Return every kind of flaw that occurs, in the order of FlawKind; an empty list is a sound series."""
    steps = np.diff(candles.time_ms, prepend=candles.time_ms[:1] - candles.timeframe_ms)
    prices = np.stack([getattr(candles, name) for name in PRICE_COLUMNS])
    nan = np.isnan(prices).any(axis=0) | np.isnan(candles.volume)
    broken: dict[FlawKind, BoolArray] = {
        FlawKind.OFF_GRID: candles.time_ms % candles.timeframe_ms != 0,
        FlawKind.UNSORTED: steps < 0,
        FlawKind.DUPLICATE: steps == 0,
        FlawKind.NAN: nan,
        FlawKind.NOT_POSITIVE: ~nan & ~(np.isfinite(prices) & (prices > 0.0)).all(axis=0),
        FlawKind.HIGH_BELOW_LOW: candles.high < candles.low,
    }
    return [Flaw(kind, int(rows.sum()), int(np.argmax(rows))) for kind, rows in broken.items() if rows.any()]
