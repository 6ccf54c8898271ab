"""TripleBarrier: what a feeder's label asks of the market. Labels are for learning; exits are the plan's.

After Lopez de Prado, Advances in Financial Machine Learning (2018), chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from freqfleet.errors import InputError

MAX_HORIZON_CANDLES = 2016  # a week of 5m candles


@dataclass(frozen=True, slots=True, kw_only=True)
class TripleBarrier:
    """Is the target touched before the stop, within the horizon, by a position opened at the next open?

    target_atr, stop_atr : distances from the entry in ATR(14) at the candle that decides.
    horizon_candles : after so many candles the position is closed, and the answer is no.

    Raises InputError with the value that is out of bounds.
    """

    target_atr: float
    stop_atr: float
    horizon_candles: int

    def __post_init__(self) -> None:
        for name, value in (("target_atr", self.target_atr), ("stop_atr", self.stop_atr)):
            if not 0.0 < value <= 100.0:
                raise InputError(f"{name} of a label must lie in 0..100 ATR, was {value}")
        if not 1 <= self.horizon_candles <= MAX_HORIZON_CANDLES:
            raise InputError(
                f"horizon_candles must lie in 1..{MAX_HORIZON_CANDLES}, was {self.horizon_candles}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for a certificate."""
        return {
            "target_atr": self.target_atr,
            "stop_atr": self.stop_atr,
            "horizon_candles": self.horizon_candles,
        }
