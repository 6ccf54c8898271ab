"""zones: is there a price level nearby that was left in haste, or swept?

Sparse events instead of averages: gaps nobody traded through, sweeps of earlier extremes that were taken
back, swing points, yesterday's high and low.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="zones",
    idea="Levels left in haste are visited again.",
    features=(
        "zones_gap_below",
        "zones_gap_below_age",
        "zones_gap_above",
        "zones_gap_above_age",
        "zones_gap_size",
        "zones_gap_balance_48",
        "zones_swept_low_12",
        "zones_swept_high_12",
        "zones_sweep_depth",
        "zones_day_high",
        "zones_day_low",
        "zones_day_position",
        "zones_swing_high",
        "zones_swing_low",
        "quarter_position_32",
    ),
    barrier=TripleBarrier(target_atr=4.5, stop_atr=3.0, horizon_candles=72),
)
