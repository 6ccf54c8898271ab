"""Decision: what the optimizer concluded for one pair and side, always with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side


class Verdict(StrEnum):
    """What happened to the candidate parameters of one pair and side."""

    PUBLISHED = "published"
    INHERITED = "inherited"
    KEPT = "kept"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The numbers behind a decision; None means not measured, never zero.

    Profits are mean position-level ratios per trade, net of costs, over replayed trades.
    effective_trades : Kish's (sum w)^2 / sum w^2.
    optimistic_test_profit : test_profit if the target came first wherever a candle holds stop and target.
    """

    trades: int = 0
    effective_trades: float | None = None
    train_profit: float | None = None
    test_profit: float | None = None
    incumbent_test_profit: float | None = None
    backtested_profit: float | None = None
    win_rate: float | None = None
    profit_factor: float | None = None
    sharpe_per_trade: float | None = None
    ambiguous_trades: int | None = None
    claim_bps: float | None = None
    p_value: float | None = None
    e_value: float | None = None
    search: str | None = None
    candidates: int | None = None
    seed: int | None = None
    bot_trades: dict[str, int] = field(default_factory=dict)
    optimistic_test_profit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One pair and side: the verdict, why, and the parameters it is about.

    parameters : the candidate for `published`, the incumbent for `kept`, None for `skipped` where
        nothing could be searched.
    version : id of the published version, else None.
    """

    pair: str
    side: Side
    verdict: Verdict
    reason: str
    parameters: ExitParameters | None
    evidence: Evidence
    version: str | None = None
