"""How reasons and log lines name exits and profits: the words of the JSON fields, ratios as ratios."""

from __future__ import annotations

from freqfleet.domain.exits import ExitParameters


def bps_text(ratio: float) -> str:
    """Return a mean profit per trade in basis points."""
    return f"{ratio * 1e4:+.1f} bps"


def exits_text(parameters: ExitParameters) -> str:
    """Return the parameters on one line, position-level."""
    return (
        f"stop_loss {parameters.stop_loss:.4f}, take_profit {parameters.take_profit:.4f}, "
        f"volatility_scaling {parameters.volatility_scaling:.2f}, {parameters.time_limit_minutes} min"
    )
