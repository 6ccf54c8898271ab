"""What waited for the store comes into force, unless it no longer means what is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import StoreUnavailable
from freqfleet.learning.pending import PendingParameters
from freqfleet.learning.publisher import Publisher
from freqfleet.learning.waiting_results import publish_waiting, still_waiting
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version

DAY = timedelta(days=1)
MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
DEFAULTS = ExitParameters(stop_loss=-0.03, take_profit=0.03)
FIRST = version(recorded_at=MONDAY - 9 * DAY, take_profit=0.05)
CHAMPION = version(
    recorded_at=MONDAY - 5 * DAY, take_profit=0.08, evidence=Evidence(parent_version=FIRST.version_id)
)
WITHOUT_PARENT = replace(CHAMPION, evidence=Evidence())


def publisher(store: MemoryStore, file: Path, at: datetime) -> Publisher:
    return Publisher(
        store=store,
        clock=FixedClock(at),
        run_id="run",
        pending=PendingParameters(file),
        note=lambda text: None,
    )


def book_of(store: MemoryStore) -> ParameterBook:
    return ParameterBook(store.parameter_versions(), defaults=DEFAULTS)


def bring_in(store: MemoryStore, file: Path, at: datetime) -> tuple[str, ...]:
    return publish_waiting(PendingParameters(file), store, defaults=DEFAULTS, clock=FixedClock(at))


def target(store: MemoryStore, at: datetime) -> float:
    return book_of(store).resolve("BTC/USDT:USDT", CHAMPION.key.side, 3.0, at).parameters.take_profit


def retraction_waits(file: Path, *published: ParameterVersion) -> MemoryStore:
    """Return a store in which `published` lie, the last of which could not be taken back on Monday."""
    store = MemoryStore()
    store.publish_parameters(published)
    book = book_of(store)
    store.unavailable = True
    publisher(store, file, MONDAY).retract(published[-1], book, "it decayed")
    store.unavailable = False
    return store


def test_results_that_waited_are_in_force_from_the_moment_at_which_the_store_knows_them(tmp_path: Path):
    file, store = tmp_path / "waiting.json", MemoryStore()
    PendingParameters(file).add([FIRST])

    said = bring_in(store, file, MONDAY)

    assert [replace(one, recorded_at=FIRST.recorded_at) for one in store.parameter_versions()] == [FIRST]
    assert store.parameter_versions()[0].recorded_at == MONDAY
    assert target(store, MONDAY - DAY) == DEFAULTS.take_profit
    assert target(store, MONDAY) == FIRST.parameters.take_profit
    assert said == (
        "published 1 of 1 results that waited for the store; the file is now "
        f"{tmp_path / 'waiting.json.published'}",
    )
    assert PendingParameters(file).read() == []
    assert bring_in(store, file, MONDAY) == ()


def test_results_that_waited_give_way_to_what_was_learned_since(tmp_path: Path):
    file, store = tmp_path / "waiting.json", MemoryStore()
    PendingParameters(file).add([FIRST])
    store.publish_parameters([CHAMPION])

    said = bring_in(store, file, MONDAY)

    assert store.parameter_versions() == [CHAMPION]
    assert "published 0 of 1" in said[0]


def test_results_go_on_waiting_while_the_store_is_away(tmp_path: Path):
    file, store = tmp_path / "waiting.json", MemoryStore()
    PendingParameters(file).add([FIRST])
    store.unavailable = True

    with pytest.raises(StoreUnavailable):
        bring_in(store, file, MONDAY)

    assert PendingParameters(file).read() == [FIRST]


def test_a_dry_run_says_what_waits_and_leaves_it(tmp_path: Path):
    file = tmp_path / "waiting.json"
    assert still_waiting(PendingParameters(file)) == ()
    PendingParameters(file).add([FIRST])

    said = still_waiting(PendingParameters(file))

    assert said == (f"1 results of an earlier run wait in {file}; a run without --dry-run publishes them",)
    assert PendingParameters(file).read() == [FIRST]


@pytest.mark.parametrize(
    ("published", "then"),
    [((FIRST, CHAMPION), FIRST.parameters.take_profit), ((WITHOUT_PARENT,), DEFAULTS.take_profit)],
    ids=["its parent comes back", "it is retired"],
)
def test_a_retraction_that_waited_for_the_store_is_carried_out(tmp_path: Path, published, then):
    store = retraction_waits(tmp_path / "waiting.json", *published)
    assert target(store, MONDAY + DAY) == 0.08

    bring_in(store, tmp_path / "waiting.json", MONDAY + DAY)

    assert target(store, MONDAY + DAY) == then


def test_a_retraction_of_what_is_no_longer_in_force_is_left_out(tmp_path: Path):
    store = retraction_waits(tmp_path / "waiting.json", FIRST, CHAMPION)
    store.publish_parameters([version(recorded_at=MONDAY, take_profit=0.06)])

    bring_in(store, tmp_path / "waiting.json", MONDAY + DAY)

    assert target(store, MONDAY + DAY) == 0.06


def test_without_a_file_to_wait_in_the_failure_comes_through(tmp_path: Path):
    store = MemoryStore()
    store.publish_parameters([FIRST])
    book = book_of(store)
    store.unavailable = True
    alone = replace(publisher(store, tmp_path / "waiting.json", MONDAY), pending=None)

    with pytest.raises(StoreUnavailable):
        alone.retract(FIRST, book, "it decayed")
