"""The stop that freqtrade holds for a trade, where the plan's comes nearer by itself."""

from __future__ import annotations

from typing import Any

from freqfleet.domain.sides import Side
from freqfleet.domain.units import price_move_ratio, to_margin_ratio


def move_stop(trade: Any, stop_rate: float, rate: float) -> None:
    """Bring the stop of a freqtrade trade to `stop_rate`, on its price tick towards `rate`, the price now.

    It never moves away: a stop that is not nearer changes nothing.

    freqtrade takes a stop as a distance from a price. Given as one from `rate`, a stop that lies on a tick
    would lose its last digit on the way and be rounded to the next tick; so it is given as none from itself.
    Nor would `custom_stoploss` do: freqtrade does not ask it in a candle that reaches the old stop, which is
    just where the new one ends the position.
    """
    side = Side.of(is_short=trade.is_short)
    if side.sign * (stop_rate - trade.stop_loss) <= 0.0:
        return
    trade.adjust_stop_loss(stop_rate, 0.0)
    trade.stop_loss_pct = to_margin_ratio(price_move_ratio(rate, stop_rate, side), trade.leverage)
