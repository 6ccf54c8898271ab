"""vectorbt: every trade under every vector is a column of its own, so that trades may overlap.

A row before the entry candle buys at the entry price; the last row is flat at the open that ends the time
limit, where open positions are valued. Arrays are laid out before the clock starts, in vectorbt's favour.
"""

from __future__ import annotations

import numpy as np
import vectorbt as vbt

from bench.peers.protocol import Evaluate, Work, serve


def prepare(work: Work) -> Evaluate:
    """Return the evaluator of this work."""
    trades = len(work.entry)
    entry_rate = work.open[work.entry]
    columns: dict[int, list[np.ndarray]] = {}

    def laid_out(count: int) -> list[np.ndarray]:
        if count not in columns:
            columns.clear()
            prices = []
            for one in work.windows():
                rows = np.vstack([entry_rate, one.T])
                rows[-1] = work.open[work.entry + work.limit]
                prices.append(np.tile(rows, (1, count)))
            columns[count] = prices
        return columns[count]

    def evaluate(count: int) -> np.ndarray:
        open_, high, low, close = laid_out(count)
        entries = np.zeros(close.shape, dtype=np.bool_)
        entries[0] = True
        is_long = np.tile(work.sign > 0, count)
        never = np.zeros_like(entries)
        portfolio = vbt.Portfolio.from_signals(
            close,
            entries=entries & is_long,
            exits=never,
            short_entries=entries & ~is_long,
            short_exits=never,
            open=open_,
            high=high,
            low=low,
            sl_stop=np.repeat(-work.stop_loss[:count], trades)[None, :],
            tp_stop=np.repeat(work.take_profit[:count], trades)[None, :],
            init_cash=np.inf,
            size=1.0,
            fees=0.0,
            freq="5min",
        )
        positions = portfolio.positions.records
        profits = np.full(close.shape[1], np.nan)
        profits[positions["col"].to_numpy()] = positions["return"].to_numpy()
        return profits.reshape(count, trades)

    return evaluate


if __name__ == "__main__":
    serve(prepare)
