"""StoreContract: what every body of the learning store must do, as tests.

A body is accepted when a subclass with a `store` fixture passes:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self) -> Iterator[LearningStore]:
            ...

`reopened` is overridden by bodies that keep things on disk or on a server.
"""

# ruff: noqa: D102 - the names of the tests are what they document

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freqfleet.domain.decisions import Evidence
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, StoreUnavailable
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import Stage
from freqfleet.store.digests import digest_days, digest_row
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.store.rows import trade_row
from freqfleet.testing.records import RECORDED, bin_record
from freqfleet.testing.trade_rows import rows_of, rows_of_trades
from freqfleet.testing.trades import closed_trade, version

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class StoreContract:
    """Inherit, supply `store`, and run pytest."""

    def reopened(self, store: LearningStore) -> LearningStore:
        """Close the store and open the same one again; a body in memory returns it as it is."""
        return store

    # Closed trades: exactly once

    def test_new_trades_are_accepted_and_come_back_equal(self, store: LearningStore) -> None:
        trades = [
            closed_trade(trade_id=1),
            closed_trade(
                trade_id=2,
                side=Side.SHORT,
                leverage=1.0,
                enter_tag=None,
                feeder=None,
                votes=None,
                voters=None,
                confidence=None,
                parameter_version="abc123",
            ),
        ]

        receipt = store.record_closed_trades(trades)

        assert receipt == WriteReceipt(accepted=2)
        assert store.closed_trades() == trades

    def test_the_same_trade_again_is_a_duplicate(self, store: LearningStore) -> None:
        store.record_closed_trades([closed_trade()])

        receipt = store.record_closed_trades([closed_trade()])

        assert receipt == WriteReceipt(duplicate=1)
        assert store.closed_trades() == [closed_trade()]

    def test_a_trade_that_changed_at_its_source_replaces_the_stored_one(self, store: LearningStore) -> None:
        store.record_closed_trades([closed_trade(funding_fees_quote=0.0)])

        receipt = store.record_closed_trades([closed_trade(funding_fees_quote=-0.25)])

        assert receipt == WriteReceipt(amended=1)
        assert store.closed_trades() == [closed_trade(funding_fees_quote=-0.25)]

    def test_a_batch_counts_as_if_its_trades_came_one_by_one(self, store: LearningStore) -> None:
        batch = [closed_trade(), closed_trade(), closed_trade(leverage=5.0), closed_trade(trade_id=2)]

        receipt = store.record_closed_trades(batch)

        assert receipt == WriteReceipt(accepted=2, amended=1, duplicate=1)
        assert [one.leverage for one in store.closed_trades()] == [5.0, 3.0]

    def test_ids_of_other_bots_and_other_databases_are_other_trades(self, store: LearningStore) -> None:
        batch = [closed_trade(), closed_trade(bot="BOT2"), closed_trade(instance="db:2025-11-01T00:00:00Z")]

        receipt = store.record_closed_trades(batch)

        assert receipt == WriteReceipt(accepted=3)

    def test_a_bad_trade_is_rejected_with_its_reason_and_the_others_are_stored(
        self, store: LearningStore
    ) -> None:
        bad = [
            closed_trade(trade_id=2, stake_quote=math.nan),
            closed_trade(trade_id=3, profit_quote=math.inf),
            closed_trade(trade_id=4, exit_reason="a\x00b"),
            closed_trade(trade_id=5, enter_tag="\ud800"),
            closed_trade(trade_id=2**63),
            closed_trade(trade_id=7, instance=""),
        ]

        receipt = store.record_closed_trades([closed_trade(trade_id=1), *bad, closed_trade(trade_id=8)])

        assert (receipt.accepted, len(receipt.rejected)) == (2, len(bad))
        assert "BOT1 trade 2 BTC/USDT:USDT: stake_quote must be a number, was nan" in receipt.rejected
        assert [one.trade_id for one in store.closed_trades()] == [1, 8]

    def test_nothing_to_store_is_no_fault(self, store: LearningStore) -> None:
        assert store.record_closed_trades([]) == WriteReceipt()
        assert store.publish_parameters([]) == WriteReceipt()

    def test_times_are_kept_to_the_millisecond_and_cut_not_rounded(self, store: LearningStore) -> None:
        late = datetime(2025, 11, 1, 12, 59, 59, 999_999, tzinfo=UTC)

        store.record_closed_trades([closed_trade(closed_at=late)])

        assert store.closed_trades()[0].closed_at == late.replace(microsecond=999_000)

    def test_more_trades_than_one_statement_holds_are_stored_once(self, store: LearningStore) -> None:
        many = [closed_trade(trade_id=number, closed_at=NOON + number * MINUTE) for number in range(6_001)]

        first = store.record_closed_trades(many)
        second = store.record_closed_trades(many)

        assert (first, second) == (WriteReceipt(accepted=6_001), WriteReceipt(duplicate=6_001))
        assert [one.trade_id for one in store.closed_trades()] == list(range(6_001))

    # Closed trades: reading

    def test_trades_are_sorted_by_close_then_bot_then_instance_then_id(self, store: LearningStore) -> None:
        expected = [
            closed_trade(trade_id=9, bot="BOT2", closed_at=NOON),
            closed_trade(trade_id=1, bot="BOT1", instance="a", closed_at=NOON + MINUTE),
            closed_trade(trade_id=2, bot="BOT1", instance="a", closed_at=NOON + MINUTE),
            closed_trade(trade_id=1, bot="BOT1", instance="b", closed_at=NOON + MINUTE),
            closed_trade(trade_id=1, bot="bot1", instance="a", closed_at=NOON + MINUTE),
        ]

        store.record_closed_trades(list(reversed(expected)))

        assert store.closed_trades() == expected

    def test_windows_include_their_start_and_exclude_their_end(self, store: LearningStore) -> None:
        store.record_closed_trades(
            [closed_trade(trade_id=number, closed_at=NOON + number * MINUTE) for number in range(4)]
        )

        inside = store.closed_trades(closed_from=NOON + MINUTE, closed_to=NOON + 3 * MINUTE)
        from_there = store.closed_trades(closed_from=NOON + 3 * MINUTE)
        up_to = store.closed_trades(closed_to=NOON + MINUTE)

        assert [one.trade_id for one in inside] == [1, 2]
        assert [one.trade_id for one in from_there] == [3]
        assert [one.trade_id for one in up_to] == [0]

    def test_a_window_that_starts_inside_a_millisecond_excludes_it(self, store: LearningStore) -> None:
        store.record_closed_trades([closed_trade(closed_at=NOON)])
        inside = NOON + timedelta(microseconds=1)

        assert store.closed_trades(closed_from=inside) == []
        assert len(store.closed_trades(closed_to=inside)) == 1

    def test_filters_take_bots_and_pairs_and_an_empty_one_takes_nothing(self, store: LearningStore) -> None:
        store.record_closed_trades(
            [
                closed_trade(trade_id=1),
                closed_trade(trade_id=2, pair="ETH/USDT:USDT"),
                closed_trade(trade_id=3, bot="BOT2"),
            ]
        )

        assert [one.trade_id for one in store.closed_trades(bots=["BOT1"])] == [1, 2]
        assert [one.trade_id for one in store.closed_trades(pairs=["ETH/USDT:USDT"])] == [2]
        assert [one.trade_id for one in store.closed_trades(bots=["BOT1", "BOT2"])] == [1, 2, 3]
        assert store.closed_trades(bots=[]) == []
        assert store.closed_trades(pairs=[]) == []

    def test_a_window_without_a_zone_is_refused(self, store: LearningStore) -> None:
        with pytest.raises(InputError, match="needs its zone"):
            store.closed_trades(closed_from=datetime(2025, 11, 1))  # noqa: DTZ001 - that is the case

    # Closed trades: as columns

    def test_columns_hold_the_trades_in_their_order(self, store: LearningStore) -> None:
        store.record_closed_trades(
            [
                closed_trade(trade_id=9, bot="BOT2", closed_at=NOON, side=Side.SHORT, leverage=1.0),
                closed_trade(trade_id=2, bot="BOT1", instance="b", closed_at=NOON, stake_quote=0.0),
                closed_trade(trade_id=1, bot="BOT1", instance="b", closed_at=NOON, open_rate=0.000_012_3),
                closed_trade(trade_id=2**40, bot="BOT1", instance="a", closed_at=NOON),
                closed_trade(trade_id=1, bot="bot1", instance="a", closed_at=NOON, margin_profit_ratio=-1.5),
                closed_trade(trade_id=7, bot="BOT1", pair="ETH/USDT:USDT", closed_at=NOON - MINUTE),
            ]
        )

        columns = store.trade_columns()

        assert len(columns) == 6
        assert rows_of(columns) == rows_of_trades(store.closed_trades())
        assert columns.bots == ("BOT1", "BOT2", "bot1")
        assert columns.pairs == ("BTC/USDT:USDT", "ETH/USDT:USDT")

    def test_columns_of_a_window_are_the_trades_of_that_window(self, store: LearningStore) -> None:
        store.record_closed_trades(
            [
                closed_trade(
                    trade_id=number,
                    closed_at=NOON + number * MINUTE,
                    bot=f"BOT{number % 3 + 1}",
                    pair=("BTC/USDT:USDT", "ETH/USDT:USDT")[number % 2],
                )
                for number in range(9)
            ]
        )

        windows: tuple[dict[str, Any], ...] = (
            {"closed_from": NOON + MINUTE, "closed_to": NOON + 7 * MINUTE},
            {"closed_from": NOON + timedelta(microseconds=1)},
            {"bots": ["BOT1", "BOT3"], "pairs": ["ETH/USDT:USDT"]},
            {"bots": []},
            {"pairs": []},
        )

        for window in windows:
            columns = store.trade_columns(**window)
            assert rows_of(columns) == rows_of_trades(store.closed_trades(**window)), window

    def test_an_empty_store_has_empty_columns(self, store: LearningStore) -> None:
        columns = store.trade_columns()

        assert (len(columns), columns.pairs, columns.bots) == (0, (), ())

    def test_the_last_recorded_close_is_the_bots_own(self, store: LearningStore) -> None:
        store.record_closed_trades(
            [closed_trade(closed_at=NOON), closed_trade(bot="BOT2", closed_at=NOON + MINUTE)]
        )

        assert store.last_recorded_close("BOT1") == NOON
        assert store.last_recorded_close("BOT2") == NOON + MINUTE
        assert store.last_recorded_close("BOT3") is None

    # Closed trades: digests of days

    def test_a_digest_counts_sums_and_hashes_one_instance_and_one_utc_day(self, store: LearningStore) -> None:
        midnight = NOON + timedelta(hours=12)
        first = [
            closed_trade(trade_id=1, profit_quote=0.1, closed_at=NOON),
            closed_trade(trade_id=2, profit_quote=0.2, closed_at=midnight - timedelta(milliseconds=1)),
        ]
        later = closed_trade(trade_id=3, profit_quote=-1.5, closed_at=midnight)
        other = closed_trade(trade_id=1, instance="backtest:abc", profit_quote=7.0, closed_at=NOON)
        store.record_closed_trades([*reversed(first), later, other, closed_trade(bot="BOT2")])

        digests = store.day_digests("BOT1")

        assert [(one.instance, one.day.isoformat(), one.trades) for one in digests] == [
            ("backtest:abc", "2025-11-01", 1),
            ("db:2025-10-01T00:00:00Z", "2025-11-01", 2),
            ("db:2025-10-01T00:00:00Z", "2025-11-02", 1),
        ]
        assert [one.profit_quote for one in digests] == [7.0, math.fsum([0.1, 0.2]), -1.5]
        assert digests == digest_days(digest_row(trade_row(one)) for one in [*first, later, other])

    def test_an_amended_trade_changes_the_hash_of_its_day_only(self, store: LearningStore) -> None:
        days = [closed_trade(trade_id=number, closed_at=NOON + number * 1440 * MINUTE) for number in (1, 2)]
        store.record_closed_trades(days)
        before = store.day_digests("BOT1")

        store.record_closed_trades(
            [closed_trade(trade_id=2, closed_at=days[1].closed_at, close_rate=51_001.0)]
        )

        after = store.day_digests("BOT1")
        assert after[0] == before[0]
        assert (after[1].trades, after[1].profit_quote) == (before[1].trades, before[1].profit_quote)
        assert after[1].content_hash != before[1].content_hash

    def test_digests_of_a_window_are_those_of_its_trades(self, store: LearningStore) -> None:
        trades = [closed_trade(trade_id=number, closed_at=NOON + number * MINUTE) for number in range(5)]
        store.record_closed_trades(trades)

        (found,) = store.day_digests("BOT1", closed_from=NOON + MINUTE, closed_to=NOON + 3 * MINUTE)

        assert [found] == digest_days(digest_row(trade_row(one)) for one in trades[1:3])
        assert store.day_digests("BOT9") == []

    def test_what_was_stored_here_can_be_used(self, store: LearningStore) -> None:
        store.record_closed_trades([closed_trade()])
        store.publish_parameters([version()])

        assert (len(store.closed_trades()), len(store.parameter_versions())) == (1, 1)
        assert store.unusable_rows == {}

    # Parameter versions: append only, and as of a time

    def test_a_version_comes_back_equal_with_the_same_id(self, store: LearningStore) -> None:
        published = [
            version(),
            version(
                pair=None,
                side=Side.SHORT,
                leverage_bin=LEVERAGE_BINS[1],
                volatility_scaling=0.5,
                atr_reference_ratio=0.0031,
                stage=Stage.RETIRED,
                evidence=Evidence(
                    trades=234,
                    claim_bps=38.1,
                    p_value=4e-4,
                    bot_trades={"BOT1": 200},
                    plateau_widths={"stop_loss": (-0.03, -0.02)},
                    boundary=("take_profit",),
                ),
                run_id="run-2",
            ),
        ]

        receipt = store.publish_parameters(published)

        assert receipt == WriteReceipt(accepted=2)
        assert store.parameter_versions() == published
        assert [one.version_id for one in store.parameter_versions()] == [one.version_id for one in published]

    def test_publishing_again_adds_nothing(self, store: LearningStore) -> None:
        store.publish_parameters([version()])

        receipt = store.publish_parameters([version(), version(run_id="run-2"), version(run_id="run-2")])

        assert receipt == WriteReceipt(accepted=1, duplicate=2)
        assert [one.run_id for one in store.parameter_versions()] == ["run-1", "run-2"]

    def test_the_old_values_stay_when_new_ones_are_published(self, store: LearningStore) -> None:
        store.publish_parameters([version(stop_loss=-0.02)])
        store.publish_parameters([version(stop_loss=-0.03, recorded_at=NOON)])

        assert [one.parameters.stop_loss for one in store.parameter_versions()] == [-0.02, -0.03]

    def test_a_reader_in_the_past_sees_only_what_was_recorded_by_then(self, store: LearningStore) -> None:
        backfilled = version(recorded_at=NOON + MINUTE, valid_from=NOON - 90 * MINUTE, run_id="backfill")
        store.publish_parameters([version(recorded_at=NOON), backfilled])

        assert store.parameter_versions(recorded_to=NOON - MINUTE) == []
        assert [one.run_id for one in store.parameter_versions(recorded_to=NOON)] == ["run-1"]
        assert len(store.parameter_versions(recorded_to=NOON + MINUTE)) == 2

    def test_versions_are_sorted_by_recording_then_by_publication(self, store: LearningStore) -> None:
        store.publish_parameters([version(recorded_at=NOON + MINUTE, run_id="late")])
        store.publish_parameters([version(recorded_at=NOON, run_id="first")])
        store.publish_parameters([version(recorded_at=NOON, run_id="again")])

        assert [one.run_id for one in store.parameter_versions()] == ["first", "again", "late"]

    def test_a_version_outside_the_bounds_is_rejected_and_the_others_are_stored(
        self, store: LearningStore
    ) -> None:
        no_stop = version(run_id="no stop")
        object.__setattr__(no_stop.parameters, "stop_loss", 0.0)  # past the checks of the domain
        no_number = version(run_id="no number", evidence=Evidence(sharpe_per_trade=math.nan))

        receipt = store.publish_parameters([no_stop, version(), no_number])

        assert (receipt.accepted, len(receipt.rejected)) == (1, 2)
        assert "stop_loss must lie in -0.3..-0.0025, was 0.0" in receipt.rejected[0]
        assert [one.run_id for one in store.parameter_versions()] == ["run-1"]

    def test_in_force_is_the_last_of_each_key_that_took_effect_by_then(self, store: LearningStore) -> None:
        step = LEVERAGE_BINS[1]
        store.publish_parameters(
            [
                version(run_id="old", recorded_at=NOON - 9 * MINUTE),
                version(run_id="current", recorded_at=NOON - MINUTE),
                version(run_id="backfilled", recorded_at=NOON - MINUTE, valid_from=NOON - 90 * MINUTE),
                version(run_id="valid later", recorded_at=NOON - MINUTE, valid_from=NOON + MINUTE),
                version(run_id="known later", recorded_at=NOON + MINUTE, valid_from=NOON - MINUTE),
                version(run_id="candidate", recorded_at=NOON, stage=Stage.CANDIDATE),
                version(run_id="short", side=Side.SHORT, recorded_at=NOON),
                version(run_id="every pair", pair=None, recorded_at=NOON - 2 * MINUTE),
                version(run_id="bin", leverage_bin=step, recorded_at=NOON - 3 * MINUTE),
                version(run_id="bin of every pair", pair=None, leverage_bin=step, recorded_at=NOON),
                version(run_id="was", pair="ETH/USDT:USDT", recorded_at=NOON - 9 * MINUTE),
                version(run_id="no more", pair="ETH/USDT:USDT", recorded_at=NOON, stage=Stage.RETIRED),
            ]
        )

        now = {one.run_id for one in store.parameters_in_force(NOON)}
        before = {one.run_id for one in store.parameters_in_force(NOON - 5 * MINUTE)}

        assert now == {"backfilled", "short", "every pair", "bin", "bin of every pair", "no more"}
        assert before == {"old", "was"}
        assert store.parameters_in_force(NOON - 90 * MINUTE) == []

    def test_of_many_versions_of_one_millisecond_the_last_published_is_in_force(
        self, store: LearningStore
    ) -> None:
        for number in range(12):
            store.publish_parameters([version(run_id=f"run-{number}", recorded_at=NOON)])

        assert [one.run_id for one in store.parameters_in_force(NOON)] == ["run-11"]

    def test_a_book_of_what_is_in_force_answers_as_a_book_of_everything(self, store: LearningStore) -> None:
        for number in range(40):
            store.publish_parameters(
                [
                    version(
                        run_id=str(number),
                        pair=("BTC/USDT:USDT", "ETH/USDT:USDT", None)[number % 3],
                        recorded_at=NOON + (number * 7 % 11) * MINUTE,
                        valid_from=NOON + (number * 5 % 13) * MINUTE,
                        stage=tuple(Stage)[number * 3 % 7 % 3],
                    )
                ]
            )
        defaults = version().parameters
        everything = ParameterBook(store.parameter_versions(), defaults=defaults)

        for minutes in range(-1, 14):
            at = NOON + minutes * MINUTE
            current = ParameterBook(store.parameters_in_force(at), defaults=defaults)
            for pair in ("BTC/USDT:USDT", "ETH/USDT:USDT", "XRP/USDT:USDT"):
                expected = everything.resolve(pair, Side.LONG, 3.0, at)
                assert current.resolve(pair, Side.LONG, 3.0, at) == expected

    def test_the_history_of_a_pair_is_its_own_and_can_be_one_side(self, store: LearningStore) -> None:
        store.publish_parameters(
            [
                version(run_id="long"),
                version(run_id="short", side=Side.SHORT, recorded_at=NOON),
                version(run_id="other", pair="ETH/USDT:USDT"),
                version(run_id="every pair", pair=None),
            ]
        )

        both = store.parameter_history("BTC/USDT:USDT")
        short = store.parameter_history("BTC/USDT:USDT", Side.SHORT)

        assert [one.run_id for one in both] == ["long", "short"]
        assert [one.run_id for one in short] == ["short"]

    # The store as a whole

    def test_threads_share_one_store(self, store: LearningStore) -> None:
        def record(number: int) -> WriteReceipt:
            receipt = store.record_closed_trades([closed_trade(trade_id=number % 20)])
            store.closed_trades(bots=["BOT1"])
            return receipt

        with ThreadPoolExecutor(max_workers=8) as pool:
            receipts = list(pool.map(record, range(40)))

        assert sum(one.accepted for one in receipts) == 20
        assert sum(one.duplicate for one in receipts) == 20
        assert len(store.closed_trades()) == 20

    def test_what_was_stored_is_there_after_reopening(self, store: LearningStore) -> None:
        store.record_closed_trades([closed_trade()])
        store.publish_parameters([version()])

        again = self.reopened(store)

        assert again.closed_trades() == [closed_trade()]
        assert again.parameter_versions() == [version()]
        assert again.record_closed_trades([closed_trade()]) == WriteReceipt(duplicate=1)

    def test_health_counts_what_is_stored(self, store: LearningStore) -> None:
        empty = store.health()
        store.record_closed_trades([closed_trade(closed_at=NOON)])
        store.publish_parameters([version(recorded_at=NOON + MINUTE)])

        health = store.health()

        assert (empty.trades, empty.versions) == (0, 0)
        assert (empty.last_trade_closed_at, empty.last_version_recorded_at) == (None, None)
        assert (health.trades, health.versions) == (1, 1)
        assert (health.last_trade_closed_at, health.last_version_recorded_at) == (NOON, NOON + MINUTE)
        assert health.latency_ms >= 0.0

    def test_a_closed_store_says_so(self, store: LearningStore) -> None:
        store.close()

        with pytest.raises(StoreUnavailable, match="closed"):
            store.closed_trades()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.trade_columns()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.record_closed_trades([closed_trade()])

    # Bin records

    def test_a_bin_record_comes_back_equal(self, store: LearningStore) -> None:
        records = [
            bin_record(pair=pair, step=step, side=side)
            for pair in (None, "BTC/USDT:USDT")
            for step in (None, LEVERAGE_BINS[0], LEVERAGE_BINS[4])
            for side in Side
        ]

        receipt = store.record_bins(records)

        assert receipt == WriteReceipt(accepted=12)
        assert sorted(self.reopened(store).bin_records(), key=repr) == sorted(records, key=repr)

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
