import numpy as np
import pytest

from freqfleet.clock import to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.market.indicators import atr_ratio
from freqfleet.replay.paths import Dropped, GatheredPaths, gather_paths
from freqfleet.testing.candle_tables import candle_table
from replaycases import BTC, START, after, candles_of, closed_trade, funding_of, random_walk

FLAT = """
minute   open   high    low  close volume
    0   100.0  101.0   99.0  100.0      1
    5   100.0  101.0   99.0  100.0      1
   10   100.0  101.0   99.0  100.0      1
   15   100.0  101.0   99.0  100.0      1
   20   100.0  101.0   99.0  100.0      1
"""


FINISHED = after(25)


def gather(trades, *, candles=None, as_of=FINISHED, horizon_minutes=5, funding=None) -> GatheredPaths:
    return gather_paths(
        candles if candles is not None else candle_table(FLAT, start=START),
        trades,
        side=Side.LONG,
        horizon_minutes=horizon_minutes,
        as_of=as_of,
        funding=funding,
    )


def test_window_begins_with_the_candle_that_contains_the_entry():
    gathered = gather([closed_trade(minute=5), closed_trade(minute=9.9)])

    assert gathered.paths.first_open_ms.tolist() == [to_ms(after(5)), to_ms(after(5))]
    assert gathered.paths.width == 3
    assert gathered.paths.window_end_ms.tolist() == [to_ms(after(20))] * 2


def test_trade_keeps_its_own_entry_rate():
    gathered = gather([closed_trade(open_rate=100.7)])

    assert gathered.paths.entry_rate.tolist() == [100.7]


@pytest.mark.parametrize(
    ("minute", "as_of_minute", "reason"),
    [
        (-5, 25, Dropped.OUTSIDE_CANDLES),
        (26, 40, Dropped.OUTSIDE_CANDLES),
        (15, 25, Dropped.WINDOW_INCOMPLETE),
        (10, 24.9, Dropped.WINDOW_INCOMPLETE),
    ],
)
def test_trade_without_its_whole_horizon_is_dropped_with_the_reason(minute, as_of_minute, reason):
    gathered = gather([closed_trade(minute=minute)], as_of=after(as_of_minute))

    assert gathered.dropped == {reason: 1}
    assert len(gathered.paths) == 0


def test_window_that_ends_exactly_at_as_of_is_kept():
    gathered = gather([closed_trade(minute=10)], as_of=after(25))

    assert gathered.dropped == {}
    assert gathered.paths.window_end_ms.tolist() == [to_ms(after(25))]


def test_nothing_after_as_of_changes_the_paths():
    known, later = random_walk(400, seed=1), random_walk(400, seed=2)
    cut = 300
    spliced = candles_of(
        known.time_ms,
        np.stack(
            [
                np.concatenate([getattr(known, name)[:cut], getattr(later, name)[cut:]])
                for name in ("open", "high", "low", "close")
            ],
            axis=1,
        ),
    )
    trades = [
        closed_trade(number, minute=5 * number, open_rate=float(known.open[number]))
        for number in range(20, 400)
    ]

    before, with_other_future = (
        gather(trades, candles=one, as_of=after(5 * cut), horizon_minutes=240) for one in (known, spliced)
    )

    assert before.kept.tolist() == with_other_future.kept.tolist()
    assert before.kept.max() + 20 + before.paths.width <= cut
    np.testing.assert_array_equal(before.paths.close, with_other_future.paths.close)
    np.testing.assert_array_equal(before.paths.atr_ratio, with_other_future.paths.atr_ratio)


def test_gap_in_the_window_drops_the_trade():
    candles = candle_table(
        """
    minute   open   high    low  close volume
        0   100.0  101.0   99.0  100.0      1
        5   100.0  101.0   99.0  100.0      1
       15   100.0  101.0   99.0  100.0      1
       20   100.0  101.0   99.0  100.0      1
       25   100.0  101.0   99.0  100.0      1
    """,
        start=START,
    )

    gathered = gather(
        [closed_trade(1, minute=0), closed_trade(2, minute=12), closed_trade(3, minute=15)],
        candles=candles,
        as_of=after(30),
    )

    assert gathered.dropped == {Dropped.WINDOW_HAS_GAP: 2}
    assert gathered.kept.tolist() == [2]


def test_candle_whose_open_lies_outside_its_range_drops_the_trade():
    candles = candle_table(FLAT.replace("10   100.0  101.0", "10   102.0  101.0"), start=START)

    assert gather([closed_trade()], candles=candles).dropped == {Dropped.WINDOW_HAS_BAD_CANDLE: 1}


def test_entry_rate_of_another_market_drops_the_trade():
    assert gather([closed_trade(open_rate=110.0)]).dropped == {Dropped.ENTRY_RATE_OFF_MARKET: 1}


def test_atr_is_the_one_of_the_last_candle_closed_before_the_entry():
    candles = random_walk(60, seed=3)
    trades = [closed_trade(1, minute=200, open_rate=float(candles.open[40]))]

    gathered = gather(trades, candles=candles, as_of=after(300))

    expected = atr_ratio(candles.high, candles.low, candles.close)[39]
    assert gathered.paths.atr_ratio.tolist() == [expected]


def test_atr_of_the_first_candles_is_unknown():
    assert np.isnan(gather([closed_trade()]).paths.atr_ratio).all()


def test_funding_adds_up_from_the_entry_candle_as_a_ratio_of_the_entry():
    funding = funding_of([-480, 0, 10], [0.5, 0.001, -0.004])

    gathered = gather([closed_trade(open_rate=101.0)], funding=funding)

    np.testing.assert_allclose(
        gathered.paths.funding_ratio[0], np.array([0.1, 0.1, -0.3]) / 101.0, rtol=1e-12
    )
    assert gathered.paths.funding_known.tolist() == [True]


@pytest.mark.parametrize(
    ("minutes", "known"),
    [([-480, 0], True), ([480], False), ([475], True), ([-900, -470], False), ([-900, -460], True)],
)
def test_funding_history_with_a_silence_of_eight_hours_does_not_cover_the_window(minutes, known):
    gathered = gather([closed_trade()], funding=funding_of(minutes, [0.0001] * len(minutes)))

    assert gathered.paths.funding_known.tolist() == [known]


def test_trade_without_any_funding_history_says_so():
    assert gather([closed_trade()]).paths.funding_known.tolist() == [False]


def test_trade_of_another_side_is_refused():
    with pytest.raises(InputError, match="short is not of BTC/USDT:USDT long"):
        gather([closed_trade(side=Side.SHORT)])


def test_no_trades_give_empty_paths():
    gathered = gather([])

    assert len(gathered.paths) == 0
    assert gathered.paths.pair == BTC
    assert gathered.paths.open.shape == (0, 3)


def test_subset_keeps_rows_together():
    paths = gather([closed_trade(1, minute=0), closed_trade(2, minute=5)]).paths

    second = paths.subset(np.array([1]))

    assert second.first_open_ms.tolist() == [to_ms(START) + 300_000]
    assert second.candles(0) == paths.candles(1)
