"""What every body of the learning store must do with closed trades, as tests: a part of StoreContract."""

# ruff: noqa: D102 - the names of the tests are what they document

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.store.digests import digest_days, digest_row
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.store.rows import trade_row
from freqfleet.testing.trade_rows import rows_of, rows_of_trades
from freqfleet.testing.trades import closed_trade, version

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class TradeContract:
    """Exactly once, in order, in windows, as columns, and as digests of days."""

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
