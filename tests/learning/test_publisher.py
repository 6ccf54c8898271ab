"""What a publisher tells of a store that takes a version back, and of one that refuses to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from freqfleet.clock import FixedClock
from freqfleet.learning.publisher import Publisher
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.settings import DefaultSettings
from freqfleet.store.promise import WriteReceipt
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version

CHAMPION = version()
NOW = datetime(2025, 11, 20, tzinfo=UTC)


class Refusing(MemoryStore):
    """A store that takes no version."""

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        return WriteReceipt(rejected=tuple("no room" for _ in versions))


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (MemoryStore(), f"BTC/USDT:USDT long: {CHAMPION.version_id} is retracted: it has decayed"),
        (Refusing(), f"the store refused to retract {CHAMPION.version_id}: no room"),
    ],
    ids=["taken", "refused"],
)
def test_a_champion_is_called_retracted_where_the_store_took_it_back(store: MemoryStore, said: str) -> None:
    notes: list[str] = []
    publisher = Publisher(store=store, clock=FixedClock(NOW), run_id="r1", pending=None, note=notes.append)
    book = ParameterBook([CHAMPION], defaults=DefaultSettings().parameters())

    publisher.retract(CHAMPION, book, "it has decayed")

    assert notes == [said]
