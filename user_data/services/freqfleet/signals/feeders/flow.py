"""flow: which side does the volume take?

Volume only: how much is traded against the usual, at which end of the candle, and how far a unit of it
moves the price. It abstains where the volume of a candle is not known.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="flow",
    idea="Volume takes a side before the price does.",
    features=(
        "volume_z_20",
        "volume_z_288",
        "volume_trend_12_96",
        "volume_mfi_14",
        "volume_cmf_20",
        "volume_cmf_96",
        "volume_signed_12",
        "volume_signed_48",
        "volume_signed_288",
        "volume_force_13",
        "volume_return_correlation_96",
        "volume_amihud_48_288",
        "volume_at_extreme_48",
        "breakout_activity",
        "shape_body_0",
    ),
    barrier=TripleBarrier(target_atr=3.0, stop_atr=3.0, horizon_candles=36),
    needs=("atr_ratio", "volume_z_20"),
)
