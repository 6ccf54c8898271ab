"""Reading freqtrade's datadir: what comes back, and what is said when it cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

from freqfleet.clock import to_ms
from freqfleet.errors import InputError, MarketError
from freqfleet.market.candles import CandleFiles, Candles, Gap
from freqfleet.testing.candle_tables import TABLE_START, candle_table, write_candles, write_funding
from realdata import market_dir

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"
START_MS = to_ms(TABLE_START)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000

SOUND = """
    minute  open  high   low  close  volume
         0   100   102    99    101      10
         5   101   103   100    102      11
        10   102   104   101    103      12
"""


def write(datadir: Path, table: str = SOUND, pair: str = BTC, **options: str) -> CandleFiles:
    files = CandleFiles(datadir)
    write_candles(files.path(pair), candle_table(table, pair=pair), **options)
    return files


@pytest.mark.parametrize("compression", ["lz4", "zstd", "uncompressed"])
def test_candles_come_back_as_they_were_written(tmp_path: Path, compression: str) -> None:
    files = write(tmp_path, compression=compression)

    candles = files.load(BTC)

    assert candles.pair == BTC
    assert candles.timeframe_ms == 5 * MINUTE_MS
    assert len(candles) == 3
    assert candles.time_ms.dtype == np.int64
    assert candles.time_ms.tolist() == [START_MS, START_MS + 300_000, START_MS + 600_000]
    assert candles.open.tolist() == [100, 101, 102]
    assert candles.high.tolist() == [102, 103, 104]
    assert candles.low.tolist() == [99, 100, 101]
    assert candles.close.tolist() == [101, 102, 103]
    assert candles.volume.tolist() == [10, 11, 12]


def test_loaded_candles_cannot_be_changed(tmp_path: Path) -> None:
    candles = write(tmp_path).load(BTC)

    with pytest.raises(ValueError, match="read-only"):
        candles.close[0] = 1.0


def test_candles_with_columns_of_different_length_are_refused() -> None:
    whole = candle_table(SOUND)

    with pytest.raises(MarketError, match="volume must have as many rows as time_ms, 3, had 2"):
        Candles(
            pair=BTC,
            timeframe_ms=whole.timeframe_ms,
            time_ms=whole.time_ms,
            open=whole.open,
            high=whole.high,
            low=whole.low,
            close=whole.close,
            volume=whole.volume[:2],
        )


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_resolution_are_read_as_milliseconds(tmp_path: Path, unit: str) -> None:
    files = write(tmp_path)
    table = feather.read_table(files.path(BTC))
    dates = table.column("date").cast(pa.timestamp(unit, tz="UTC"))
    feather.write_feather(table.set_column(0, "date", dates), str(files.path(BTC)))

    candles = files.load(BTC)

    assert candles.time_ms.tolist() == [START_MS, START_MS + 300_000, START_MS + 600_000]


def test_whole_numbers_are_read_as_prices(tmp_path: Path) -> None:
    files = write(tmp_path)
    table = feather.read_table(files.path(BTC))
    volume = table.column("volume").cast(pa.int64())
    feather.write_feather(table.set_column(5, "volume", volume), str(files.path(BTC)))

    candles = files.load(BTC)

    assert candles.volume.dtype == np.float64
    assert candles.volume.tolist() == [10, 11, 12]


BROKEN = {
    "off the grid": (
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             6   101   103   100    102      11
        """,
        "1 candle times lie off the grid of 5 minutes .first at 2025-11-01T00:06:00Z",
    ),
    "unsorted": (
        """
        minute  open  high   low  close  volume
             5   100   102    99    101      10
             0   101   103   100    102      11
        """,
        "1 candles are older than the one before them .first at 2025-11-01T00:00:00Z",
    ),
    "duplicate": (
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             5   101   103   100    102      11
             5   101   103   100    102      11
             5   101   103   100    102      11
        """,
        "2 candles repeat the time of the one before them .first at 2025-11-01T00:05:00Z",
    ),
    "NaN in a price": (
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             5   101   103   nan    102      11
        """,
        "1 candles hold NaN .first at 2025-11-01T00:05:00Z",
    ),
    "NaN in the volume": (
        """
        minute  open  high   low  close  volume
             0   100   102    99    101     nan
             5   101   103   100    102      11
        """,
        "1 candles hold NaN .first at 2025-11-01T00:00:00Z",
    ),
    "price of zero": (
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             5   101   103     0    102      11
        """,
        "1 candles have a price that is not a number above 0 .first at 2025-11-01T00:05:00Z",
    ),
    "endless price": (
        """
        minute  open  high   low  close  volume
             0   100   inf    99    101      10
        """,
        "1 candles have a price that is not a number above 0",
    ),
    "high below low": (
        """
        minute  open  high   low  close  volume
             0   100    98    99     98      10
             5   101   103   100    102      11
        """,
        "1 candles have high below low .first at 2025-11-01T00:00:00Z",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_candles_are_refused_with_the_first_place_and_the_remedy(tmp_path: Path, case: str) -> None:
    table, words = BROKEN[case]
    files = write(tmp_path, table)

    with pytest.raises(MarketError, match=words) as caught:
        files.load(BTC)

    message = str(caught.value)
    assert message.startswith(f"{BTC}: ")
    assert str(files.path(BTC)) in message
    assert (
        f"freqtrade download-data -c user_data/config/bot1.json --timeframes 5m --pairs {BTC} --erase"
        in message
    )


def test_gaps_are_listed_and_are_no_error(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             5   101   103   100    102      11
            15   102   104   101    103      12
            20   102   104   101    103      12
            60   102   104   101    103      12
        """,
    )

    gaps = files.load(BTC).gaps()

    assert gaps == [
        Gap(from_ms=START_MS + 10 * MINUTE_MS, missing=1),
        Gap(from_ms=START_MS + 25 * MINUTE_MS, missing=7),
    ]


