"""The leverage of a position to open: evidence, the stop it would get, the exchange's tiers, volatility."""

from __future__ import annotations

from dataclasses import dataclass

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, ExitParameters
from freqfleet.domain.leverage_choice import (
    HIGHEST_LEVERAGE,
    NO_EVIDENCE,
    LeverageChoice,
    LeverageEvidence,
    LeverageLimit,
    choose_leverage,
    volatility_limit,
)
from freqfleet.domain.sides import Side
from freqfleet.market.leverage_tiers import LeverageTiers
from freqfleet.market.liquidation import leverage_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageRule:
    """How leverage is chosen.

    wanted : the setting, where there is no evidence. by_evidence : False always takes the setting.
    tiers : the exchange's; None leaves the distance to liquidation out of it.
    liquidation_margin : how much further away than the stop liquidation must be.
    stake_quote : an upper bound of one position's stake; the tier is looked up by it.
    """

    wanted: float
    by_evidence: bool = True
    tiers: LeverageTiers | None = None
    liquidation_margin: float = 0.25
    stake_quote: float = 0.0

    def choose(
        self,
        pair: str,
        side: Side,
        *,
        stop: ExitParameters,
        evidence: LeverageEvidence,
        atr_ratio: float | None,
        max_leverage: float,
    ) -> LeverageChoice:
        """Return the leverage of a position and the reason.

        stop : the parameters it would be opened with; their stop at the volatility of now is the one that
            must lie inside liquidation. evidence : empty where nothing was published; volatility limits
            only what evidence proposes, a leverage that an operator set is the operator's.
        max_leverage : what the exchange allows for the pair.
        """
        proposing = evidence if self.by_evidence else NO_EVIDENCE
        limits = [LeverageLimit(max_leverage, "the exchange allows no more")]
        if proposing.by_bin:
            limits.append(volatility_limit(atr_ratio))
        if self.tiers is not None:
            stop_ratio = max(stop.stop_loss * stop.volatility_factor(atr_ratio), STOP_LOSS_BOUNDS[0])
            limits.append(
                leverage_limit(
                    self.tiers.of(pair),
                    pair=pair,
                    side=side,
                    stop_ratio=stop_ratio,
                    stake_quote=self.stake_quote,
                    margin=self.liquidation_margin,
                )
            )
        return choose_leverage(wanted=self.wanted, evidence=proposing, limits=limits)

    def knows(self, pair: str) -> bool:
        """Return False where a position is held to 1x because the tiers do not know its pair."""
        return self.tiers is None or self.tiers.of(pair) is not None

    @property
    def widest_margin_stop(self) -> float:
        """The widest stop any plan may have, margin-level and below zero, at any leverage it may get.

        freqtrade's class-level `stoploss` must not be nearer than this, or it would end positions first.
        """
        if self.tiers is None:
            return STOP_LOSS_BOUNDS[0] * HIGHEST_LEVERAGE
        # Inside liquidation a position cannot lose more than its margin, less what the margin asks for.
        return -1.0 / (1.0 + self.liquidation_margin)
