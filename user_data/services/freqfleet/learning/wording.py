"""How reasons and log lines name exits: the same words in the table, the log and the store."""

from __future__ import annotations

from freqfleet.domain.exits import ExitParameters


def percent(ratio: float) -> str:
    """Return a ratio as people say it: `+4.55 %`."""
    return f"{ratio * 100:+.2f} %"


def exits_text(parameters: ExitParameters) -> str:
    """Return the parameters on one line, position-level."""
    return (
        f"SL {percent(parameters.stop_loss)}, TP {percent(parameters.take_profit)}, "
        f"volatility {parameters.volatility_scaling:.2f}, {parameters.time_limit_minutes} min"
    )
