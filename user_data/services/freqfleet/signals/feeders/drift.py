"""drift: does a slow direction persist for half a day?

The slow view: averages apart, slopes, directional indices and the hours above. Its label gives a move
twelve hours, with a target wider than its stop: trends pay by running.
"""

from __future__ import annotations

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="drift",
    idea="A slow direction persists for hours.",
    features=(
        "trend_ema_12_26",
        "trend_ema_24_96",
        "trend_sma_144_576",
        "trend_close_ema_48",
        "trend_close_sma_288",
        "trend_slope_48",
        "trend_slope_288",
        "trend_straightness_96",
        "trend_adx_14",
        "trend_di_14",
        "trend_di_48",
        "trend_adx_change_14",
        "trend_aroon_25",
        "trend_aroon_100",
        "trend_above_ema_run",
        "quarter_ema_5_20",
        "quarter_adx_7",
        "hour_ema_3_9",
        "hour_adx_5",
        "hour_move_6",
        "hour_position_24",
        "four_hours_move_1",
        "four_hours_move_3",
        "four_hours_position_6",
    ),
    barrier=TripleBarrier(target_atr=6.0, stop_atr=4.0, horizon_candles=144),
)
