"""How reasons and log lines name exits and profits: the words of the JSON fields, ratios as ratios."""

from __future__ import annotations

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits


def bps_text(ratio: float) -> str:
    """Return a mean profit per trade in basis points."""
    return f"{ratio * 1e4:+.1f} bps"


def exits_text(parameters: ExitParameters) -> str:
    """Return the parameters on one line, position-level; what is off is not named."""
    followed = path_text(parameters)
    plain = (
        f"stop_loss {parameters.stop_loss:.4f}, take_profit {parameters.take_profit:.4f}, "
        f"volatility_scaling {parameters.volatility_scaling:.2f}, {parameters.time_limit_minutes} min"
    )
    return f"{plain}, {followed}" if followed else plain


def path_text(parameters: ExitParameters) -> str:
    """Return how a position follows its path, on one line; empty where it does not."""
    if not isinstance(parameters, ManagedExits):
        return ""
    parts = []
    if parameters.trailing_stop_ratio is not None:
        parts.append(
            f"trailing stop {parameters.trailing_stop_ratio:.4f} "
            f"from {parameters.trailing_activation_ratio:.4f}"
        )
    if parameters.giveback_ratio is not None:
        parts.append(
            f"giveback {parameters.giveback_ratio:.2f} from {parameters.giveback_activation_ratio:.4f}"
        )
    if parameters.break_even_after_ratio is not None:
        parts.append(f"break-even after {parameters.break_even_after_ratio:.4f}")
    if parameters.regime_exit_z is not None:
        parts.append(f"regime exit at {parameters.regime_exit_z:.2f}")
    if parameters.partial_targets:
        rungs = " ".join(f"{rung.share:.2f} at {rung.ratio:.4f}" for rung in parameters.partial_targets)
        parts.append(f"partial targets {rungs}")
    return ", ".join(parts)
