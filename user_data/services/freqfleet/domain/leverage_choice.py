"""How much leverage a position gets, and why: evidence proposes, limits dispose.

Where nothing has been published the configured leverage is proposed. Where something has, the highest bin
is taken whose own posterior still supports its leverage; a bin without enough trades speaks with the voice
of its parent, which the records already carry. Limits (liquidation, volatility, the exchange) only lower.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from freqfleet.domain.bin_record import BinRecord, ProfitPosterior
from freqfleet.domain.leverage_bins import LEVERAGE_EDGES, LeverageBin

LOWEST_LEVERAGE, HIGHEST_LEVERAGE = LEVERAGE_EDGES[0], LEVERAGE_EDGES[-1]
# A position survives so many average days at its entry's volatility before it is liquidated.
DAYS_OF_MOVES = 2.0
CANDLES_A_DAY = 288  # of 5m
STAKE_MULTIPLIER_BOUNDS = (0.25, 1.2)


@dataclass(frozen=True, slots=True)
class LeverageLimit:
    """At most this leverage, and why; `why` ends the sentence "at most 3.2x: ..."."""

    most: float
    why: str


@dataclass(frozen=True, slots=True)
class LeverageEvidence:
    """The record that speaks for each bin, lowest first; empty where nothing was published.

    A record may be a parent's (every leverage, or every pair): then its bin had too few trades.
    """

    by_bin: tuple[tuple[LeverageBin, BinRecord], ...] = ()

    def of(self, step: LeverageBin) -> BinRecord | None:
        """Return the record that speaks for a bin, or None."""
        return next((record for known, record in self.by_bin if known == step), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageChoice:
    """The leverage of a position to open, and the reason in one line.

    record : what the proposal rests on; None where the setting was taken.
    """

    leverage: float
    reason: str
    record: BinRecord | None = None


NO_EVIDENCE = LeverageEvidence()


def choose_leverage(
    *, wanted: float, evidence: LeverageEvidence = NO_EVIDENCE, limits: Sequence[LeverageLimit] = ()
) -> LeverageChoice:
    """Return the leverage to open with, within 1..10.

    wanted : the configured leverage, taken where there is no evidence.
    limits : upper bounds; the lowest wins. One below 1 gives 1: less leverage than none does not exist,
        and the reason says which bound could not be kept.
    """
    proposed, why, record = _proposal(wanted, evidence)
    leverage = min(max(proposed, LOWEST_LEVERAGE), HIGHEST_LEVERAGE)
    if leverage != proposed:
        why += f", held within {LOWEST_LEVERAGE:g}..{HIGHEST_LEVERAGE:g}"
    tightest = min(limits, key=lambda one: one.most, default=None)
    if tightest is not None and not tightest.most >= leverage:
        # NaN is no limit to rely on: it lowers to 1 as well.
        leverage = max(LOWEST_LEVERAGE, 0.0 if math.isnan(tightest.most) else tightest.most)
        why += f"; at most {tightest.most:.4g}x: {tightest.why}"
    return LeverageChoice(leverage=leverage, reason=why, record=record)


def volatility_limit(atr_ratio: float | None) -> LeverageLimit:
    """Return the leverage at which two average days of the entry's volatility come to the whole margin.

    atr_ratio : ATR(14) of 5m candles / close, known at entry. A random walk of such candles moves by
        sqrt(288) of them in a day. Unknown volatility (None, NaN, 0) allows no leverage.
    """
    if atr_ratio is None or not atr_ratio > 0.0:
        return LeverageLimit(LOWEST_LEVERAGE, "the volatility at entry is unknown")
    day_ratio = atr_ratio * math.sqrt(CANDLES_A_DAY)
    return LeverageLimit(
        1.0 / (DAYS_OF_MOVES * day_ratio),
        f"an average day moves the price by {100 * day_ratio:.2g} % at this volatility",
    )


def stake_multiplier(posterior: ProfitPosterior | None, leverage: float) -> tuple[float, str]:
    """Return the factor on the proposed stake, within 0.25..1.2, and its reason.

    The factor makes exposure (stake x leverage) what a quarter of Kelly's rule allows: a position whose
    leverage is above that gets less stake. Without a posterior it is 1.
    """
    if posterior is None:
        return 1.0, "nothing published: the whole stake"
    low, high = STAKE_MULTIPLIER_BOUNDS
    factor = posterior.kelly_leverage / leverage
    bounded = min(max(factor, low), high)
    held = "" if bounded == factor else f", held within {low:g}..{high:g}"
    return bounded, f"a quarter of Kelly allows {posterior.kelly_leverage:.3g}x{held}"


def _proposal(wanted: float, evidence: LeverageEvidence) -> tuple[float, str, BinRecord | None]:
    if not evidence.by_bin:
        return wanted, f"nothing published: the setting, {wanted:g}x", None
    for step, record in reversed(evidence.by_bin):
        kelly = record.posterior.kelly_leverage
        if kelly >= step.low:
            return min(kelly, step.high), f"{step} supports {kelly:.3g}x ({_said(record)})", record
    _step, record = evidence.by_bin[0]
    return LOWEST_LEVERAGE, f"no bin supports its leverage ({_said(record)}): 1x", record


def _said(record: BinRecord) -> str:
    return (
        f"{record.label}: lower bound {1e4 * record.posterior.lower_bound_ratio:+.1f} bps a trade, "
        f"{record.trades} trades"
    )
