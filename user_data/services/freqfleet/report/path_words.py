"""How exits follow the path of a position, in the words of tables and pages."""

from __future__ import annotations

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.report.formats import as_decimal, as_percent


def path_words(exits: ExitParameters) -> str:
    """Return every part that is on and that bots trade, on one line; empty where nothing follows the path."""
    if not isinstance(exits, ManagedExits):
        return ""
    said = []
    if exits.giveback_ratio is not None:
        share = as_percent(exits.giveback_ratio, 0)
        said.append(f"giveback {share} of the best profit from {as_percent(exits.giveback_activation_ratio)}")
    if exits.trailing_stop_ratio is not None:
        stop = as_percent(exits.trailing_stop_ratio)
        said.append(f"trailing stop {stop} from {as_percent(exits.trailing_activation_ratio)}")
    if exits.break_even_after_ratio is not None:
        said.append(f"break-even after {as_percent(exits.break_even_after_ratio)}")
    if exits.regime_exit_z is not None:
        said.append(f"regime exit at {as_decimal(exits.regime_exit_z)}")
    return ", ".join(said)
