from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from freqfleet.demo.market import MINIMUM_DAYS, WARMUP_DAYS, open_market
from freqfleet.errors import MarketError
from freqfleet.market.candles import CandleFiles
from freqfleet.market.series import Candles
from freqfleet.market.timeframes import DAY_MS, MINUTE_MS
from freqfleet.testing.candle_tables import write_candles

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


def write(datadir: Path, pair: str, days: float, *, starts_at: datetime = FIRST) -> Path:
    """Write flat candles of some days; return the file."""
    count = round(days * 288)
    price = np.full(count, 100.0)
    candles = Candles(
        pair=pair,
        timeframe_ms=5 * MINUTE_MS,
        time_ms=int(starts_at.timestamp() * 1000) + np.arange(count, dtype=np.int64) * 5 * MINUTE_MS,
        open=price,
        high=price + 1.0,
        low=price - 1.0,
        close=price,
        volume=price,
    )
    file = CandleFiles(datadir).path(pair)
    write_candles(file, candles)
    return file


@pytest.mark.parametrize(
    ("days", "learning_days"),
    [(WARMUP_DAYS + 15, 10), (WARMUP_DAYS + 16, 11), (WARMUP_DAYS + 30, 20), (WARMUP_DAYS + 42, 28)],
)
def test_two_thirds_of_the_whole_days_after_warm_up_are_learned_from(
    tmp_path: Path, days: int, learning_days: int
) -> None:
    write(tmp_path, BTC, days)

    market = open_market(tmp_path, tmp_path / "out")

    assert market.starts_at == FIRST + WARMUP_DAYS * DAY
    assert market.split_at == market.starts_at + learning_days * DAY
    assert market.ends_at == FIRST + days * DAY
    assert market.days == pytest.approx(days, abs=0.01)
    assert market.candles == days * 288


def test_candles_that_begin_and_end_in_the_middle_of_a_day_are_cut_at_midnights(tmp_path: Path) -> None:
    begin = FIRST + timedelta(hours=7)
    write(tmp_path, BTC, 20.0, starts_at=begin)  # to 2025-03-21 07:00

    market = open_market(tmp_path, tmp_path / "out")

    assert market.starts_at == datetime(2025, 3, 4, tzinfo=UTC)
    assert market.ends_at == datetime(2025, 3, 21, tzinfo=UTC)
    assert market.starts_at - begin < WARMUP_DAYS * DAY  # the hours of the first day are warm-up, too
    for moment in (market.starts_at, market.split_at, market.ends_at):
        assert int(moment.timestamp() * 1000) % DAY_MS == 0


@pytest.mark.parametrize("days", [1, WARMUP_DAYS, WARMUP_DAYS + MINIMUM_DAYS - 1])
def test_too_few_days_are_said_with_their_number_and_the_way_out(tmp_path: Path, days: int) -> None:
    write(tmp_path, BTC, days)

    with pytest.raises(MarketError) as refused:
        open_market(tmp_path, tmp_path / "out")

    said = str(refused.value)
    assert f"holds {days - WARMUP_DAYS if days > WARMUP_DAYS else 0} whole days" in said
    assert f"needs {MINIMUM_DAYS}" in said
    assert "download" in said


def test_the_least_days_are_enough(tmp_path: Path) -> None:
    write(tmp_path, BTC, WARMUP_DAYS + MINIMUM_DAYS)

    assert (open_market(tmp_path, tmp_path / "out").ends_at - FIRST) / DAY == WARMUP_DAYS + MINIMUM_DAYS


@pytest.mark.parametrize(("days", "skipped"), [(13.0, True), (13.5, False)])
def test_a_pair_that_ends_before_the_split_is_skipped_with_its_reason(
    tmp_path: Path, days: float, skipped: bool
) -> None:
    write(tmp_path, BTC, WARMUP_DAYS + 15)  # the split is on day 13
    write(tmp_path, ETH, days)

    market = open_market(tmp_path, tmp_path / "out")

    assert market.pairs == ((BTC,) if skipped else (BTC, ETH))
    assert set(market.skipped) == ({ETH} if skipped else set())
    if skipped:
        assert market.skipped[ETH] == f"{ETH}: its candles end on 2025-03-13, before the split"
        assert market.candles == (WARMUP_DAYS + 15) * 288  # not those of the pair that takes no part


def test_a_broken_pair_is_skipped_and_the_others_go_on(tmp_path: Path) -> None:
    write(tmp_path, BTC, 20)
    write(tmp_path, ETH, 20).write_bytes(b"no feather")
    with_nan = CandleFiles(tmp_path)
    write(tmp_path, SOL, 20)
    broken = with_nan.load(SOL)
    close = broken.close.copy()
    close[1234] = np.nan
    write_candles(
        with_nan.path(SOL),
        Candles(
            pair=SOL,
            timeframe_ms=broken.timeframe_ms,
            time_ms=broken.time_ms,
            open=broken.open,
            high=broken.high,
            low=broken.low,
            close=close,
            volume=broken.volume,
        ),
    )

    market = open_market(tmp_path, tmp_path / "out")

    assert market.pairs == (BTC,)
    assert set(market.skipped) == {ETH, SOL}
    assert all(reason.startswith(f"{pair}: ") for pair, reason in market.skipped.items())
    assert "NaN" in market.skipped[SOL]


def test_no_usable_pair_at_all_is_said_with_every_reason(tmp_path: Path) -> None:
    for pair in (BTC, ETH):
        write(tmp_path, pair, 20).write_bytes(b"no feather")

    with pytest.raises(MarketError, match=r"no usable pair.*BTC.*ETH"):
        open_market(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("made", [False, True], ids=["missing", "empty"])
def test_no_candles_at_all_are_said_with_the_folder(tmp_path: Path, made: bool) -> None:
    datadir = tmp_path / "binance"
    if made:
        datadir.mkdir()

    with pytest.raises(MarketError, match=f"{datadir}.*download-data"):
        open_market(datadir, tmp_path / "out")


def test_real_candles_have_no_truth_and_are_called_by_their_folder(tmp_path: Path) -> None:
    write(tmp_path, BTC, 20)

    market = open_market(tmp_path, tmp_path / "out")

    assert market.truth is None
    assert market.name == str(tmp_path)


def test_pairs_found_broken_later_join_the_skipped(tmp_path: Path) -> None:
    for pair in (BTC, ETH):
        write(tmp_path, pair, 20)
    market = open_market(tmp_path, tmp_path / "out")

    less = market.without({ETH: "no marks"})

    assert (less.pairs, less.skipped) == ((BTC,), {ETH: "no marks"})
    assert less.candles == market.candles // 2
