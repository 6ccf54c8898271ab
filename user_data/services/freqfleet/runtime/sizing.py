"""The size of a position to open, leverage and stake, and why: kept until the position has its provenance."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.leverage_bins import leverage_bin
from freqfleet.domain.leverage_choice import LeverageChoice, LeverageEvidence, stake_multiplier
from freqfleet.domain.sides import Side
from freqfleet.runtime.left_out import LeftOut
from freqfleet.runtime.leverage import LeverageRule

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """Leverage and stake of a position to open; and whether open stops follow later versions."""

    leverage: LeverageRule
    stake_by_evidence: bool = False
    tighten_open_trades: bool = False


class Sizer:
    """Sizes the positions of one bot, and remembers the reasons of the last one of each pair and side."""

    def __init__(self, bot: str, sizing: Sizing, left_out: LeftOut) -> None:
        self._bot = bot
        self._sizing = sizing
        self._left_out = left_out
        self._reasons: dict[tuple[str, Side], dict[str, str]] = {}

    def leverage(
        self,
        pair: str,
        side: Side,
        *,
        stop_at: Callable[[float], ExitParameters],
        evidence: LeverageEvidence,
        atr_ratio: float | None,
        max_leverage: float,
    ) -> float:
        """Return the leverage of a new position; see `LeverageRule.choose`.

        stop_at : the parameters that a position gets at a leverage. They may be of its bin, so the stop that
            must lie inside liquidation is known once the leverage is: it is lowered until the two fit.
        """
        rule = self._sizing.leverage

        def choice_with(stop: ExitParameters) -> LeverageChoice:
            return rule.choose(
                pair, side, stop=stop, evidence=evidence, atr_ratio=atr_ratio, max_leverage=max_leverage
            )

        choice = choice_with(stop_at(rule.wanted))
        while (lower := choice_with(stop_at(choice.leverage))).leverage < choice.leverage:
            choice = lower
        self._reasons[pair, side] = {"leverage_reason": choice.reason}
        if not rule.knows(pair):
            self._left_out.add(
                f"leverage of {pair}",
                f"{self._bot} {pair}: 1x and no more, the exchange's leverage tiers do not know it",
            )
        logger.debug("%s %s %s: %.4gx, %s", self._bot, pair, side, choice.leverage, choice.reason)
        return choice.leverage

    def stake(
        self, pair: str, side: Side, evidence: LeverageEvidence, *, proposed: float, leverage: float
    ) -> float:
        """Return the stake of a new position in stake currency."""
        record = evidence.of(leverage_bin(leverage))
        factor, reason = stake_multiplier(None if record is None else record.posterior, leverage)
        self._reasons.setdefault((pair, side), {})["stake_reason"] = f"{factor:.3g} of the stake: {reason}"
        return proposed * factor

    def reasons(self, pair: str, side: Side) -> dict[str, str]:
        """Return why the position that was sized last has the size it has."""
        return self._reasons.get((pair, side), {})
