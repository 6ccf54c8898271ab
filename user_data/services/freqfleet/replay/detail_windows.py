"""Windows of finer candles: what happened inside the candles, for the trades where that is known.

Where stop and target lie in one candle, nobody knows which came first; 1m candles mostly tell. They are
seldom there for the whole history, so the trades of one pair are of both kinds. All rows of a set of paths
have candles of one length: a trade without finer candles has each of its candles laid out as one that holds
the whole range and flat ones at its close. The rule comes to the same exits in them as in the candles
themselves, ambiguous ones included; only a time limit that ends inside a candle is filled at the close of
that candle and not at the open of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from freqfleet.market.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Windows of n trades. first_open_ms, funding_known : (n,); the others (n, width).

    paid : what a long of one coin pays in funding in each candle, in quote currency.
    """

    first_open_ms: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    paid: FloatArray
    funding_known: BoolArray

    def laid_out(self, parts: int) -> Windows:
        """Return the windows in candles of a `parts`-th of the length: the whole range first, then flat."""
        flat = np.repeat(self.close, parts, axis=1)
        laid = {name: flat.copy() for name in ("open", "high", "low")}
        for name, values in laid.items():
            values[:, ::parts] = getattr(self, name)
        paid = np.zeros_like(flat)
        paid[:, ::parts] = self.paid
        return Windows(
            first_open_ms=self.first_open_ms,
            **laid,
            close=flat,
            paid=paid,
            funding_known=self.funding_known,
        )

    def replaced(self, rows: IntArray, others: Windows) -> Windows:
        """Return the windows with those of `others`, of the same width, in the place of some rows."""
        values = {}
        for name in self.__slots__:
            column = getattr(self, name).copy()
            column[rows] = getattr(others, name)
            values[name] = column
        return Windows(**values)