def test_a_whole_series_and_a_single_candle_have_no_gap() -> None:
    whole = candle_table(SOUND)
    single = candle_table("minute open high low close volume\n 0 1 1 1 1 1")

    assert whole.gaps() == []
    assert single.gaps() == []


@given(st.sets(st.integers(min_value=0, max_value=60), min_size=1))
def test_candles_and_missing_ones_add_up_to_the_span(kept: set[int]) -> None:
    rows = "\n".join(f"{5 * index} 1 1 1 1 1" for index in sorted(kept))
    candles = candle_table(f"minute open high low close volume\n{rows}")

    missing = sum(gap.missing for gap in candles.gaps())

    assert len(candles) + missing == max(kept) - min(kept) + 1


def test_pairs_are_those_with_a_futures_file_of_the_timeframe(tmp_path: Path) -> None:
    files = write(tmp_path)
    write(tmp_path, pair="1000SHIB/USDT:USDT")
    write_candles(files.path(ETH, timeframe="1m"), candle_table(SOUND))
    write_candles(files.path("SOL/USDT:USDT", "mark"), candle_table(SOUND))
    write_candles(tmp_path / "futures" / "BTC_USDT_USDT-260327-5m-futures.feather", candle_table(SOUND))

    assert files.pairs() == ["1000SHIB/USDT:USDT", BTC]
    assert files.strangers() == ["BTC_USDT_USDT-260327-5m-futures.feather"]
    assert CandleFiles(tmp_path, "1m").pairs() == [ETH]


def test_usable_pairs_come_one_by_one_and_the_others_keep_their_reason(tmp_path: Path) -> None:
    files = write(tmp_path)
    write(tmp_path, pair="SOL/USDT:USDT")
    files.path(ETH).write_bytes(b"no feather")
    skipped: dict[str, str] = {}

    assert [one.pair for one in files.usable(skipped)] == [BTC, "SOL/USDT:USDT"]
    assert list(skipped) == [ETH]
    assert skipped[ETH].startswith(f"{ETH}: ")


