"""The outbox while the store is there, away, slow, picky, and while the disk is full."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccalls import waits
from freqfleet.clock import FixedClock
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import SettingsError, StoreError, StoreIncompatible, StoreUnavailable
from freqfleet.store.backoff import Backoff
from freqfleet.store.outbox import Outbox
from freqfleet.store.outbox_file import OutboxFile, read_status
from freqfleet.store.promise import WriteReceipt
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import closed_trade, version

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
CLOCK = FixedClock(NOON)
SOON = Backoff(first_seconds=0.002, most_seconds=0.01)


class PickyStore(MemoryStore):
    """Fails as the test says, remembers the order in which trades came."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Callable[[Sequence[ClosedTrade]], Exception | None] = lambda trades: None
        self.arrived: list[int] = []
        self.calls = 0

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        self.calls += 1
        fault = self.fault(trades)
        if fault is not None:
            raise fault
        receipt = super().record_closed_trades(trades)
        self.arrived.extend(one.trade_id for one in trades)
        return receipt


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outbox" / "BOT1.sqlite"


@pytest.fixture
def store() -> PickyStore:
    return PickyStore()


@pytest.fixture
def outbox(file: Path, store: PickyStore) -> Iterator[Outbox]:
    outbox = Outbox(file, store, clock=CLOCK, backoff=SOON)
    yield outbox
    outbox.close()


def put_trades(outbox: Outbox, ids: Sequence[int]) -> None:
    for one in ids:
        outbox.put(closed_trade(trade_id=one))


def test_what_is_put_arrives_in_order_and_leaves_the_outbox(outbox: Outbox, store: PickyStore):
    outbox.start()
    put_trades(outbox, range(1, 1_201))
    outbox.put(version())

    assert outbox.wait_until_delivered(30)
    assert store.arrived == list(range(1, 1_201))
    assert store.parameter_versions() == [version()]
    status = outbox.status()
    assert status.disk is not None
    assert (status.in_memory, status.disk.waiting, status.disk.dead_letters, status.fault) == (0, 0, 0, None)


def test_putting_touches_neither_disk_nor_net_nor_a_lock(outbox: Outbox, store: PickyStore):
    store.unavailable = True
    outbox.start()

    assert waits(lambda: outbox.put(closed_trade())) == set()


def test_the_check_for_waiting_would_see_a_write(tmp_path: Path):
    file = OutboxFile(tmp_path / "x.sqlite", clock=CLOCK)

    assert any("sqlite3" in one for one in waits(lambda: file.append([closed_trade()])))
    file.close()


def test_while_the_store_is_away_everything_waits_on_disk_and_drains_in_order_after(
    outbox: Outbox, store: PickyStore, file: Path
):
    store.unavailable = True
    outbox.start()
    put_trades(outbox, range(1, 51))

    assert outbox.wait_until_saved(20)
    while outbox.status().fault is None:
        threading.Event().wait(0.002)
    status = read_status(file)
    assert (status.waiting, status.oldest_queued_at) == (50, NOON)
    assert outbox.status().fault == "learning store in memory was closed or is down"

    store.unavailable = False

    assert outbox.wait_until_delivered(20)
    assert store.arrived == list(range(1, 51))
    patience = time.monotonic() + 20  # the fault is taken back just after the last letter is
    while outbox.status().fault is not None and time.monotonic() < patience:
        threading.Event().wait(0.002)
    assert outbox.status().fault is None


def test_what_waited_when_a_process_ended_goes_on_in_the_next(file: Path, store: PickyStore):
    store.unavailable = True
    first = Outbox(file, store, clock=CLOCK, backoff=SOON)
    first.start()
    put_trades(first, [1, 2])
    assert first.close()
    store.unavailable = False

    second = Outbox(file, store, clock=CLOCK, backoff=SOON)
    second.start()
    put_trades(second, [3])

    assert second.wait_until_delivered(20)
    second.close()
    assert store.arrived == [1, 2, 3]


def test_a_trade_no_store_can_hold_is_a_dead_letter_and_the_rest_goes_on(outbox: Outbox, store: PickyStore):
    outbox.start()
    for one in (
        closed_trade(trade_id=1),
        closed_trade(trade_id=2, enter_tag="\ud800"),
        closed_trade(trade_id=3),
    ):
        outbox.put(one)

    assert outbox.wait_until_delivered(20)
    (dead,) = outbox.file.dead_letters()
    assert "enter_tag holds characters no database keeps" in dead.reason
    assert '"trade_id": 2' in dead.content
    assert store.arrived == [1, 3]


