"""Candles as they were known at a time: what came later is not there, and no reason for anything."""

from __future__ import annotations

import pickle
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import to_ms
from freqfleet.errors import MarketError
from freqfleet.market.candles import CandleFiles
from freqfleet.market.feather import KeptColumns
from freqfleet.market.past import PastCandles
from freqfleet.testing.candle_tables import TABLE_START, candle_table, write_candles, write_funding

BTC = "BTC/USDT:USDT"
SOUND = """
    minute  open  high   low  close  volume
         0   100   102    99    101      10
         5   101   103   100    102      11
        10   102   104   101    103      12
"""
BROKEN_LATER = """
    minute  open  high   low  close  volume
         0   100   102    99    101      10
         5   101   103   100    102      11
        10   102   nan   101    103      12
         5     1     1     1      1       1
"""


def past(datadir: Path, table: str = SOUND) -> PastCandles:
    write_candles(CandleFiles(datadir).path(BTC), candle_table(table, pair=BTC))
    return PastCandles(datadir, "5m", "none")


@pytest.mark.parametrize(("minute", "finished"), [(5, 1), (9, 1), (10, 2), (15, 3), (1000, 3)])
def test_a_candle_is_known_when_it_is_finished(tmp_path: Path, minute: int, finished: int) -> None:
    known = past(tmp_path).candles(TABLE_START + timedelta(minutes=minute)).load(BTC)

    assert known.close.tolist() == [101, 102, 103][:finished]


def test_a_flaw_of_the_future_is_no_reason_to_skip_a_pair_today(tmp_path: Path) -> None:
    files = past(tmp_path, BROKEN_LATER)

    known = files.candles(TABLE_START + timedelta(minutes=10)).load(BTC)

    assert known.close.tolist() == [101, 102]
    with pytest.raises(MarketError, match=r"NaN|older"):
        files.candles(TABLE_START + timedelta(minutes=15)).load(BTC)


def test_a_pair_that_is_listed_later_has_no_candles_yet(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"no candle of .* was finished by 2"):
        past(tmp_path).candles(TABLE_START + timedelta(minutes=4)).load(BTC)


def test_funding_is_known_when_it_is_due(tmp_path: Path) -> None:
    files = CandleFiles(tmp_path)
    due = [to_ms(TABLE_START + timedelta(minutes=minute)) for minute in (0, 480, 960)]
    write_funding(files.path(BTC, "funding_rate", "1h"), due, [0.1, 0.2, float("nan")])
    market = past(tmp_path)

    def rates(minute: int) -> list[float] | None:
        found = market.candles(TABLE_START + timedelta(minutes=minute)).load_funding(BTC)
        return None if found is None else found.rate.tolist()

    assert rates(-1) is None
    assert rates(0) == [0.1]
    assert rates(959) == [0.1, 0.2]
    with pytest.raises(MarketError, match="NaN"):
        rates(960)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    market = past(tmp_path)
    early, late = (TABLE_START + timedelta(minutes=minute) for minute in (10, 15))
    market.candles(early).load(BTC)
    CandleFiles(tmp_path).path(BTC).unlink()
    CandleFiles(tmp_path).path(BTC).touch()

    assert len(market.candles(late).load(BTC)) == 3


def test_what_is_kept_does_not_travel_to_other_processes(tmp_path: Path) -> None:
    kept = KeptColumns()
    files = past(tmp_path).candles(TABLE_START + timedelta(minutes=15))
    kept(files.path(BTC), ("date", "open"), label="BTC")

    there = pickle.loads(pickle.dumps(kept))

    assert np.array_equal(there(files.path(BTC), ("open",), label="BTC")["open"], [100, 101, 102])
    assert len(pickle.dumps(kept)) < 200


def test_finer_candles_are_cut_too_and_may_be_left_out(tmp_path: Path) -> None:
    write_candles(CandleFiles(tmp_path, "1m").path(BTC), candle_table(SOUND, pair=BTC))
    at = TABLE_START + timedelta(minutes=6)

    detail = PastCandles(tmp_path, "5m", "1m").detail(at)

    assert detail is not None
    found = detail.load_if_there(BTC)
    assert found is not None
    assert len(found) == 2
    assert PastCandles(tmp_path, "5m", "none").detail(at) is None
