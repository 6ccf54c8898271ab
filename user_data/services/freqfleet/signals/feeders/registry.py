"""The feeders that vote. A new one: a file here, its twin in tests/signals/feeders/, a line below."""

from __future__ import annotations

from freqfleet.signals.feeder import Feeder
from freqfleet.signals.feeders.breakout import Breakout
from freqfleet.signals.feeders.momentum import Momentum
from freqfleet.signals.feeders.reversion import Reversion
from freqfleet.signals.feeders.trend import Trend

# The order decides which feeder a tag names when two are equally sure.
FEEDERS: tuple[Feeder, ...] = (
    Trend(),
    Momentum(),
    Reversion(),
    Breakout(),
)
