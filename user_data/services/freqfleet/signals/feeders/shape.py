"""shape: what do the last candles look like?

Bodies, wicks, gaps and named candles of the last hour; nothing that spans more. Its label is the shortest:
what a candle says is soon forgotten.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="shape",
    idea="The last candles show who gives way.",
    features=(
        "shape_body_0",
        "shape_body_1",
        "shape_body_2",
        "shape_upper_wick_0",
        "shape_upper_wick_1",
        "shape_upper_wick_2",
        "shape_lower_wick_0",
        "shape_lower_wick_1",
        "shape_lower_wick_2",
        "shape_range_0",
        "shape_range_1",
        "shape_range_2",
        "shape_engulfing_12",
        "shape_hammer_12",
        "shape_shooting_star_12",
        "shape_doji_12",
        "shape_marubozu_12",
        "shape_gap",
        "shape_body_12",
        "shape_wicks_12",
        "shape_higher_highs",
        "shape_lower_lows",
        "shape_inside_run",
    ),
    barrier=TripleBarrier(target_atr=2.0, stop_atr=2.0, horizon_candles=12),
)
