"""rhythm: what time is it, and what kind of market?

Context without direction of its own: hour and weekday, whether the market trends or swings, fat tails; one
direction feature lets it say which of the two to follow.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="rhythm",
    idea="Some hours and some markets trend, others swing back.",
    features=(
        "rhythm_hour_sine",
        "rhythm_hour_cosine",
        "rhythm_week_sine",
        "rhythm_week_cosine",
        "rhythm_weekend",
        "rhythm_variance_4",
        "rhythm_variance_16",
        "rhythm_variance_48",
        "rhythm_memory_1",
        "rhythm_memory_6",
        "rhythm_efficiency_48",
        "rhythm_efficiency_288",
        "rhythm_choppiness_96",
        "rhythm_tails_288",
        "rhythm_skew_288",
        "volatility_sigma_24_288",
        "volatility_sigma_288_576",
        "hour_range",
        "momentum_move_24",
        "four_hours_move_1",
    ),
    barrier=TripleBarrier(target_atr=5.0, stop_atr=5.0, horizon_candles=96),
)
