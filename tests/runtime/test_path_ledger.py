"""PathLedger: what closed candles have shown since an entry, fed once each, remembered over a restart."""

from __future__ import annotations

import math
from datetime import timedelta

import pandas as pd
import pytest

from freqfleet.domain.managed_exits import ClosedCandles
from freqfleet.domain.sides import Side
from freqfleet.runtime.path_ledger import PATH_KEY, PathLedger
from freqfleet.testing.host import OPENED, FakeTrade

STEP = timedelta(minutes=5)
#        high   low    close  trend; the second row is the entry's candle
ROWS = [(101.0, 99.0, 100.0, 0.4),
        (103.0, 99.5, 102.0, 0.6),
        (105.0, 101.0, 104.0, 0.2),
        (104.5, 100.0, 101.0, -1.0)]  # fmt: skip


def frame(rows: list[tuple[float, ...]] = ROWS, skip: int | None = None) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["high", "low", "close", "trend_z"])
    made.insert(0, "date", pd.to_datetime([OPENED + STEP * (row - 1) for row in range(len(rows))]))
    return made if skip is None else made.drop(index=skip)


def by_hand(rows: list[tuple[float, ...]], side: Side = Side.LONG) -> ClosedCandles:
    known = ClosedCandles.before_entry(rows[0][3])
    for high, low, close, trend in rows[1:]:
        known = known.and_then(high=high, low=low, close=close, side=side, trend_z=trend)
    return known


@pytest.mark.parametrize("is_short", [False, True])
def test_candles_are_counted_from_the_entrys_on_and_once_each(is_short: bool) -> None:
    ledger, trade = PathLedger(timeframe=STEP, persistent=False), FakeTrade(is_short=is_short)

    found = [ledger.closed(trade, frame(ROWS[:known])) for known in (1, 1, 2, 4, 4)]

    side = Side.of(is_short=is_short)
    assert math.isnan(found[0].best_close)
    assert found[0].trend_z == 0.4
    assert found[2] == by_hand(ROWS[:2], side)
    assert found[3] == found[4] == by_hand(ROWS, side)


def test_a_position_opened_inside_a_candle_counts_that_candle() -> None:
    trade = FakeTrade(open_date_utc=OPENED + timedelta(minutes=3, seconds=7))

    assert PathLedger(timeframe=STEP, persistent=False).closed(trade, frame()) == by_hand(ROWS)


def test_a_gap_in_the_candles_is_passed_over() -> None:
    found = PathLedger(timeframe=STEP, persistent=False).closed(FakeTrade(), frame(skip=2))

    assert found == by_hand([ROWS[0], ROWS[1], ROWS[3]])


def test_a_restart_remembers_what_the_candles_at_hand_no_longer_hold() -> None:
    trade = FakeTrade()
    PathLedger(timeframe=STEP, persistent=True).closed(trade, frame(ROWS[:3]))

    after = PathLedger(timeframe=STEP, persistent=True).closed(trade, frame().iloc[3:])

    assert after == by_hand(ROWS)


def test_a_path_begins_when_there_are_candles_for_the_first_time() -> None:
    """An order may have been filled while the bot was down: it is told so before it looks at the market."""
    ledger, trade = PathLedger(timeframe=STEP, persistent=True), FakeTrade()

    before = ledger.closed(trade, pd.DataFrame())

    assert math.isnan(before.best_rate)
    assert math.isnan(before.trend_z)
    assert ledger.closed(trade, frame()) == by_hand(ROWS)


def test_candles_that_are_gone_are_said(caplog: pytest.LogCaptureFixture) -> None:
    found = PathLedger(timeframe=STEP, persistent=True).closed(FakeTrade(), frame().iloc[3:])

    assert found.best_close == 101.0
    assert "2 candles since its entry are gone" in caplog.text


def test_a_path_that_cannot_be_read_begins_anew_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    trade = FakeTrade(custom={PATH_KEY: {"last_opened_ms": "soon", "closed": {}}})

    assert PathLedger(timeframe=STEP, persistent=True).closed(trade, frame()) == by_hand(ROWS)
    assert "cannot be read" in caplog.text