def test_one_line_that_spoils_its_batch_is_found_and_the_others_are_stored(outbox: Outbox, store: PickyStore):
    store.unavailable = True
    outbox.start()
    put_trades(outbox, range(1, 101))
    assert outbox.wait_until_saved(20)
    store.fault = lambda trades: (
        StoreError("400 field type conflict") if any(one.trade_id in (37, 90) for one in trades) else None
    )
    store.unavailable = False

    assert outbox.wait_until_delivered(30)
    assert store.arrived == [one for one in range(1, 101) if one not in (37, 90)]
    assert [one.reason for one in outbox.file.dead_letters()] == ["400 field type conflict"] * 2
    assert store.calls < 60


def test_dead_letters_get_one_more_try_at_the_next_start(file: Path, store: PickyStore):
    store.fault = lambda trades: StoreError("a fault of freqfleet")
    first = Outbox(file, store, clock=CLOCK, backoff=SOON)
    first.start()
    put_trades(first, [1])
    assert first.wait_until_delivered(20)
    first.close()
    assert read_status(file).dead_letters == 1
    store.fault = lambda trades: None

    second = Outbox(file, store, clock=CLOCK, backoff=SOON)
    second.start()
    while not store.arrived:
        threading.Event().wait(0.002)

    assert second.wait_until_delivered(20)
    second.close()
    assert (store.arrived, read_status(file).dead_letters) == ([1], 0)


@pytest.mark.parametrize(
    "fault",
    [
        StoreUnavailable("503", retry_after_seconds=0.001),
        StoreIncompatible("schema 9"),
        SettingsError("token_file cannot be read"),
    ],
    ids=["away", "newer schema", "wrong secret"],
)
def test_no_fault_of_the_surroundings_makes_a_dead_letter(
    outbox: Outbox, store: PickyStore, fault: Exception
):
    store.fault = lambda trades: fault
    outbox.start()
    put_trades(outbox, [1, 2])
    while store.calls < 3:
        threading.Event().wait(0.002)
    store.fault = lambda trades: None

    assert outbox.wait_until_delivered(20)
    assert store.arrived == [1, 2]
    assert outbox.file.dead_letters() == []


def test_a_store_too_slow_for_a_whole_batch_gets_smaller_ones(outbox: Outbox, store: PickyStore):
    store.fault = lambda trades: StoreUnavailable("not within 3 s") if len(trades) > 20 else None
    outbox.file.append([closed_trade(trade_id=number) for number in range(300)])
    outbox.start()

    assert outbox.wait_until_delivered(20)
    assert store.arrived == list(range(300))


def test_a_server_that_asks_for_a_pause_gets_it(file: Path, store: PickyStore):
    store.fault = lambda trades: StoreUnavailable("429", retry_after_seconds=3600.0)
    outbox = Outbox(file, store, clock=CLOCK, backoff=SOON)
    outbox.start()
    put_trades(outbox, [1])
    while store.calls < 1:
        threading.Event().wait(0.002)
    threading.Event().wait(0.1)  # thirty retries would fit in here

    assert store.calls == 1
    outbox.close()


def test_a_disk_that_cannot_be_written_keeps_letters_in_memory_until_it_can(
    tmp_path: Path, store: PickyStore, caplog: pytest.LogCaptureFixture
):
    folder = tmp_path / "outbox"
    folder.write_text("a file where the folder should be")
    outbox = Outbox(folder / "BOT1.sqlite", store, clock=CLOCK, backoff=SOON)
    outbox.start()
    put_trades(outbox, range(1, 301))

    assert not outbox.wait_until_saved(0.05)
    assert (outbox.status().in_memory, outbox.status().disk) == (300, None)
    folder.unlink()

    assert outbox.wait_until_delivered(20)
    assert store.arrived == list(range(1, 301))
    assert "cannot be written, trying again" in caplog.text
    outbox.close()


