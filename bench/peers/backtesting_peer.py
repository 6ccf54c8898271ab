"""backtesting.py: one run a vector over the whole window, with hedging so that trades may overlap."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from bench.peers.protocol import Evaluate, Work, serve

CASH = 1e12  # one unit of anything is affordable


def prepare(work: Work) -> Evaluate:
    """Return the evaluator of this work."""
    warnings.simplefilter("ignore")
    frame = pd.DataFrame(
        {"Open": work.open, "High": work.high, "Low": work.low, "Close": work.close},
        index=pd.to_datetime(work.time_ms, unit="ms"),
    )
    at_candle = {
        int(entry) - 1: number for number, entry in enumerate(work.entry)
    }  # orders fill one open later
    entry_rate = work.open[work.entry]
    due_at = work.entry + work.limit - 1  # closed at the next open

    class Replay(Strategy):
        stop_loss = -0.03
        take_profit = 0.05

        def init(self) -> None:
            pass

        def next(self) -> None:
            now = len(self.data) - 1
            number = at_candle.get(now)
            if number is not None:
                rate, sign = float(entry_rate[number]), int(work.sign[number])
                order = self.buy if sign > 0 else self.sell
                order(
                    size=1,
                    sl=rate * (1.0 + sign * self.stop_loss),
                    tp=rate * (1.0 + sign * self.take_profit),
                    tag=number,
                )
            for trade in self.trades:
                if due_at[trade.tag] == now:
                    trade.close()

    backtest = Backtest(frame, Replay, cash=CASH, hedging=True, finalize_trades=True)

    def evaluate(count: int) -> np.ndarray:
        profits = np.full((count, len(work.entry)), np.nan)
        for vector in range(count):
            found = backtest.run(
                stop_loss=float(work.stop_loss[vector]), take_profit=float(work.take_profit[vector])
            )._trades
            number = found["Tag"].to_numpy().astype(np.int64)
            moved = found["ExitPrice"].to_numpy() / found["EntryPrice"].to_numpy() - 1.0
            profits[vector, number] = work.sign[number] * moved
        return profits

    return evaluate


if __name__ == "__main__":
    serve(prepare)
