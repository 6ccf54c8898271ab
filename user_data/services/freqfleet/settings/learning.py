"""What learning does: the search, the gate, the costs it reckons with."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from freqfleet.settings.section import PositiveInt, Ratio01, Section, StopLoss, TakeProfit, TimeLimit, rising

GRID_CELLS_MOST = 20_000_000  # a number of eight bytes for each, three times over
# Axes of a lattice: more cells than these make would need gigabytes for 300 pair sides.
MOST_LEVELS, MOST_SCALINGS = 60, 8


class GridSettings(Section):
    """[optimizer.grid] how many values each axis of the exact search has at most; evenly spread by factor.

    Time limits are those of [optimizer] time_limit_minutes; while there are fewer than `time_limits`, the
    widest gap between two of them is halved (by factor, on whole 5 minutes).
    """

    stop_losses: Annotated[int, Field(ge=2, le=1000)] = 100
    take_profits: Annotated[int, Field(ge=2, le=1000)] = 100
    volatility_scalings: Annotated[int, Field(ge=1, le=100)] = 8
    time_limits: Annotated[int, Field(ge=1, le=300)] = 12

    @model_validator(mode="after")
    def _fits_in_memory(self) -> Self:
        cells = self.stop_losses * self.take_profits * self.volatility_scalings * self.time_limits
        if cells > GRID_CELLS_MOST:
            raise ValueError(
                f"a grid of {cells:,} exits is more than the {GRID_CELLS_MOST:,} that fit in memory; "
                "give fewer values on an axis"
            )
        return self


class OptimizerSettings(Section):
    """[optimizer] what is searched; position-level ratios."""

    days_back: PositiveInt = 90
    min_trades: PositiveInt = 60
    stop_loss: Annotated[tuple[StopLoss, StopLoss], AfterValidator(rising)] = (-0.0515, -0.01)
    take_profit: Annotated[tuple[TakeProfit, TakeProfit], AfterValidator(rising)] = (0.015, 0.20)
    volatility_scaling: Annotated[tuple[Ratio01, Ratio01], AfterValidator(rising)] = (0.0, 1.0)
    time_limit_minutes: Annotated[tuple[TimeLimit, ...], Field(min_length=1)] = (60, 240, 720, 1440)
    reward_risk_min: Annotated[float, Field(gt=0.0)] = 0.8
    trials: PositiveInt = 100
    train_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.7
    seed: int = 42
    source_weights: Literal["share", "literal"] = "share"
    grid: GridSettings = GridSettings()


class StudySettings(Section):
    """[studies] how many runs of the optimizer keep their folder; 0 keeps all of them."""

    keep: Annotated[int, Field(ge=0)] = 30


class LatticeSettings(Section):
    """[gate.lattice] how many values each axis of the gate's exits has; time limits are the optimizer's.

    Pairs are compared cell by cell: memory and time grow with the product.
    """

    stop_losses: Annotated[int, Field(ge=2, le=MOST_LEVELS)] = 10
    take_profits: Annotated[int, Field(ge=2, le=MOST_LEVELS)] = 14
    volatility_scalings: Annotated[int, Field(ge=1, le=MOST_SCALINGS)] = 3


class GateSettings(Section):
    """[gate] what may be published; see docs/decisions/0009-publication-gate.md.

    fdr : expected share of chance findings among the published. pooled_alpha : chance that a family is
    certified where nothing earns more. folds : of the cross-fit. family_trades : pair sides with fewer take
    no part at all; those with fewer than [optimizer] min_trades, or fewer than min_nonzero that differ from
    what is in force, can only inherit. families : what pair sides must share to learn from each other.
    method : `holdout` publishes what beat the incumbent on held-out trades, as chance does half of the time.
    """

    method: Literal["certified", "holdout"] = "certified"

    fdr: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    pooled_alpha: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.01
    claim_min_bps: float = 10.0
    folds: Annotated[int, Field(ge=2)] = 5
    family_trades: PositiveInt = 20
    families: tuple[Literal["side", "bot_kind", "volatility"], ...] = ("side",)
    min_nonzero: PositiveInt = 10
    lattice: LatticeSettings = LatticeSettings()
    e_publish: Annotated[float, Field(gt=1.0)] = 20.0


class CostSettings(Section):
    """[costs] per side, as ratios of the position's value.

    fee : of a taker. target_fee : `maker` where targets rest in the order book and pay `maker_fee`.
    """

    fee: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0005
    maker_fee: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0002
    target_fee: Literal["taker", "maker"] = "taker"
    slippage: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0002
    funding: Literal["history", "none"] = "history"
