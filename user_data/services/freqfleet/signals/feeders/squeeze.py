"""squeeze: does a quiet market break out, and to which side?

The state of volatility rather than of price: how narrow the bands are against the last days, and where in
its channel the price waits. Its target is twice its stop, because most breakouts fail early.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="squeeze",
    idea="Quiet precedes movement; the channel tells its side.",
    features=(
        "atr_ratio",
        "volatility_natr_14_96",
        "volatility_sigma_12_96",
        "volatility_sigma_24_288",
        "volatility_sigma_288_576",
        "volatility_band_width_20",
        "volatility_band_position_288",
        "volatility_squeeze_20",
        "volatility_range_rank_48",
        "volatility_narrowest_7",
        "volatility_parkinson_24",
        "volatility_garman_klass_24",
        "volatility_of_volatility_96",
        "volatility_asymmetry_96",
        "breakout_position_48",
        "breakout_position_288",
        "breakout_position_576",
        "breakout_above_24",
        "breakout_below_24",
        "breakout_above_96",
        "breakout_below_96",
        "breakout_since_high_96",
        "breakout_since_low_96",
        "breakout_channel_48_288",
    ),
    barrier=TripleBarrier(target_atr=5.0, stop_atr=2.5, horizon_candles=48),
)
