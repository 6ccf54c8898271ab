import numpy as np
import pytest

from freqfleet.clock import to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError
from freqfleet.market.indicators import atr_ratio
from freqfleet.market.leverage_tiers import LeverageTier
from freqfleet.market.liquidation import liquidation_rate
from freqfleet.market.trade_columns import TradeColumns
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


def gather(
    trades, *, candles=None, as_of=FINISHED, horizon_minutes=5, funding=None, tiers=None
) -> GatheredPaths:
    return gather_paths(
        candles if candles is not None else candle_table(FLAT, start=START),
        TradeColumns.of(trades),
        side=Side.LONG,
        horizon_minutes=horizon_minutes,
        as_of=as_of,
        funding=funding,
        tiers=tiers,
    )


def test_window_begins_with_the_candle_that_contains_the_entry():
    gathered = gather([closed_trade(1, minute=5), closed_trade(2, minute=9.9)])

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


def test_trade_that_is_there_twice_is_refused_by_name():
    with pytest.raises(InputError, match=r"BOT1 trade 7 BTC/USDT:USDT of db:.* is there twice"):
        gather([closed_trade(7, minute=0), closed_trade(8, minute=5), closed_trade(7, minute=5)])


@pytest.mark.parametrize("other", [{"bot": "BOT3"}, {"instance": "backtest"}, {"trade_id": 2}])
def test_same_number_in_another_bot_or_database_is_another_trade(other):
    gathered = gather([closed_trade(1), closed_trade(**{"trade_id": 1, **other})])

    assert len(gathered.paths) == 2


@pytest.mark.parametrize("minutes", [[0, 10, 5, 15, 20], [0, 5, 5, 10, 15]])
def test_candles_that_do_not_rise_in_time_are_refused_with_the_time(minutes):
    time_ms = to_ms(START) + np.array(minutes) * 60_000
    candles = candles_of(time_ms, np.full((5, 4), 100.0))

    with pytest.raises(MarketError, match="BTC/USDT:USDT: candles must rise in time, 2025-10-01T00:05"):
        gather([closed_trade()], candles=candles)


@pytest.mark.parametrize("price", [np.nan, np.inf, 0.0, -1.0])
def test_price_that_is_no_price_drops_the_trades_whose_window_holds_it(price):
    prices = np.full((8, 4), 100.0)
    prices[2] = price
    candles = candles_of(to_ms(START) + np.arange(8) * 300_000, prices)

    gathered = gather(
        [closed_trade(1, minute=0), closed_trade(2, minute=15)], candles=candles, as_of=after(40)
    )

    assert gathered.dropped == {Dropped.WINDOW_HAS_BAD_CANDLE: 1}
    assert gathered.kept.tolist() == [1]


def test_flat_candles_of_an_outage_are_prices_like_any_other():
    candles = candle_table(
        """
    minute   open   high    low  close volume
        0   100.0  101.0   99.0  100.0      1
        5   100.0  100.0  100.0  100.0      0
       10   100.0  100.0  100.0  100.0      0
       15   100.0  101.0   99.0  100.0      1
    """,
        start=START,
    )

    gathered = gather([closed_trade()], candles=candles, as_of=after(20))

    assert gathered.dropped == {}
    assert gathered.paths.high[0].tolist() == [101.0, 100.0, 100.0]


def test_trades_before_the_first_candle_of_a_listing_are_dropped_and_the_others_kept():
    listing = random_walk(60, seed=4)
    trades = [
        closed_trade(1, minute=-60),
        closed_trade(2, minute=0, open_rate=float(listing.open[0])),
        closed_trade(3, minute=150, open_rate=float(listing.open[30])),
    ]

    gathered = gather(trades, candles=listing, as_of=after(300))

    assert gathered.dropped == {Dropped.OUTSIDE_CANDLES: 1}
    assert np.isfinite(gathered.paths.atr_ratio).tolist() == [False, True]


def test_tiers_say_where_each_position_is_liquidated():
    tiers = (LeverageTier(notional_from_quote=0.0, maintenance_ratio=0.01, maintenance_amount_quote=0.0),)
    trades = [closed_trade(1, leverage=3.0), closed_trade(2, leverage=10.0, stake_quote=50.0)]

    paths = gather(trades, tiers=tiers).paths

    assert paths.leverage.tolist() == [3.0, 10.0]
    assert paths.liquidation_rate.tolist() == [
        liquidation_rate(
            tiers, side=Side.LONG, open_rate=100.0, leverage=one.leverage, margin_quote=one.stake_quote
        )
        for one in trades
    ]
    assert paths.liquidation_known.tolist() == [True, True]


def test_without_tiers_or_margin_the_liquidation_is_unknown_and_says_so():
    tiers = (LeverageTier(notional_from_quote=0.0, maintenance_ratio=0.01, maintenance_amount_quote=0.0),)

    without_tiers = gather([closed_trade()]).paths
    without_margin = gather([closed_trade(stake_quote=0.0)], tiers=tiers).paths

    for paths in (without_tiers, without_margin):
        assert np.isnan(paths.liquidation_rate).all()
        assert paths.liquidation_known.tolist() == [False]
