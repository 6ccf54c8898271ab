"""ExitPlan: the exits of one position, frozen when it was opened; and how stored parameters are read back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from freqfleet.domain.exits import STOP_LOSS_BOUNDS, Barriers, ExitParameters, ExitSource, effective_barriers
from freqfleet.domain.managed_exits import ManagedBarriers, ManagedExits, managed_barriers
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError

_PLAIN = frozenset(ExitParameters.__dataclass_fields__)


def read_exit_parameters(values: dict[str, Any]) -> ExitParameters:
    """Read what `to_dict` of either kind wrote: managed exits where a key of theirs is there.

    Raises ParameterError that names an unknown or missing key, or a value out of bounds.
    """
    return (ExitParameters if _PLAIN.issuperset(values) else ManagedExits).from_dict(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitPlan:
    """The parameters in force for one position, frozen when it was opened.

    version : id of the ParameterVersion they came from; `default` when no version applied.
    atr_ratio : ATR(14) / close known at entry, or None where it was not known.
    tightened_by, tightened_source : the later version that moved the stop nearer, and its source; None where
        the stop is still that of the entry.
    """

    parameters: ExitParameters
    source: ExitSource
    version: str
    atr_ratio: float | None
    tightened_by: str | None = None
    tightened_source: ExitSource | None = None

    @property
    def moves_stop(self) -> bool:
        """True where the stop comes nearer by itself, by trailing or break-even."""
        return isinstance(self.parameters, ManagedExits) and self.parameters.moves_stop

    @property
    def stop_reason(self) -> str:
        """The exit reason of the stop: that of the version which put it where it is."""
        return (self.tightened_source or self.source).stop_reason

    @property
    def target_reason(self) -> str:
        """The exit reason of the target."""
        return self.source.target_reason

    def tightened(self, later: ExitParameters, source: ExitSource, version: str) -> ExitPlan | None:
        """Return this plan with the stop of a later version, None where that one is not nearer.

        Nothing but the stop ever changes, and it only comes nearer. The volatility is that of the entry.
        """
        nearer = later.stop_loss * later.volatility_factor(self.atr_ratio)
        factor = self.parameters.volatility_factor(self.atr_ratio)
        if nearer <= self.parameters.stop_loss * factor:
            return None
        stop_loss = min(nearer / factor, STOP_LOSS_BOUNDS[1])
        if stop_loss <= self.parameters.stop_loss:  # at the bound already
            return None
        return replace(
            self,
            parameters=replace(self.parameters, stop_loss=stop_loss),
            tightened_by=version,
            tightened_source=source,
        )

    def barriers(self, open_rate: float, side: Side) -> Barriers:
        """Return the barriers of a position opened at `open_rate`."""
        return effective_barriers(self.parameters, open_rate=open_rate, side=side, atr_ratio=self.atr_ratio)

    def managed(self, open_rate: float, side: Side, fee_ratio: float) -> ManagedBarriers | None:
        """Return the prices of what follows the path; None where nothing does."""
        parameters = self.parameters
        if not isinstance(parameters, ManagedExits) or parameters.is_plain:
            return None
        return managed_barriers(
            parameters, open_rate=open_rate, side=side, atr_ratio=self.atr_ratio, fee_ratio=fee_ratio
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for freqtrade's custom data."""
        return {
            "parameters": self.parameters.to_dict(),
            "source": self.source.value,
            "version": self.version,
            "atr_ratio": self.atr_ratio,
            **(
                {"tightened_by": self.tightened_by, "tightened_source": self.tightened_source.value}
                if self.tightened_source is not None
                else {}
            ),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ExitPlan:
        """Read what `to_dict` wrote; raises ParameterError for anything else."""
        try:
            return cls(
                parameters=read_exit_parameters(values["parameters"]),
                source=ExitSource(values["source"]),
                version=str(values["version"]),
                atr_ratio=values["atr_ratio"],
                tightened_by=values.get("tightened_by"),
                tightened_source=ExitSource(values["tightened_source"])
                if "tightened_source" in values
                else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError(f"not an exit plan: {values!r} ({error!r})") from None
