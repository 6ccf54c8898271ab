"""RecordBook: who speaks for a leverage bin, as of a time."""

from __future__ import annotations

from datetime import timedelta

from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.parameters.records import RecordBook
from freqfleet.testing.records import RECORDED, bin_record

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
LOW, NEXT = LEVERAGE_BINS[:2]


def test_the_nearest_level_with_enough_trades_speaks() -> None:
    fleet = bin_record()
    fleet_bin = bin_record(step=LOW)
    pair = bin_record(pair=BTC)
    pair_bin = bin_record(pair=BTC, step=LOW)
    one_trade = bin_record(pair=BTC, step=NEXT, trades=1)
    book = RecordBook([fleet, fleet_bin, pair, pair_bin, one_trade])

    btc, eth = book.evidence(BTC, Side.LONG, RECORDED), book.evidence(ETH, Side.LONG, RECORDED)

    assert btc.of(LOW) is pair_bin
    assert btc.of(NEXT) is pair
    assert eth.of(LOW) is fleet_bin
    assert eth.of(NEXT) is fleet
    assert book.evidence(BTC, Side.SHORT, RECORDED).by_bin == ()


def test_a_record_counts_from_its_recording_on_and_a_later_one_replaces_it() -> None:
    later = RECORDED + timedelta(days=1)
    first, second = bin_record(step=LOW), bin_record(step=LOW, recorded_at=later, lower_bound_bps=-3.0)
    book = RecordBook([second, first])

    before = book.evidence(BTC, Side.LONG, RECORDED - timedelta(milliseconds=1))

    assert before.by_bin == ()
    assert book.evidence(BTC, Side.LONG, later - timedelta(milliseconds=1)).of(LOW) is first
    assert book.evidence(BTC, Side.LONG, later).of(LOW) is second
    assert book.records == (first, second)
