"""What `data check` counts, and what it says of a pair."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.clock import to_ms
from freqfleet.errors import MarketError
from freqfleet.market.candles import CandleFiles
from freqfleet.market.quality import (
    PairQuality,
    PairVerdict,
    Window,
    check_datadir,
    common_window,
)
from freqfleet.market.soundness import FlawKind
from freqfleet.testing.candle_tables import TABLE_START, candle_table, write_candles, write_funding
from realdata import market_dir

BTC = "BTC/USDT:USDT"
ETH = "ETH/USDT:USDT"
START_MS = to_ms(TABLE_START)

WHOLE = """
    minute  open  high   low  close  volume
         0   100   102    99    101      10
         5   101   103   100    102      11
        10   102   104   101    103      12
        15   102   104   101    103      12
"""


def write(datadir: Path, table: str = WHOLE, pair: str = BTC, host_files: str = "1h") -> CandleFiles:
    files = CandleFiles(datadir)
    candles = candle_table(table, pair=pair)
    write_candles(files.path(pair), candles)
    if host_files:
        write_candles(files.path(pair, "mark", host_files), candles)
        write_funding(files.path(pair, "funding_rate", host_files), [START_MS], [0.0001])
    return files


def only(files: CandleFiles) -> PairQuality:
    (quality,) = check_datadir(files)
    return quality


def test_a_whole_pair_is_ok_and_counted(tmp_path: Path) -> None:
    quality = only(write(tmp_path))

    assert quality == PairQuality(
        pair=BTC,
        verdict=PairVerdict.OK,
        rows=4,
        first=datetime(2025, 11, 1, 0, 0, tzinfo=UTC),
        last=datetime(2025, 11, 1, 0, 15, tzinfo=UTC),
        coverage_ratio=1.0,
        common_coverage_ratio=1.0,
        mark="1h",
        funding="1h",
    )


def test_gaps_are_counted_and_leave_the_pair_usable(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
            10   101   103   100    102      11
            30   102   104   101    103      12
            35   102   104   101    103      12
        """,
    )

    quality = only(files)

    assert quality.verdict is PairVerdict.USABLE
    assert (quality.gaps, quality.missing_candles, quality.largest_gap) == (2, 4, 3)
    assert quality.coverage_ratio == 4 / 8
    assert quality.remarks == ("4 candles missing in 2 gaps, at most 3 in a row",)


def test_what_is_odd_but_true_is_a_remark(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        """
        minute  open  high   low  close  volume
             0   105   102    99    101      10
             5   101   103   100     98      11
            10   102   104   101    103       0
        """,
    )

    quality = only(files)

    assert quality.verdict is PairVerdict.USABLE
    assert (quality.outside_rows, quality.zero_volume) == (2, 1)
    assert quality.remarks == (
        "2 candles have open or close outside low..high",
        "1 candles without volume",
    )


