"""funding: who pays to hold the position, and how much?

Positioning instead of price: funding rates against their week and against the day's move, and the basis.
Slow, with a day's horizon. It abstains where funding is not known; a missing rate is no rate of 0.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="funding",
    idea="Crowded positions are unwound.",
    features=(
        "funding_rate_bps",
        "funding_day_bps",
        "funding_z",
        "funding_against_move",
        "funding_day_against_move",
        "funding_hour_of_window",
        "basis_bps",
        "basis_change_bps",
        "basis_against_funding",
        "four_hours_move_3",
    ),
    barrier=TripleBarrier(target_atr=8.0, stop_atr=8.0, horizon_candles=288),
    needs=("atr_ratio", "funding_rate_bps"),
)
