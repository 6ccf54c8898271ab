"""ExitPlan: the exits of one position, frozen when it was opened; and how stored parameters are read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from freqfleet.domain.exits import Barriers, ExitParameters, ExitSource, effective_barriers
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
    """

    parameters: ExitParameters
    source: ExitSource
    version: str
    atr_ratio: float | None

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
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError(f"not an exit plan: {values!r} ({error!r})") from None
