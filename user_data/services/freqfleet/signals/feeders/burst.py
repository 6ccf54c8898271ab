"""burst: does a fast move go on for two hours?

The fast view: moves of minutes to two hours over what a market without memory would do, and whether they
gain speed.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="burst",
    idea="A fast move goes on while it gains speed.",
    features=(
        "momentum_move_1",
        "momentum_move_3",
        "momentum_move_6",
        "momentum_move_12",
        "momentum_move_24",
        "momentum_acceleration_6",
        "momentum_macd",
        "momentum_macd_change",
        "momentum_cmo_14",
        "momentum_trix_15",
        "momentum_ultosc",
        "momentum_ppo_3_10",
        "momentum_streak",
        "momentum_largest_12",
        "breakout_expansion",
        "volume_trend_12_96",
        "quarter_rsi_7",
        "volatility_natr_14_96",
    ),
    barrier=TripleBarrier(target_atr=3.0, stop_atr=2.2, horizon_candles=24),
)
