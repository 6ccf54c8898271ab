"""What a section of fleet.toml is made of: a frozen model, and numbers with their bounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, TAKE_PROFIT_BOUNDS, TIME_LIMIT_MINUTES_BOUNDS

Ratio01 = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(gt=0)]
StopLoss = Annotated[float, Field(ge=STOP_LOSS_BOUNDS[0], le=STOP_LOSS_BOUNDS[1])]
TakeProfit = Annotated[float, Field(ge=TAKE_PROFIT_BOUNDS[0], le=TAKE_PROFIT_BOUNDS[1])]
TimeLimit = Annotated[int, Field(ge=TIME_LIMIT_MINUTES_BOUNDS[0], le=TIME_LIMIT_MINUTES_BOUNDS[1])]


def rising(bounds: tuple[float, float]) -> tuple[float, float]:
    """Return bounds as they are; raises ValueError where the lower one does not come first."""
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


class Section(BaseModel):
    """A section: frozen; an unknown key is an error, and so are NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
