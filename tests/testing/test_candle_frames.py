from __future__ import annotations

import numpy as np
import pandas as pd

from freqfleet.signals.candles import require_candles
from freqfleet.testing.candle_frames import (
    candle_frame,
    candles_from_closes,
    mirrored,
    random_walk_candles,
)
from freqfleet.testing.candle_tables import candle_table


def assert_consistent(candles: pd.DataFrame) -> None:
    require_candles(candles)
    assert (candles["high"] >= candles[["open", "close"]].max(axis=1)).all()
    assert (candles["low"] <= candles[["open", "close"]].min(axis=1)).all()


def test_candles_from_closes_open_where_the_one_before_closed():
    candles = candles_from_closes([100.0, 102.0, 99.0], spread_ratio=0.0)

    assert_consistent(candles)
    assert candles["open"].tolist() == [100.0, 100.0, 102.0]
    assert candles["high"].tolist() == [100.0, 102.0, 102.0]
    assert candles["low"].tolist() == [100.0, 100.0, 99.0]


def test_candles_have_the_types_that_freqtrade_hands_over():
    candles = candles_from_closes([100.0, 102.0])

    assert str(candles["date"].dtype) == "datetime64[ms, UTC]"
    assert candles["date"].diff().iloc[1] == pd.Timedelta(minutes=5)


def test_a_table_becomes_a_frame_of_the_same_values():
    table = candle_table(
        """
        minute  open   high   low   close  volume
        0       100.0  101.0  99.0  100.5  10
        5       100.5  103.0  99.5  102.0  25
        """
    )

    frame = candle_frame(table)

    assert_consistent(frame)
    assert str(frame["date"].dtype) == "datetime64[ms, UTC]"
    assert frame["date"].iloc[1] == pd.Timestamp("2025-11-01 00:05", tz="UTC")
    assert frame["close"].tolist() == [100.5, 102.0]
    assert frame["volume"].tolist() == [10.0, 25.0]


def test_a_random_walk_is_a_market_and_belongs_to_its_seed():
    one = random_walk_candles(np.random.default_rng(1), 500, drift_ratio=0.001)
    again = random_walk_candles(np.random.default_rng(1), 500, drift_ratio=0.001)
    other = random_walk_candles(np.random.default_rng(2), 500, drift_ratio=0.001)

    assert_consistent(one)
    pd.testing.assert_frame_equal(one, again)
    assert not one["close"].equals(other["close"])
    assert one["close"].iloc[-1] > 110.0


def test_a_mirrored_market_falls_as_far_as_the_other_rose():
    rising = candles_from_closes([100.0, 102.0, 101.0])

    falling = mirrored(rising)

    assert_consistent(falling)
    assert falling["close"].tolist() == [100.0, 98.0, 99.0]
    np.testing.assert_allclose(falling["high"] - falling["low"], rising["high"] - rising["low"])