def test_a_datadir_without_any_usable_pair_is_said_with_every_reason(tmp_path: Path) -> None:
    files = write(tmp_path)
    for pair in (BTC, ETH):
        files.path(pair).write_bytes(b"no feather")

    with pytest.raises(MarketError, match=r"no usable pair at .*BTC.*ETH"):
        next(files.usable({}))


def test_a_missing_datadir_is_said_with_both_ways_to_fill_it(tmp_path: Path) -> None:
    files = CandleFiles(tmp_path / "absent")

    for ask in (files.pairs, lambda: files.load(BTC)):
        with pytest.raises(MarketError, match=r"no candle folder .*absent; .*download-data.*data sample"):
            ask()


def test_an_empty_datadir_is_said_with_both_ways_to_fill_it(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"no 5m futures candles in .*download-data.*data sample"):
        CandleFiles(tmp_path).pairs()


@pytest.mark.parametrize("given_instead", ["data", "data/binance/futures"])
def test_a_datadir_that_is_one_level_off_is_recognised(tmp_path: Path, given_instead: str) -> None:
    write(tmp_path / "data" / "binance")

    with pytest.raises(MarketError, match=r"did you mean --datadir .*data/binance\?"):
        CandleFiles(tmp_path / given_instead).pairs()


def test_a_pair_without_file_is_said_with_its_path_and_download(tmp_path: Path) -> None:
    files = write(tmp_path)

    with pytest.raises(
        MarketError, match=r"ETH/USDT:USDT: no file .*ETH_USDT_USDT-5m-futures\.feather; download"
    ):
        files.load(ETH)


