"""SeriesContract: what every store that keeps numbers over time must do, as tests.

A body is accepted when a subclass with a `keeper` fixture passes, as with `StoreContract`.
"""

# ruff: noqa: D102 - the names of the tests are what they document

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.errors import InputError
from freqfleet.store.promise import WriteReceipt
from freqfleet.store.series import DECAY_Z, Reading, SeriesKeeper

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class SeriesContract:
    """Inherit, supply `keeper`, and run pytest."""

    def test_a_store_says_that_it_keeps_series(self, keeper: SeriesKeeper) -> None:
        assert isinstance(keeper, SeriesKeeper)

    def test_numbers_come_back_by_time_and_key(self, keeper: SeriesKeeper) -> None:
        later = keeper.record_series(DECAY_Z, NOON + DAY, {"b": 2.5, "a": -0.1})
        earlier = keeper.record_series(DECAY_Z, NOON, {"a": 0.3})

        assert (later, earlier) == (WriteReceipt(accepted=2), WriteReceipt(accepted=1))
        assert keeper.series(DECAY_Z) == [
            Reading(name=DECAY_Z, key="a", at=NOON, value=0.3),
            Reading(name=DECAY_Z, key="a", at=NOON + DAY, value=-0.1),
            Reading(name=DECAY_Z, key="b", at=NOON + DAY, value=2.5),
        ]

    def test_the_same_number_again_is_a_duplicate_and_another_one_amends(self, keeper: SeriesKeeper) -> None:
        keeper.record_series(DECAY_Z, NOON, {"a": 1.0, "b": 2.0})

        receipt = keeper.record_series(DECAY_Z, NOON, {"a": 1.0, "b": 3.0, "c": 4.0})

        assert receipt == WriteReceipt(accepted=1, amended=1, duplicate=1)
        assert [one.value for one in keeper.series(DECAY_Z)] == [1.0, 3.0, 4.0]

    def test_names_do_not_mix(self, keeper: SeriesKeeper) -> None:
        keeper.record_series(DECAY_Z, NOON, {"a": 1.0})
        keeper.record_series("other", NOON, {"a": 2.0})

        assert [one.value for one in keeper.series(DECAY_Z)] == [1.0]
        assert keeper.series("nothing") == []

    def test_windows_include_their_start_and_exclude_their_end(self, keeper: SeriesKeeper) -> None:
        for day in range(4):
            keeper.record_series(DECAY_Z, NOON + day * DAY, {"a": float(day)})

        inside = keeper.series(DECAY_Z, since=NOON + DAY, until=NOON + 3 * DAY)

        assert [one.value for one in inside] == [1.0, 2.0]

    def test_what_is_no_number_is_rejected_and_the_others_are_stored(self, keeper: SeriesKeeper) -> None:
        receipt = keeper.record_series(DECAY_Z, NOON, {"a": math.nan, "b": math.inf, "": 1.0, "c": 2.0})

        assert receipt.accepted == 1
        assert receipt.rejected[0] == "decay_z of a: must be a number, was nan"
        assert len(receipt.rejected) == 3
        assert [one.key for one in keeper.series(DECAY_Z)] == ["c"]

    def test_nothing_to_store_is_no_fault(self, keeper: SeriesKeeper) -> None:
        assert keeper.record_series(DECAY_Z, NOON, {}) == WriteReceipt()

    def test_a_call_without_name_or_zone_is_refused(self, keeper: SeriesKeeper) -> None:
        with pytest.raises(InputError, match="needs a name"):
            keeper.record_series("", NOON, {"a": 1.0})
        with pytest.raises(InputError, match="needs its zone"):
            keeper.record_series(DECAY_Z, datetime(2025, 11, 1), {"a": 1.0})  # noqa: DTZ001 - the case