def test_a_full_disk_keeps_letters_in_memory_and_loses_none(
    file: Path, store: PickyStore, caplog: pytest.LogCaptureFixture
):
    store.unavailable = True
    outbox = Outbox(file, store, clock=CLOCK, backoff=SOON)
    outbox.start()
    put_trades(outbox, [1])
    assert outbox.wait_until_saved(20)
    with outbox.file._lock:
        assert outbox.file._connection is not None
        (pages,) = outbox.file._connection.execute("PRAGMA page_count").fetchone()
        outbox.file._connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite then says: disk is full

    put_trades(outbox, range(2, 501))

    assert outbox.wait_until_saved(20)  # the connection is opened anew after the fault: room again
    store.unavailable = False
    assert outbox.wait_until_delivered(20)
    assert store.arrived == list(range(1, 501))
    assert "database or disk is full" in caplog.text
    outbox.close()


def test_a_damaged_outbox_is_moved_aside_aloud_and_a_new_one_begun(
    file: Path, store: PickyStore, caplog: pytest.LogCaptureFixture
):
    file.parent.mkdir()
    file.write_bytes(b"SQLite format 3\x00" + b"\x07" * 4_000)
    outbox = Outbox(file, store, clock=CLOCK, backoff=SOON)
    outbox.start()
    put_trades(outbox, [1])

    assert outbox.wait_until_delivered(20)
    outbox.close()
    (aside,) = file.parent.glob("BOT1.sqlite.damaged-*Z")
    assert f"moved to {aside}, `freqfleet sync` brings what was in it" in caplog.text


def test_an_unreadable_letter_is_a_dead_one(outbox: Outbox, store: PickyStore, file: Path):
    outbox.file.append([closed_trade(trade_id=1)])
    connection = sqlite3.connect(file)
    connection.execute("INSERT INTO waiting (kind, content, queued_ms) VALUES ('trade', '{}', 0)")
    connection.commit()
    connection.close()
    outbox.file.append([closed_trade(trade_id=2)])

    outbox.start()

    assert outbox.wait_until_delivered(20)
    assert store.arrived == [1, 2]
    assert [one.reason[:19] for one in outbox.file.dead_letters()] == ["it cannot be read: "]


def test_an_item_is_completed_by_the_writer_thread_and_tried_again_where_that_fails(
    file: Path, store: PickyStore
):
    threads: list[str] = []

    def prepare(item):
        threads.append(threading.current_thread().name)
        if len(threads) < 3:
            raise StoreUnavailable("the bot's database is locked")
        return replace(item, instance="db:known now")

    outbox = Outbox(file, store, clock=CLOCK, backoff=SOON, prepare=prepare)
    outbox.start()
    outbox.put(closed_trade(instance="?"))

    assert outbox.wait_until_delivered(20)
    outbox.close()
    assert [one.instance for one in store.closed_trades()] == ["db:known now"]
    assert set(threads) == {"freqfleet-outbox-writer"}


@settings(max_examples=25, deadline=None)
@given(
    faults=st.lists(st.sampled_from(["down", "spoiled", "fine", "busy"]), max_size=12),
    bad=st.sets(st.integers(1, 40), max_size=5),
)
def test_whatever_the_store_does_every_trade_is_stored_or_a_dead_letter_and_order_holds(
    tmp_path_factory: pytest.TempPathFactory, faults: list[str], bad: set[int]
):
    store, left = PickyStore(), list(faults)

    def fault(trades: Sequence[ClosedTrade]) -> Exception | None:
        if any(one.trade_id in bad for one in trades):
            return StoreError("spoiled")
        said = left.pop(0) if left else "fine"
        return {
            "down": StoreUnavailable("down"),
            "busy": StoreUnavailable("busy", retry_after_seconds=0.001),
        }.get(said)

    store.fault = fault
    outbox = Outbox(
        tmp_path_factory.mktemp("outbox") / "B.sqlite",
        store,
        clock=CLOCK,
        backoff=Backoff(first_seconds=1e-4, most_seconds=1e-3),
    )
    outbox.start()
    put_trades(outbox, range(1, 41))

    assert outbox.wait_until_delivered(30)
    dead = [one.sequence for one in outbox.file.dead_letters()]
    outbox.close()
    assert store.arrived == [one for one in range(1, 41) if one not in bad]
    assert len(dead) == len(bad)
