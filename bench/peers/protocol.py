"""How the contest speaks with an engine: a file with the work, one line to start, one line of answer.

Runs in any venv: NumPy and the standard library only. An engine gets the work once, evaluates one vector to
warm up (compilers compile, caches fill), says that it is ready, and then evaluates the first `count`
vectors whenever it is asked. Its gross profits go to a file, its CPU seconds to the answer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One pair-window, n trades, v vectors. No costs: engines book fees on different bases.

    time_ms, open, high, low, close : (candles,).
    entry : the candle at whose open a trade begins, rising; (n,). sign : +1 long, -1 short; (n,).
    stop_loss, take_profit : ratios of the entry price, -0.03 and 0.05; (v,).
    limit : candles after the entry at whose open a position is closed. tick : the price step.
    """

    time_ms: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    entry: np.ndarray
    sign: np.ndarray
    stop_loss: np.ndarray
    take_profit: np.ndarray
    limit: int
    tick: float
    pair: str
    datadir: str

    def save(self, file: Path) -> None:
        """Write the work to an .npz file."""
        arrays: dict[str, Any] = {one.name: np.asarray(getattr(self, one.name)) for one in fields(self)}
        np.savez(file, **arrays)

    @classmethod
    def load(cls, file: Path) -> Work:
        """Read what `save` wrote."""
        with np.load(file) as stored:
            values = {name: stored[name] for name in stored.files}
        plain = {name: values[name].item() for name in ("limit", "tick", "pair", "datadir")}
        return cls(**{**values, **plain})

    def windows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return open, high, low, close from each entry to its time limit, both included; (n, limit + 1)."""
        rows = self.entry[:, None] + np.arange(self.limit + 1)
        return self.open[rows], self.high[rows], self.low[rows], self.close[rows]


# Gross profits of all trades under the first so many vectors: (count, n), NaN where one is missing.
Evaluate = Callable[[int], np.ndarray]


def serve(prepare: Callable[[Work], Evaluate]) -> None:
    """Answer the contest until it closes the line.

    Libraries print where they like: their words go to stderr.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    evaluate = prepare(Work.load(Path(sys.argv[1])))
    evaluate(1)
    answers.write("ready\n")
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.process_time()
        profits = evaluate(asked["count"])
        spent = time.process_time() - began
        np.save(asked["file"], profits)
        answers.write(json.dumps({"cpu_seconds": spent}) + "\n")
