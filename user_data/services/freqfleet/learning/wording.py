"""How reasons and log lines name exits and profits: the words of the JSON fields, levels in percent.

They are read beside tables in percent, which `report/formats.py` writes the same way, a layer above.
"""

from __future__ import annotations

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits


def bps_text(ratio: float) -> str:
    """Return a mean profit per trade in basis points."""
    return f"{ratio * 1e4:+.1f} bps"


def percent_text(ratio: float, *, sign: bool = False) -> str:
    """Return a position-level ratio as percent: -0.0144 is `-1.44 %`; `sign` writes the plus too."""
    return f"{ratio * 100.0:{'+' if sign else ''}.2f} %"


def exits_text(parameters: ExitParameters) -> str:
    """Return the parameters on one line, position-level; what is off is not named."""
    followed = path_text(parameters)
    plain = (
        f"stop_loss {percent_text(parameters.stop_loss)}, "
        f"take_profit {percent_text(parameters.take_profit, sign=True)}, "
        f"volatility_scaling {parameters.volatility_scaling:.2f}, {parameters.time_limit_minutes} min"
    )
    return f"{plain}, {followed}" if followed else plain


def path_text(parameters: ExitParameters) -> str:
    """Return how a position follows its path, on one line; empty where it does not."""
    if not isinstance(parameters, ManagedExits):
        return ""
    parts = []
    if parameters.trailing_stop_ratio is not None and parameters.trailing_activation_ratio is not None:
        parts.append(
            f"trailing stop {percent_text(parameters.trailing_stop_ratio)} "
            f"from {percent_text(parameters.trailing_activation_ratio)}"
        )
    if parameters.giveback_ratio is not None and parameters.giveback_activation_ratio is not None:
        parts.append(
            f"giveback {parameters.giveback_ratio:.2f} "
            f"from {percent_text(parameters.giveback_activation_ratio)}"
        )
    if parameters.break_even_after_ratio is not None:
        parts.append(f"break-even after {percent_text(parameters.break_even_after_ratio)}")
    if parameters.regime_exit_z is not None:
        parts.append(f"regime exit at {parameters.regime_exit_z:.2f}")
    if parameters.partial_targets:
        rungs = " ".join(
            f"{rung.share:.2f} at {percent_text(rung.ratio)}" for rung in parameters.partial_targets
        )
        parts.append(f"partial targets {rungs}")
    return ", ".join(parts)
