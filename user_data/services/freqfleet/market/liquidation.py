"""Where the exchange closes an isolated USDT-margined position, in freqtrade's numbers.

freqtrade 2026.9 computes it in dry-run and backtest from the leverage tiers, looks the tier up by the
margin (not by the position's value, as Binance does), and leaves 5 % of the way to the entry before it.
The same is done here, so that a position ends where freqtrade would have ended it; and the other way
round, how much leverage a stop allows.
"""

from __future__ import annotations

from freqfleet.domain.leverage_choice import LOWEST_LEVERAGE, LeverageLimit
from freqfleet.domain.sides import Side
from freqfleet.domain.units import checked_leverage
from freqfleet.errors import InputError
from freqfleet.market.leverage_tiers import LeverageTier, Tiers

# freqtrade's `liquidation_buffer`: so much of the distance to the entry is kept.
LIQUIDATION_BUFFER_RATIO = 0.05


def liquidation_rate(
    tiers: Tiers,
    *,
    side: Side,
    open_rate: float,
    leverage: float,
    margin_quote: float,
    amount: float | None = None,
    buffer_ratio: float = LIQUIDATION_BUFFER_RATIO,
) -> float:
    """Return the price at which the position is liquidated, not rounded; at least 0.

    margin_quote : the collateral of the position (freqtrade's stake_amount).
    amount : in base currency; where not given, what the margin buys at this leverage.

    Raises InputError for a margin, price, amount or leverage that no position has.
    """
    checked_leverage(leverage)
    bought = margin_quote * leverage / open_rate if amount is None and open_rate > 0.0 else amount
    for name, value in (("margin", margin_quote), ("open rate", open_rate), ("amount", bought)):
        if value is None or not value > 0.0:
            raise InputError(f"the {name} of a position must be above 0, was {value}")
    assert bought is not None
    tier = _tier_of(tiers, margin_quote)
    sign = side.sign
    rate = ((margin_quote + tier.maintenance_amount_quote) - (sign * bought * open_rate)) / (
        (bought * tier.maintenance_ratio) - (sign * bought)
    )
    kept = abs(open_rate - rate) * buffer_ratio
    return max(rate - kept if side.is_short else rate + kept, 0.0)


def leverage_limit(
    tiers: Tiers | None,
    *,
    pair: str,
    side: Side,
    stop_ratio: float,
    stake_quote: float,
    margin: float,
    buffer_ratio: float = LIQUIDATION_BUFFER_RATIO,
) -> LeverageLimit:
    """Return the highest leverage at which the stop lies inside the liquidation price, with a margin.

    tiers : of the pair; None where the exchange's file does not know it: then no leverage is allowed.
    stop_ratio : of the widest stop the position may get, position-level, below zero.
    stake_quote : an upper bound of the collateral; a larger one only lowers the answer.
    margin : how much further than the stop the liquidation price must be: 0.5 is half as far again. It
        leaves room for funding, slippage and the mark price's own way.

    The amount that joins the tiers is left out (it moves liquidation further away), so that the answer holds
    for every size of a tier; `liquidation_rate` at this leverage lies beyond stop_ratio * (1 + margin).
    """
    if tiers is None:
        return LeverageLimit(LOWEST_LEVERAGE, f"the exchange's leverage tiers do not know {pair}")
    maintenance_ratio = max(
        one.maintenance_ratio for one in tiers if one.notional_from_quote <= max(stake_quote, 0.0)
    )
    distance_ratio = -stop_ratio * (1.0 + margin) / (1.0 - buffer_ratio)
    margin_ratio = distance_ratio * (1.0 - side.sign * maintenance_ratio) + maintenance_ratio
    return LeverageLimit(
        1.0 / margin_ratio,
        f"the stop of {-100 * stop_ratio:.3g} % must lie inside liquidation by {margin:.0%}",
    )


def _tier_of(tiers: Tiers, value_quote: float) -> LeverageTier:
    return next(tier for tier in reversed(tiers) if value_quote >= tier.notional_from_quote)
