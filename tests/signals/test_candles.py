from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from freqfleet.errors import MarketError
from freqfleet.signals.candles import column, require_candles
from freqfleet.testing.candle_frames import candle_frame, candles_from_closes
from freqfleet.testing.candle_tables import candle_table

GOOD = candle_frame(
    candle_table(
        """
        minute  open   high   low    close  volume
        0       100.0  101.0   99.0  100.5  10
        5       100.5  103.0  100.0  102.0  25
        10      102.0  102.5  101.0  101.5  12
        """
    )
)


def test_candles_of_freqtrade_are_accepted():
    require_candles(GOOD)


def test_more_columns_a_missing_volume_and_no_row_at_all_are_accepted():
    require_candles(GOOD.assign(rsi=50.0, volume=[10.0, np.nan, 12.0]))
    require_candles(GOOD.iloc[:0])


def test_a_filtered_frame_keeps_its_index_and_is_accepted():
    require_candles(GOOD.iloc[1:])


@pytest.mark.parametrize("name", ["date", "open", "high", "low", "close", "volume"])
def test_a_missing_column_is_named(name):
    with pytest.raises(MarketError, match=f"no column '{name}'"):
        require_candles(GOOD.drop(columns=name))


@pytest.mark.parametrize("price", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_price_that_is_none_is_refused_with_its_value_and_row(name, price):
    broken = GOOD.copy()
    broken.loc[1, name] = price

    with pytest.raises(MarketError) as refusal:
        require_candles(broken)

    assert f"{name} must be above 0, was {price} at row 1 (2025-11-01 00:05:00" in str(refusal.value)


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1], [2, 1, 0]])
def test_candles_that_are_not_oldest_first_are_refused(order):
    with pytest.raises(MarketError, match="does not come after the row before"):
        require_candles(GOOD.iloc[order].reset_index(drop=True))


@pytest.mark.parametrize(
    "dates",
    [
        GOOD["date"].dt.tz_localize(None),
        GOOD["date"].astype("int64"),
        GOOD["date"].where([True, False, True]),
    ],
    ids=["no zone", "numbers", "one missing"],
)
def test_dates_that_are_no_times_with_a_zone_are_refused(dates):
    with pytest.raises(MarketError, match="date"):
        require_candles(GOOD.assign(date=dates))


def test_prices_as_text_are_refused_with_the_column():
    with pytest.raises(MarketError, match="close must be numbers"):
        require_candles(GOOD.assign(close=["a", "b", "c"]))


@pytest.mark.parametrize("dtype", ["float32", "int64", "Float64"])
def test_a_column_comes_as_contiguous_float64_whatever_it_was(dtype):
    candles = candles_from_closes([100.0, 101.0, 103.0])

    values = column(candles.astype({"close": dtype}), "close")

    assert values.dtype == np.float64
    assert values.flags.c_contiguous
    assert values.tolist() == [100.0, 101.0, 103.0]


def test_an_unknown_value_comes_as_nan():
    frame = pd.DataFrame({"volume": pd.array([1.0, None], dtype="Float64")})

    assert np.isnan(column(frame, "volume")[1])
