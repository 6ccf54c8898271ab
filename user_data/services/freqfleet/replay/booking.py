"""How freqtrade's books turn prices of one position into margin-level profits, and back.

Our strategies know their barriers as prices, but freqtrade takes a stop and a target as margin-level
ratios, and rounds profits to eight decimals. On the way there and back a price moves by its last digits.
That decides where it falls when it lies on a price tick, or half way between two: with barriers of whole
percents that is up to one price in a hundred, too many for a replay that claims the same rates.
"""

from __future__ import annotations

from dataclasses import dataclass

from freqfleet.domain.sides import Side
from freqfleet.domain.units import price_move_ratio, to_margin_ratio

# freqtrade rounds every profit ratio it compares to this many decimals.
PROFIT_DECIMALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """How freqtrade turns prices of one position into margin-level profits, and back.

    fee_ratio : per side. funding_ratio : what the position has received in funding so far (paid where
        negative), as a ratio of its value at entry.
    """

    side: Side
    open_rate: float
    leverage: float
    fee_ratio: float
    funding_ratio: float = 0.0

    def profit_ratio(self, rate: float) -> float:
        """Return the margin-level profit of leaving at `rate`, net of fees and funding, rounded."""
        sign = self.side.sign
        kept = rate * (1.0 - sign * self.fee_ratio) + sign * self.funding_ratio * self.open_rate
        profit = sign * (kept / self._entry_value - 1.0) * self.leverage
        return round(profit, PROFIT_DECIMALS)

    def rate_worth(self, profit_ratio: float) -> float:
        """Return the price whose margin-level profit is `profit_ratio`."""
        sign = self.side.sign
        kept = (1.0 + sign * profit_ratio / self.leverage) * self._entry_value
        return (kept - sign * self.funding_ratio * self.open_rate) / (1.0 - sign * self.fee_ratio)

    def stop_as_placed(self, stop_rate: float) -> float:
        """Return the price that becomes of a stop which is handed over as a margin-level ratio."""
        ratio = to_margin_ratio(price_move_ratio(self.open_rate, stop_rate, self.side), self.leverage)
        return self.open_rate * (1.0 - self.side.sign * abs(ratio / self.leverage))

    def target_as_filled(self, target_rate: float) -> float:
        """Return the price that becomes of a target which is handed over as a margin-level ratio."""
        return self.rate_worth(self.profit_ratio(target_rate))

    @property
    def _entry_value(self) -> float:
        return self.open_rate * (1.0 + self.side.sign * self.fee_ratio)
