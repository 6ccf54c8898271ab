"""Where the exchange closes an isolated USDT-margined position, in freqtrade's numbers.

freqtrade 2026.9 computes it in dry-run and backtest from the leverage tiers, looks the tier up by the
margin (not by the position's value, as Binance does), and leaves 5 % of the way to the entry before it.
The same is done here, so that a position ends where freqtrade would have ended it.
"""

from __future__ import annotations

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


def _tier_of(tiers: Tiers, value_quote: float) -> LeverageTier:
    return next(tier for tier in reversed(tiers) if value_quote >= tier.notional_from_quote)
