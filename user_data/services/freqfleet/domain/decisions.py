"""Decision: what was concluded for one pair and side, or a leverage bin of it, always with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.leverage_bins import LeverageBin
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError

CertifiedBy = Literal["pair", "family", "account"]


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
    detail_trades : how many were replayed on finer candles than the strategy's; None where none are there.

    Of the gate, in basis points a trade over the incumbent:
    claim_bps : what shrinkage over the pairs leaves of the best cell; never the in-sample maximum.
    improvement_bps, standard_error_bps, t_value, effective_df : of the trades while each was held out.
    folds, worst_fold_bps : into how many parts time was cut, and the mean improvement of the worst one.
    q_value : p_value after Benjamini-Hochberg over all pairs and sides of the run.
    family, family_p_value : the group fixed in advance, and the p of its pooled test.
    certified_by : `pair` by its own trades, `family` by those of its group only, `account` by the paper
        account that was looked at daily.
    cost_stress_bps : improvement_bps at twice the fees and twice the slippage.

    Of the surroundings of the parameters on the surface:
    plateau_ratio : share of the improvement that the neighbouring cells keep.
    plateau_neighbours : how many cells those are, the chosen one included.
    plateau_mean_profit, plateau_least_profit : what the neighbours earn in the trades that were learned from,
        on average and the worst of them; mean position-level ratio per trade.
    plateau_widths : by parameter, from where to where it can be moved within one standard error.
    boundary : the parameters that stand at an end of what was searched; empty where none does.

    Of where the version comes from and how it fares:
    data_hash : of the trades and candles learned from. parent_version : what it replaced.
    decay_z : how far later trades fall behind, in standard errors (>= 1.645 is a suspect).
    rolls_back_to : the version whose values a rollback appended again. note : what a person said.
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
    improvement_bps: float | None = None
    standard_error_bps: float | None = None
    t_value: float | None = None
    effective_df: float | None = None
    folds: int | None = None
    worst_fold_bps: float | None = None
    q_value: float | None = None
    family: str | None = None
    family_p_value: float | None = None
    certified_by: CertifiedBy | None = None
    cost_stress_bps: float | None = None
    plateau_ratio: float | None = None
    plateau_widths: dict[str, tuple[float, float]] | None = None
    boundary: tuple[str, ...] | None = None
    data_hash: str | None = None
    parent_version: str | None = None
    decay_z: float | None = None
    rolls_back_to: str | None = None
    note: str | None = None
    detail_trades: int | None = None
    plateau_neighbours: int | None = None
    plateau_mean_profit: float | None = None
    plateau_least_profit: float | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote, also after JSON has made lists of its tuples.

        Raises ParameterError that names an unknown field: dropping it would change a version's id.
        """
        unknown = sorted(values.keys() - cls.__dataclass_fields__.keys())
        if unknown:
            raise ParameterError(f"unknown evidence {unknown[0]!r}={values[unknown[0]]!r}")
        widths, boundary = values.get("plateau_widths"), values.get("boundary")
        if widths is not None:
            values = {
                **values,
                "plateau_widths": {name: (low, high) for name, (low, high) in widths.items()},
            }
        if boundary is not None:
            values = {**values, "boundary": tuple(boundary)}
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One pair and side: the verdict, why, and the parameters it is about.

    parameters : the candidate for `published`, the incumbent for `kept`, None for `skipped` where
        nothing could be searched.
    version : id of the published version, else None.
    leverage_bin : the bin that it is for; None for every leverage.
    """

    pair: str
    side: Side
    verdict: Verdict
    reason: str
    parameters: ExitParameters | None
    evidence: Evidence
    version: str | None = None
    leverage_bin: LeverageBin | None = None
