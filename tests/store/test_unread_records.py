"""Bin records that are read when they are asked for: the same answers, and nothing unusable goes unsaid."""

from __future__ import annotations

import logging
import pickle
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.parameters.records import RecordBook
from freqfleet.store.bin_records import bin_record as record_of
from freqfleet.store.bin_records import record_label, record_row
from freqfleet.store.unread_records import unread_book
from freqfleet.store.unusable import UnusableRows
from freqfleet.testing.records import RECORDED, bin_record

BTC = "BTC/USDT:USDT"
LOW = LEVERAGE_BINS[0]
DAY = timedelta(days=1)

Raw = tuple[str, int, str]


def raw(record: BinRecord) -> Raw:
    row = record_row(record)
    return row["series"], row["recorded_ms"], row["record"]


def broken(row: Raw) -> Raw:
    return row[0], row[1], row[2].replace('"trades"', '"deals"')


def test_a_row_that_is_no_record_is_told_when_it_is_asked_for_and_the_one_before_it_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = bin_record(pair=BTC, step=LOW)
    rows = [raw(first), broken(raw(bin_record(pair=BTC, step=LOW, recorded_at=RECORDED + DAY)))]
    unusable = UnusableRows("learning store X")
    book = unread_book(rows, unusable)

    assert book.record(BTC, Side.LONG, LOW, RECORDED) == first
    assert unusable.reasons == {}  # of its day nobody has asked

    with caplog.at_level(logging.WARNING):
        answers = [book.record(BTC, Side.LONG, LOW, RECORDED + days * DAY) for days in (1, 2, 3)]

    assert answers == [first] * 3
    label = f"bin record '{BTC} long 1.0-2.0'"
    assert list(unusable.reasons) == [label]
    assert "not a bin record" in unusable.reasons[label]
    assert [one.getMessage().partition(" is not used")[0] for one in caplog.records] == [
        f"learning store X: {label}"
    ]
    assert book.records == (first,)


def test_a_record_that_was_moved_to_another_level_answers_for_neither() -> None:
    _, recorded_ms, text = raw(bin_record(pair=BTC))
    unusable = UnusableRows("learning store X")
    book = unread_book([("ETH/USDT:USDT long ", recorded_ms, text)], unusable)

    assert book.record("ETH/USDT:USDT", Side.LONG, None, RECORDED) is None
    assert book.record(BTC, Side.LONG, None, RECORDED) is None
    assert unusable.reasons == {
        "bin record 'ETH/USDT:USDT long '": f"the record of 'ETH/USDT:USDT long ' says it is of '{BTC} long '"
    }


@pytest.mark.parametrize("series", ["", "BTC long", "BTC/USDT:USDT up ", " long 1.0-9.0", "a b c", " long  "])
def test_a_level_that_nobody_can_ask_for_is_told_at_once(series: str) -> None:
    known = bin_record()
    unusable = UnusableRows("learning store X")

    book = unread_book([raw(known), (series, *raw(known)[1:])], unusable)

    assert list(unusable.reasons) == [f"bin record {series!r}"]
    assert book.records == (known,)


def test_a_book_that_was_read_in_part_can_be_pickled_as_hyperopt_does() -> None:
    records = [bin_record(pair=pair, recorded_at=RECORDED + DAY) for pair in (BTC, None)]
    book = unread_book(map(raw, records), UnusableRows("learning store X"))
    assert book.record(BTC, Side.LONG, None, RECORDED + DAY) == records[0]

    again = pickle.loads(pickle.dumps(book))

    assert again.records == tuple(records)


LEVELS = st.tuples(st.sampled_from([BTC, None]), st.sampled_from(Side), st.sampled_from([LOW, None]))
AGES_US = st.integers(0, 4000)


@given(
    stored=st.dictionaries(
        st.tuples(LEVELS, AGES_US.map(lambda age: age // 1000 * 1000)),
        st.tuples(st.integers(0, 999), st.sampled_from([30, 60, 90]), st.booleans()),
        max_size=20,
    ),
    asked_us=st.lists(AGES_US, min_size=1, max_size=6),
)
def test_its_answers_are_those_of_a_book_that_was_read_at_once(
    stored: dict[tuple[tuple[str | None, Side, object], int], tuple[int, int, bool]], asked_us: list[int]
) -> None:
    rows: list[Raw] = []
    for ((pair, side, step), age_us), (beyond_us, trades, is_broken) in stored.items():
        at = RECORDED + timedelta(microseconds=age_us + beyond_us)
        one = raw(bin_record(pair=pair, side=side, step=LOW if step else None, trades=trades, recorded_at=at))
        rows.append(broken(one) if is_broken else one)
    named = [
        SimpleNamespace(series=a, recorded_ms=b, record=c) for a, b, c in sorted(rows, key=lambda one: one[1])
    ]
    at_once, later = UnusableRows("at once"), UnusableRows("later")
    expected = RecordBook(at_once.usable(named, record_of, record_label))

    book = unread_book(rows, later)

    for asked in asked_us:
        at = RECORDED + timedelta(microseconds=asked)
        for side in Side:
            assert book.evidence(BTC, side, at) == expected.evidence(BTC, side, at)
    assert sorted(book.records, key=repr) == sorted(expected.records, key=repr)
    assert later.reasons.keys() == at_once.reasons.keys()
