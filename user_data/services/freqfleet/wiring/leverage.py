"""How bots choose leverage, and which class-level stop leaves it room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from freqfleet.errors import SettingsError
from freqfleet.settings import Settings

if TYPE_CHECKING:
    from freqfleet.runtime.leverage import LeverageRule

_WIDEST_HOST_STOPLOSS = -0.99  # freqtrade takes nothing below -1
_LARGE_STAKE_QUOTE = 100_000.0  # for the tier, where the config leaves the stake open


def leverage_rule(settings: Settings, stake_amount: Any) -> LeverageRule:
    """Return how bots choose leverage. stake_amount : of the host's config, a number or `unlimited`."""
    from freqfleet.domain.leverage_choice import STAKE_MULTIPLIER_BOUNDS
    from freqfleet.market.leverage_tiers import load_leverage_tiers
    from freqfleet.runtime.leverage import LeverageRule

    runtime = settings.runtime
    most = STAKE_MULTIPLIER_BOUNDS[1] if runtime.stake_by_evidence else 1.0
    fixed = isinstance(stake_amount, int | float) and not isinstance(stake_amount, bool)
    return LeverageRule(
        wanted=runtime.leverage,
        by_evidence=runtime.leverage_by == "evidence",
        tiers=load_leverage_tiers() if runtime.stop_inside_liquidation else None,
        liquidation_margin=runtime.liquidation_margin,
        stake_quote=most * float(stake_amount) if fixed else _LARGE_STAKE_QUOTE,
    )


def check_stoploss(bot: str, stoploss: float, leverage: LeverageRule) -> None:
    """Refuse a class-level `stoploss` that would end positions before their plan's stop does.

    stoploss : margin-level, from the strategy or the bot's config. Raises SettingsError with the remedy.
    """
    widest = max(leverage.widest_margin_stop, _WIDEST_HOST_STOPLOSS)
    if stoploss > widest:
        raise SettingsError(
            f"{bot}: stoploss is {stoploss:g} (margin-level), but plans may reach down to {widest:.3g}: it "
            f"would end positions before their own stop; take `stoploss` out of the config, or set it to "
            f"{_WIDEST_HOST_STOPLOSS:g}"
        )