def test_text_that_is_no_pair_never_becomes_a_path(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a pair"):
        CandleFiles(tmp_path).load("../../etc/passwd")


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    files = write(tmp_path, "minute open high low close volume")

    with pytest.raises(MarketError, match=f"{BTC}: no candles in .*--erase"):
        files.load(BTC)


@pytest.mark.parametrize("content", [b"", b"junk" * 100, b"ARROW1" + bytes(200)])
def test_a_file_that_is_no_feather_is_said(tmp_path: Path, content: bytes) -> None:
    files = write(tmp_path)
    files.path(BTC).write_bytes(content)

    with pytest.raises(MarketError, match=f"{BTC}: cannot read .*delete the file and download it again"):
        files.load(BTC)


def test_a_truncated_file_is_said(tmp_path: Path) -> None:
    files = write(tmp_path)
    whole = files.path(BTC).read_bytes()
    files.path(BTC).write_bytes(whole[: len(whole) // 2])

    with pytest.raises(MarketError, match="cannot read"):
        files.load(BTC)


def test_a_file_without_a_column_is_said(tmp_path: Path) -> None:
    files = write(tmp_path)
    table = feather.read_table(files.path(BTC)).drop_columns(["low"])
    feather.write_feather(table, str(files.path(BTC)))

    with pytest.raises(MarketError, match=r"no column low in .*it has date, open, high, close, volume"):
        files.load(BTC)


def test_a_row_without_date_is_said(tmp_path: Path) -> None:
    files = write(tmp_path)
    table = feather.read_table(files.path(BTC))
    dates = pa.array([START_MS, None, START_MS + 600_000], pa.timestamp("ms", tz="UTC"))
    feather.write_feather(table.set_column(0, "date", dates), str(files.path(BTC)))

    with pytest.raises(MarketError, match="1 rows have no date"):
        files.load(BTC)


@pytest.mark.parametrize("timeframe", ["", "5", "5min", "0m", "-5m"])
def test_a_timeframe_that_is_none_is_refused(tmp_path: Path, timeframe: str) -> None:
    with pytest.raises(MarketError, match="not a timeframe"):
        CandleFiles(tmp_path, timeframe)


@pytest.mark.parametrize("old_layout", [False, True])
def test_funding_is_read_in_both_layouts_and_set_to_the_full_hour(tmp_path: Path, old_layout: bool) -> None:
    files = CandleFiles(tmp_path)
    times = [START_MS, START_MS + 8 * HOUR_MS + 16]
    write_funding(files.path(BTC, "funding_rate", "1h"), times, [0.0001, -0.0002], old_layout=old_layout)

    funding = files.load_funding(BTC)

    assert funding is not None
    assert (funding.pair, funding.timeframe, len(funding)) == (BTC, "1h", 2)
    assert funding.time_ms.tolist() == [START_MS, START_MS + 8 * HOUR_MS]
    assert funding.rate.tolist() == [0.0001, -0.0002]


def test_funding_comes_from_the_1h_file_before_the_8h_one(tmp_path: Path) -> None:
    files = CandleFiles(tmp_path)
    write_funding(files.path(BTC, "funding_rate", "8h"), [START_MS], [0.0008])
    write_funding(files.path(ETH, "funding_rate", "8h"), [START_MS], [0.0008])
    write_funding(files.path(BTC, "funding_rate", "1h"), [START_MS], [0.0001])

    btc, eth = files.load_funding(BTC), files.load_funding(ETH)

    assert btc is not None
    assert eth is not None
    assert (btc.timeframe, btc.rate.tolist()) == ("1h", [0.0001])
    assert (eth.timeframe, eth.rate.tolist()) == ("8h", [0.0008])


def test_no_funding_file_is_none(tmp_path: Path) -> None:
    assert write(tmp_path).load_funding(BTC) is None


@pytest.mark.parametrize(
    ("times", "rates", "words"),
    [
        ([], [], "no funding rates in"),
        ([START_MS, START_MS + HOUR_MS], [0.0001, float("nan")], "1 funding rates are NaN in"),
        ([START_MS + HOUR_MS, START_MS], [0.0001, 0.0001], "2025-11-01T00:00:00Z does not, in"),
        ([START_MS, START_MS + 1000], [0.0001, 0.0001], "2025-11-01T00:00:00Z does not, in"),
    ],
)
def test_broken_funding_is_refused(tmp_path: Path, times: list[int], rates: list[float], words: str) -> None:
    files = CandleFiles(tmp_path)
    write_funding(files.path(BTC, "funding_rate", "1h"), times, rates)

    with pytest.raises(MarketError, match=words) as caught:
        files.load_funding(BTC)

    assert str(caught.value).startswith(f"{BTC}: ")


def test_freqtrades_own_handler_reads_the_same_numbers(tmp_path: Path) -> None:
    files = write(tmp_path)

    frame = files.frame(BTC)

    assert_same(frame, files.load(BTC))


def test_freqtrades_own_handler_reads_real_candles_the_same() -> None:
    files = CandleFiles(market_dir("ci"))

    for pair in (BTC, "GIGGLE/USDT:USDT"):
        assert_same(files.frame(pair), files.load(pair))


def test_a_frame_of_a_pair_without_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"no file .*BTC_USDT_USDT-5m-futures\.feather"):
        write(tmp_path, pair=ETH).frame(BTC)


def test_a_frame_without_rows_is_refused(tmp_path: Path) -> None:
    files = write(tmp_path, "minute open high low close volume")

    with pytest.raises(MarketError, match="freqtrade reads no candles"):
        files.frame(BTC)


def test_real_candles_are_sound_and_have_the_documented_length() -> None:
    files = CandleFiles(market_dir("ci"))

    rows = {pair: len(files.load(pair)) for pair in files.pairs()}

    assert len(rows) == 16
    assert sum(rows.values()) == 266_772
    assert rows[BTC] == 17_568


def test_real_funding_of_the_old_layout_is_read() -> None:
    files = CandleFiles(market_dir("m1-2025"))

    funding = files.load_funding(BTC)

    assert funding is not None
    assert funding.timeframe == "8h"
    assert (np.diff(funding.time_ms) == 8 * HOUR_MS).all()
    assert np.abs(funding.rate).max() < 0.01


def assert_same(frame: object, candles: Candles) -> None:
    dates = frame["date"].dt.as_unit("ms").astype("int64").to_numpy()  # type: ignore[index]
    np.testing.assert_array_equal(dates, candles.time_ms)
    for name in ("open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(frame[name].to_numpy(), getattr(candles, name))  # type: ignore[index]
