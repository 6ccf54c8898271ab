"""The market at a time: the running candle as far as it has come, and nothing after it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.errors import ExchangeError, MarketError
from freqfleet.exchange.bars import Bars, aggregate
from freqfleet.exchange.history import FeatherHistory, KeptHistory
from freqfleet.exchange.tape import Tape, Window
from freqfleet.market.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from freqfleet.testing.memory_history import MemoryHistory, bars_of
from realdata import market_dir

BTC = "BTC/USDT:USDT"
M5 = 5 * MINUTE_MS
T0 = 20_000 * DAY_MS

FIVE = bars_of(
    "5m",
    [  # time         open    high    low     close   volume
        (T0,          100.0,  104.0,   98.0,  102.0,  10.0),
        (T0 + M5,     102.0,  103.0,   90.0,   92.0,  20.0),
        (T0 + 2 * M5,  92.0,   95.0,   91.0,   94.0,  30.0),
        # a gap of one candle
        (T0 + 4 * M5,  94.0,   97.0,   93.0,   96.0,  40.0),
    ],
)  # fmt: skip


def tape(shift_ms: int = 0) -> Tape:
    return Tape(MemoryHistory({BTC: {"5m": FIVE}}), shift_ms=shift_ms)


def ask(now_ms: int, limit: int = 500, start_ms: int | None = None, end_ms: int | None = None) -> Window:
    return Window(now_ms=now_ms, limit=limit, start_ms=start_ms, end_ms=end_ms)


@pytest.mark.parametrize(
    ("after_ms", "price"),
    [
        (0, 100.0),
        (100_000, 98.0),  # a rising candle: low after a third of it, high after two
        (200_000, 104.0),
        (M5 - 1, 102.0),
        (M5 + 100_000, 103.0),  # a falling one: high first
        (M5 + 200_000, 90.0),
        (3 * M5 + 60_000, 94.0),  # in the gap: the close before it
    ],
)
def test_the_price_walks_along_the_candle(after_ms: int, price: float) -> None:
    assert tape().price(BTC, T0 + after_ms) == pytest.approx(price, abs=0.001)


@pytest.mark.parametrize("after_ms", [-1, 5 * M5])
def test_there_is_no_price_before_or_after_the_candles(after_ms: int) -> None:
    with pytest.raises(ExchangeError, match=r"no price at .* start the exchange with --shift-to-now"):
        tape().price(BTC, T0 + after_ms)


def test_the_running_candle_is_the_last_and_shows_only_what_was() -> None:
    found = tape().candles(BTC, "5m", ask(T0 + M5 + 100_000))

    assert found.time_ms.tolist() == [T0, T0 + M5]
    assert found.ohlcv[0].tolist() == [100.0, 104.0, 98.0, 102.0, 10.0]
    assert found.ohlcv[1] == pytest.approx([102.0, 103.0, 102.0, 103.0, 20.0 / 3])


def test_a_candle_that_begins_now_is_its_open() -> None:
    found = tape().candles(BTC, "5m", ask(T0 + M5))

    assert found.ohlcv[-1].tolist() == [102.0, 102.0, 102.0, 102.0, 0.0]


@pytest.mark.parametrize(
    ("limit", "start", "end", "opens"),
    [
        (2, None, None, [2, 4]),  # the last ones, over the gap
        (2, 0, None, [0, 1]),  # the first ones from a start
        (9, 1, 2, [1, 2]),  # both bounds count
        (2, None, 2, [1, 2]),
        (9, 5, None, []),
        (1, 4, None, [4]),
    ],
)
def test_windows_are_the_exchange_s(limit: int, start: int | None, end: int | None, opens: list[int]) -> None:
    start_ms = None if start is None else T0 + start * M5
    end_ms = None if end is None else T0 + end * M5

    found = tape().candles(BTC, "5m", ask(T0 + 5 * M5 - 1, limit, start_ms, end_ms))

    assert ((found.time_ms - T0) // M5).tolist() == opens


def test_coarser_candles_are_aggregated_and_the_running_one_too() -> None:
    found = tape().candles(BTC, "15m", ask(T0 + 4 * M5 + 100_000))

    assert found.time_ms.tolist() == [T0, T0 + 15 * MINUTE_MS]
    assert found.ohlcv[0].tolist() == [100.0, 104.0, 90.0, 94.0, 60.0]
    assert found.ohlcv[1] == pytest.approx([94.0, 94.0, 93.0, 93.0, 40.0 / 3])


def test_finer_candles_are_interpolated_up_to_now() -> None:
    found = tape().candles(BTC, "1m", ask(T0 + M5 + 90_000, limit=3))

    assert ((found.time_ms - T0) // MINUTE_MS).tolist() == [4, 5, 6]
    assert found.ohlcv[-1] == pytest.approx([102.6, 102.9, 102.6, 102.9, 2.0])


def test_minutes_of_a_file_win_over_the_path() -> None:
    minutes = bars_of("1m", [(T0 + index * MINUTE_MS, 100.0, 100.0, 99.0, 99.5, 1.0) for index in range(5)])
    both = Tape(MemoryHistory({BTC: {"1m": minutes, "5m": FIVE}}))

    assert both.price(BTC, T0 + 2 * MINUTE_MS - 1) == pytest.approx(99.5, abs=0.001)
    assert both.candles(BTC, "1m", ask(T0 + M5, limit=2)).ohlcv[0].tolist() == [100.0, 100.0, 99.0, 99.5, 1.0]
    # where the minutes end, the five minutes go on
    assert both.price(BTC, T0 + M5 + 200_000) == pytest.approx(90.0)


def test_an_interval_no_file_can_give_is_refused() -> None:
    threes = bars_of("3m", [(T0, 1.0, 1.0, 1.0, 1.0, 1.0)])

    with pytest.raises(MarketError, match="no file can give 5m candles; download 1m or 5m"):
        Tape(MemoryHistory({BTC: {"3m": threes}})).candles(BTC, "5m", ask(T0))


def test_a_shift_moves_everything_by_the_same_days() -> None:
    shift_ms = 30 * DAY_MS
    moved, here = tape(shift_ms), tape()
    now_ms = T0 + M5 + 77_000

    assert moved.price(BTC, now_ms + shift_ms) == here.price(BTC, now_ms)
    for interval in ("1m", "5m", "1h"):
        found, expected = (
            each.candles(BTC, interval, ask(now))
            for each, now in ((moved, now_ms + shift_ms), (here, now_ms))
        )
        assert (found.time_ms - shift_ms).tolist() == expected.time_ms.tolist()
        assert found.ohlcv.tolist() == expected.ohlcv.tolist()
    assert moved.market(BTC).listed_ms == here.market(BTC).listed_ms + shift_ms


@given(
    now=st.integers(0, 3 * HOUR_MS),
    interval=st.sampled_from(["1m", "5m", "15m", "1h"]),
    seed=st.integers(0, 99),
)
def test_nothing_after_the_running_candle_is_ever_shown(now: int, interval: str, seed: int) -> None:
    past, future = walk(seed), walk(seed)
    running = now // M5
    future.ohlcv[running + 1 :] *= 7.0  # another future
    now_ms = T0 + now

    seen, other = (
        Tape(MemoryHistory({BTC: {"5m": bars}}, mark={BTC: aggregate(bars, HOUR_MS)}))
        for bars in (past, future)
    )

    for look in (Tape.candles, Tape.mark_candles):
        first, second = (look(each, BTC, interval, ask(now_ms)) for each in (seen, other))
        assert first.time_ms.tolist() == second.time_ms.tolist()
        assert first.ohlcv.tolist() == second.ohlcv.tolist()
    assert seen.price(BTC, now_ms) == other.price(BTC, now_ms)
    assert seen.day(BTC, now_ms) == other.day(BTC, now_ms)


@given(now=st.integers(0, 3 * HOUR_MS), interval=st.sampled_from(["1m", "5m", "15m", "1h"]))
def test_the_running_candle_closes_at_the_price(now: int, interval: str) -> None:
    market = Tape(MemoryHistory({BTC: {"5m": walk(1)}}))

    last = market.candles(BTC, interval, ask(T0 + now)).ohlcv[-1]

    assert last[3] == market.price(BTC, T0 + now)
    assert last[2] <= min(last[0], last[3]) <= max(last[0], last[3]) <= last[1]


def test_mark_candles_come_from_their_file_and_have_no_volume() -> None:
    marks = bars_of("1h", [(T0 - HOUR_MS, 50.0, 52.0, 49.0, 51.0, 0.0), (T0, 51.0, 60.0, 40.0, 55.0, 0.0)])
    market = Tape(MemoryHistory({BTC: {"5m": FIVE}}, mark={BTC: marks}))

    found = market.mark_candles(BTC, "1h", ask(T0 + M5))

    assert found.time_ms.tolist() == [T0 - HOUR_MS, T0]
    assert found.ohlcv[0].tolist() == [50.0, 52.0, 49.0, 51.0, 0.0]
    assert found.ohlcv[1].tolist() == [100.0, 104.0, 98.0, 102.0, 0.0]  # the hour still runs: last prices


def test_without_a_mark_file_the_last_price_is_the_mark() -> None:
    found = tape().mark_candles(BTC, "1h", ask(T0 + 5 * M5 - 1))

    assert found.ohlcv[0] == pytest.approx([100.0, 104.0, 90.0, 96.0, 0.0], abs=0.001)


def test_funding_is_known_when_it_is_paid() -> None:
    events = [(T0 - 8 * HOUR_MS, 0.0001), (T0, -0.0002), (T0 + 8 * HOUR_MS, 0.0003)]
    market = Tape(MemoryHistory({BTC: {"5m": FIVE}}, events={BTC: events}))

    assert market.funding(BTC, ask(T0 - 1)) == events[:1]
    assert market.funding(BTC, ask(T0)) == events[:2]
    assert market.funding(BTC, ask(T0 + DAY_MS, limit=1)) == events[2:]
    assert market.funding(BTC, ask(T0 + DAY_MS, limit=1, start_ms=T0)) == events[1:2]
    assert tape().funding(BTC, ask(T0)) == []


def test_the_day_is_what_was_seen_of_the_last_24_hours() -> None:
    day = tape().day(BTC, T0 + M5 + 200_000)

    assert day is not None
    assert (day.open, day.high, day.low, day.last) == (100.0, 104.0, 90.0, 90.0)
    assert day.volume == pytest.approx(10.0 + 20.0 * 2 / 3)
    assert tape().day(BTC, T0 + 3 * DAY_MS) is None


def test_closed_candles_of_real_files_are_served_as_they_are() -> None:
    history = KeptHistory(FeatherHistory(market_dir("ci")))
    market = Tape(history)
    file = history.last_price(BTC, "5m")
    now_ms = file.end_ms - 3 * HOUR_MS + 1234

    found = market.candles(BTC, "5m", ask(now_ms, limit=500))

    closed = file.closed_at(now_ms).newest(499)
    assert found.time_ms[:-1].tolist() == closed.time_ms.tolist()
    assert found.ohlcv[:-1].tolist() == closed.ohlcv.tolist()


def walk(seed: int) -> Bars:
    """Return three hours and a candle of 5m candles."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 37)))
    opened = np.append(100.0, close[:-1])
    high, low = np.maximum(opened, close) * 1.005, np.minimum(opened, close) * 0.995
    ohlcv = np.column_stack((opened, high, low, close, rng.uniform(1, 9, 37)))
    return Bars(step_ms=M5, time_ms=T0 + M5 * np.arange(37), ohlcv=ohlcv)
