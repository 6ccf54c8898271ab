"""stretch: does an exaggeration come back within the hour or two?

The opposite belief to drift and burst: oscillators, z-scores and distances from where the market usually
is. Its label is short, and its stop no nearer than its target.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="stretch",
    idea="What has run too far comes back.",
    features=(
        "reversion_rsi_2",
        "reversion_rsi_7",
        "reversion_rsi_14",
        "reversion_rsi_low_12",
        "reversion_rsi_high_12",
        "reversion_stoch_rsi",
        "reversion_stoch_14",
        "reversion_cci_20",
        "reversion_z_20",
        "reversion_z_100",
        "reversion_z_288",
        "reversion_day_vwap",
        "reversion_from_low_12",
        "reversion_from_high_12",
        "reversion_from_low_48",
        "reversion_from_high_48",
        "shape_lower_wick_0",
        "shape_upper_wick_0",
        "volatility_sigma_12_96",
        "hour_rsi_5",
    ),
    barrier=TripleBarrier(target_atr=2.2, stop_atr=2.2, horizon_candles=18),
)
