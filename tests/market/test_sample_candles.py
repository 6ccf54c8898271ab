"""From paths to candles: ticks, aggregation, volume and funding."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from freqfleet.clock import to_ms
from freqfleet.market.sample_candles import (
    FUNDING_INTERVAL_MS,
    FUNDING_RATE_LIMIT,
    aggregate,
    funding_of,
    minute_candles,
)
from freqfleet.market.sample_pairs import SAMPLE_PAIRS, ListedPair
from freqfleet.market.series import Candles
from freqfleet.market.soundness import find_flaws
from freqfleet.market.synthetic import BARS_PER_DAY, Kind, planted_process, simulate
from freqfleet.testing.candle_tables import candle_table

DOGE = ListedPair("DOGE/USDT:USDT", 0.19, 5, 1.5e9)
START_MS = to_ms(datetime(2025, 10, 1, tzinfo=UTC))


def minutes(days: int = 2, seed: int = 3, listed: ListedPair = DOGE) -> Candles:
    rng = np.random.default_rng(seed)
    paths = simulate([planted_process(Kind.EDGE_FREE)], days * BARS_PER_DAY, rng, one_market=True)
    return minute_candles(paths, listed, START_MS, rng)


def test_minutes_are_sound_and_join() -> None:
    candles = minutes()

    assert len(candles) == 2 * 24 * 60
    assert find_flaws(candles) == []
    assert candles.gaps() == []
    np.testing.assert_array_equal(candles.open[1:], candles.close[:-1])
    assert candles.open[0] == 0.19


def test_prices_lie_on_the_tick_and_within_high_and_low() -> None:
    candles = minutes()

    for prices in (candles.open, candles.high, candles.low, candles.close):
        np.testing.assert_array_equal(prices, np.round(prices, 5))
    assert (candles.high >= np.maximum(candles.open, candles.close)).all()
    assert (candles.low <= np.minimum(candles.open, candles.close)).all()


def test_volume_follows_the_range_and_adds_up_to_the_turnover() -> None:
    candles = minutes(days=4)

    reach = candles.high - candles.low
    turnover = (candles.volume * candles.close).sum() / 4

    assert (candles.volume > 0.0).all()
    assert np.corrcoef(np.log(reach + 1e-5), np.log(candles.volume))[0, 1] > 0.5
    assert turnover == pytest.approx(1.5e9, rel=0.1)


def test_a_longer_candle_is_made_of_its_minutes() -> None:
    whole = aggregate(
        candle_table(
            """
            minute  open  high   low  close  volume
                 0   100   102    99    101      10
                 1   101   107   101    103      20
                 2   103   104    95     96      30
                 3    96    97    96     97       1
                 4    97    98    90     91       2
                 5    91    92    91     92       3
            """,
            candle_minutes=1,
        ),
        3,
    )

    expected = candle_table(
        """
        minute  open  high   low  close  volume
             0   100   107    95     96      60
             3    96    98    90     92       6
        """,
        candle_minutes=3,
    )
    assert whole.timeframe_ms == 3 * 60_000
    for name in ("time_ms", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(expected, name))


def test_funding_is_settled_every_eight_hours() -> None:
    time_ms, rate = funding_of(minutes(days=3), np.random.default_rng(1))

    assert time_ms.tolist() == [START_MS + i * FUNDING_INTERVAL_MS for i in range(9)]
    assert (np.abs(rate) <= FUNDING_RATE_LIMIT).all()
    assert len(set(rate.tolist())) == 9


def test_funding_rises_with_the_price_of_the_hours_before() -> None:
    candles = minutes(days=60)
    time_ms, rate = funding_of(candles, np.random.default_rng(1))

    price = dict(zip(candles.time_ms.tolist(), candles.open.tolist(), strict=True))
    moved = [np.log(price[t] / price[t - FUNDING_INTERVAL_MS]) for t in time_ms[1:].tolist()]

    assert np.corrcoef(moved, rate[1:])[0, 1] > 0.7


def test_funding_knows_nothing_of_later_prices() -> None:
    candles = minutes(days=2)
    changed = candles.open.copy()
    changed[24 * 60 + 1 :] *= 1.2

    _, before = funding_of(candles, np.random.default_rng(1))
    _, after = funding_of(
        Candles(
            pair=candles.pair,
            timeframe_ms=candles.timeframe_ms,
            time_ms=candles.time_ms,
            open=changed,
            high=candles.high,
            low=candles.low,
            close=candles.close,
            volume=candles.volume,
        ),
        np.random.default_rng(1),
    )

    assert before[:4].tolist() == after[:4].tolist()
    assert before[4] != after[4]


def test_freqtrade_knows_the_leverage_of_every_pair() -> None:
    import json
    from importlib.resources import files

    tiers = json.loads((files("freqtrade") / "exchange" / "binance_leverage_tiers.json").read_text())

    assert [one.pair for one in SAMPLE_PAIRS if one.pair not in tiers] == []
    assert len({one.pair for one in SAMPLE_PAIRS}) == len(SAMPLE_PAIRS)


def test_a_tick_is_a_small_part_of_the_price() -> None:
    for one in SAMPLE_PAIRS:
        assert 10.0**-one.price_decimals / one.start_price < 1e-4, one.pair
