"""Candle files for tests that lose or interrupt a worker; in a module that worker processes can import."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from freqfleet.market.candles import CandleFiles


@dataclass(frozen=True)
class DeadlyFiles:
    """Candle files whose reader is killed, as for want of memory."""

    files: CandleFiles

    def pairs(self):
        return self.files.pairs()

    def load(self, pair):
        os.kill(os.getpid(), signal.SIGKILL)

    def load_funding(self, pair):
        return None


@dataclass(frozen=True)
class InterruptedFiles:
    """Candle files whose reader is interrupted, as by Ctrl-C at the terminal."""

    files: CandleFiles

    def pairs(self):
        return self.files.pairs()

    def load(self, pair):
        os.kill(os.getpid(), signal.SIGINT)
        return self.files.load(pair)

    def load_funding(self, pair):
        return self.files.load_funding(pair)

    def load_detail(self, pair):
        return self.files.load_detail(pair)
