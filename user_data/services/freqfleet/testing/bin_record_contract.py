"""What every body of the learning store must do with bin records, as tests: a part of StoreContract."""

# ruff: noqa: D102 - the names of the tests are what they document

from __future__ import annotations

from datetime import datetime, timedelta

from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.parameters.records import RecordBook
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.testing.records import RECORDED, bin_record
from freqfleet.testing.trades import version

MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)


class BinRecordContract:
    """What closed trades say of every leverage bin, as it was known over time."""

    def test_a_bin_record_comes_back_equal(self, store: LearningStore) -> None:
        records = [
            bin_record(pair=pair, step=step, side=side)
            for pair in (None, "BTC/USDT:USDT")
            for step in (None, LEVERAGE_BINS[0], LEVERAGE_BINS[4])
            for side in Side
        ]

        receipt = store.record_bins(records)

        assert receipt == WriteReceipt(accepted=12)
        assert sorted(store.bin_records(), key=repr) == sorted(records, key=repr)

    def test_the_same_record_again_is_a_duplicate_and_another_of_its_time_replaces_it(
        self, store: LearningStore
    ) -> None:
        store.record_bins([bin_record(trades=100), bin_record(step=LEVERAGE_BINS[1])])

        receipt = store.record_bins(
            [
                bin_record(trades=101),
                bin_record(step=LEVERAGE_BINS[1]),
                bin_record(recorded_at=RECORDED + MINUTE),
            ]
        )

        assert receipt == WriteReceipt(accepted=1, amended=1, duplicate=1)
        assert [one.trades for one in store.bin_records()] == [101, 200, 200]

    def test_a_reader_in_the_past_sees_only_records_of_then(self, store: LearningStore) -> None:
        later = bin_record(recorded_at=RECORDED + MINUTE, trades=300)
        store.record_bins([later])
        store.record_bins([bin_record()])

        assert store.bin_records(recorded_to=RECORDED) == [bin_record()]
        assert store.bin_records(recorded_to=RECORDED - MINUTE) == []
        assert store.bin_records() == [bin_record(), later]

    def test_of_every_level_the_newest_is_enough_for_who_never_asks_about_the_past(
        self, store: LearningStore
    ) -> None:
        store.record_bins(
            [
                bin_record(step=step, recorded_at=RECORDED + minute * MINUTE, trades=100 + minute)
                for step in (None, LEVERAGE_BINS[1])
                for minute in range(3)
            ]
        )
        store.record_bins([bin_record(pair="BTC/USDT:USDT", trades=50)])

        def told(recorded_to: datetime | None) -> list[tuple[str, int]]:
            found = store.bin_records(recorded_to=recorded_to, newest_only=True)
            return [(one.label, one.trades) for one in found]

        assert told(None) == [
            ("BTC/USDT:USDT long", 50),
            ("every pair long", 102),
            ("every pair long 2.0-3.5", 102),
        ]
        assert [trades for _, trades in told(RECORDED + MINUTE)] == [50, 101, 101]

    def test_a_book_that_the_store_makes_answers_as_one_of_its_records(self, store: LearningStore) -> None:
        moments = [RECORDED + minute * MINUTE for minute in range(3)]
        # The last one is of 0.6 ms after its minute: what is asked in between must not see it.
        moments.append(moments[-1] + MINUTE + timedelta(microseconds=600))
        store.record_bins(
            [
                bin_record(pair=pair, step=step, side=side, recorded_at=at, trades=10 * number + 70)
                for number, at in enumerate(reversed(moments))
                for pair in (None, "BTC/USDT:USDT")
                for step in (None, LEVERAGE_BINS[0], LEVERAGE_BINS[4])
                for side in Side
            ]
        )

        book, expected = store.record_book(), RecordBook(store.bin_records())

        asked = [
            one + shift for one in moments for shift in (-MINUTE, -MILLISECOND, timedelta(0), MILLISECOND)
        ]
        for pair in ("BTC/USDT:USDT", "ETH/USDT:USDT"):
            for side in Side:
                found = [book.evidence(pair, side, at) for at in asked]
                assert found == [expected.evidence(pair, side, at) for at in asked]
                assert len({one.by_bin for one in found}) > 2
        assert sorted(book.records, key=repr) == sorted(expected.records, key=repr)

    def test_a_book_outlives_the_store_that_made_it(self, store: LearningStore) -> None:
        store.record_bins([bin_record()])
        book = store.record_book()

        store.close()

        assert book.record(None, Side.LONG, None, RECORDED) == bin_record()
        assert book.record(None, Side.LONG, None, RECORDED - MILLISECOND) is None

    def test_records_and_versions_of_a_bin_do_not_mix(self, store: LearningStore) -> None:
        published = version(pair="BTC/USDT:USDT", leverage_bin=LEVERAGE_BINS[1])
        store.publish_parameters([published])
        for minute in range(4):
            store.record_bins(
                [
                    bin_record(
                        pair="BTC/USDT:USDT",
                        step=LEVERAGE_BINS[1],
                        side=published.key.side,
                        recorded_at=published.recorded_at + minute * MINUTE,
                    )
                ]
            )

        assert store.parameter_versions() == [published]
        assert store.parameters_in_force(published.recorded_at + 9 * MINUTE) == [published]
        assert store.health().versions == 1
        assert len(store.bin_records()) == 4

    def test_no_bin_records_are_no_fault(self, store: LearningStore) -> None:
        assert store.record_bins([]) == WriteReceipt()
        assert store.bin_records() == []
        assert store.record_book().records == ()