def test_every_kind_of_flaw_is_counted_and_makes_the_pair_unusable(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             5   101    99   100    102      11
             5   101   103   100    102      11
             5   nan   103   100    102      11
            11   101   103   100    102      11
            20   101   103   -10    102      11
            15   101   103   100    102      11
        """,
    )

    quality = only(files)

    assert quality.verdict is PairVerdict.UNUSABLE
    assert quality.flaws == {
        FlawKind.OFF_GRID: 1,
        FlawKind.UNSORTED: 1,
        FlawKind.DUPLICATE: 2,
        FlawKind.NAN: 1,
        FlawKind.NOT_POSITIVE: 1,
        FlawKind.HIGH_BELOW_LOW: 1,
    }
    assert quality.reason is not None
    assert "1 candles have high below low (first at 2025-11-01T00:05:00Z)" in quality.reason
    assert "1 candles hold NaN" in quality.reason


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 12).map(lambda i: i * 5 if i != 7 else 36),
            st.sampled_from([100.0, 101.0, 0.0, float("nan")]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_a_pair_is_unusable_exactly_when_it_cannot_be_loaded(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, float]]
) -> None:
    lines = "\n".join(f"{minute} 100 102 {low} 101 10" for minute, low in rows)
    files = write(tmp_path_factory.mktemp("market"), f"minute open high low close volume\n{lines}")

    try:
        files.load(BTC)
        loads = True
    except MarketError:
        loads = False

    assert (only(files).verdict is PairVerdict.UNUSABLE) is not loads


def test_an_unreadable_file_is_unusable_and_hides_no_other_pair(tmp_path: Path) -> None:
    write(tmp_path)
    files = write(tmp_path, pair=ETH)
    files.path(BTC).write_bytes(b"junk" * 50)

    btc, eth = check_datadir(files)

    assert (btc.pair, btc.verdict, btc.rows) == (BTC, PairVerdict.UNUSABLE, 0)
    assert btc.reason is not None
    assert "cannot read" in btc.reason
    assert (eth.pair, eth.verdict) == (ETH, PairVerdict.OK)


def test_missing_mark_and_funding_are_said_with_their_consequence(tmp_path: Path) -> None:
    quality = only(write(tmp_path, host_files=""))

    assert (quality.mark, quality.funding) == (None, None)
    assert quality.verdict is PairVerdict.USABLE
    assert quality.remarks == (
        "no mark prices and no funding rates: freqtrade's backtests count funding as 0",
    )


def test_mark_and_funding_at_8h_are_said_not_to_be_found_by_freqtrade(tmp_path: Path) -> None:
    quality = only(write(tmp_path, host_files="8h"))

    assert (quality.mark, quality.funding) == ("8h", "8h")
    assert quality.remarks == (
        "mark prices and funding rates at 8h only: freqtrade looks for 1h, does not find them and counts "
        "funding as 0",
    )


def test_funding_that_cannot_be_read_is_a_remark(tmp_path: Path) -> None:
    files = write(tmp_path)
    write_funding(files.path(BTC, "funding_rate", "1h"), [START_MS], [float("nan")])

    (remark,) = only(files).remarks

    assert remark.startswith(f"funding is not usable: {BTC}: 1 funding rates are NaN")


def test_a_pair_that_was_listed_later_covers_less_of_the_datadir(tmp_path: Path) -> None:
    write(tmp_path)
    files = write(
        tmp_path,
        """
        minute  open  high   low  close  volume
            10   102   104   101    103      12
            15   102   104   101    103      12
            20   102   104   101    103      12
        """,
        pair=ETH,
    )

    btc, eth = check_datadir(files)

    assert (btc.coverage_ratio, eth.coverage_ratio) == (4 / 5, 3 / 5)
    assert (btc.common_coverage_ratio, eth.common_coverage_ratio) == (1.0, 1.0)
    assert btc.remarks == ("ends 2025-11-01T00:15:00Z, the datadir 2025-11-01T00:20:00Z",)
    assert eth.remarks == ("begins 2025-11-01T00:10:00Z, the datadir 2025-11-01T00:00:00Z",)
    assert common_window([btc, eth]) == (
        datetime(2025, 11, 1, 0, 10, tzinfo=UTC),
        datetime(2025, 11, 1, 0, 15, tzinfo=UTC),
    )


def test_pairs_that_share_no_time_have_no_common_window(tmp_path: Path) -> None:
    write(tmp_path)
    files = write(
        tmp_path,
        """
        minute  open  high   low  close  volume
            60   102   104   101    103      12
        """,
        pair=ETH,
    )

    qualities = check_datadir(files)

    assert common_window(qualities) is None
    assert [quality.common_coverage_ratio for quality in qualities] == [None, None]


def test_nothing_that_could_be_read_has_no_common_window() -> None:
    assert common_window([PairQuality(pair=BTC, verdict=PairVerdict.UNUSABLE, reason="gone")]) is None


def test_a_time_that_is_there_twice_counts_once() -> None:
    candles = candle_table(
        """
        minute  open  high   low  close  volume
             0   100   102    99    101      10
             0   100   102    99    101      10
        """
    )

    assert Window(START_MS, START_MS + 300_000).coverage(candles) == 0.5


def test_checking_changes_no_file(tmp_path: Path) -> None:
    files = write(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.feather")}

    check_datadir(files)

    assert {path: path.read_bytes() for path in tmp_path.rglob("*.feather")} == before


def test_real_candles_are_judged_as_documented() -> None:
    qualities = {quality.pair: quality for quality in check_datadir(CandleFiles(market_dir("ci")))}

    late = {"GIGGLE/USDT:USDT", "MON/USDT:USDT"}
    assert {pair for pair, quality in qualities.items() if quality.verdict is PairVerdict.OK} == (
        set(qualities) - late
    )
    assert {pair: qualities[pair].rows for pair in late} == {
        "GIGGLE/USDT:USDT": 10_539,
        "MON/USDT:USDT": 10_281,
    }
    assert sum(quality.rows for quality in qualities.values()) == 266_772
    assert all(quality.common_coverage_ratio == 1.0 for quality in qualities.values())
