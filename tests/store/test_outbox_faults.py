"""An outbox, a book and a real server behind a proxy that breaks: nothing waits, all arrives, in order."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ccalls import waits
from conftest import TRADE_BUCKETS
from freqfleet.clock import SystemClock
from freqfleet.errors import StoreDamaged, StoreUnavailable
from freqfleet.store.backoff import Backoff
from freqfleet.store.damage import inode, move_aside
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.store.influx import InfluxStore
from freqfleet.store.outbox import Outbox
from freqfleet.store.promise import LearningStore
from freqfleet.store.sql import SqlStore
from freqfleet.testing.fault_proxy import FaultProxy, Mode, fault_proxy
from freqfleet.testing.trades import closed_trade

SOON = Backoff(first_seconds=0.05, most_seconds=0.2)
COUNT = 30

FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "down": lambda proxy: proxy.set(Mode.DOWN),
    "hanging": lambda proxy: proxy.set(Mode.HANG),
    "trickling": lambda proxy: proxy.set(Mode.TRICKLE),
    "partial write": lambda proxy: proxy.set(Mode.CUT),
    "401": lambda proxy: proxy.answer(401, body='{"error": "authorization failed"}'),
    "404": lambda proxy: proxy.answer(404, body='{"error": "database not found"}'),
    "429": lambda proxy: proxy.answer(429, headers="Retry-After: 0\r\n"),
    "503": lambda proxy: proxy.answer(503),
}


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    with fault_proxy(request.getfixturevalue("influx").port) as proxy:
        yield proxy


@contextmanager
def started_outbox(tmp_path: Path, open_store: Callable[[], LearningStore]) -> Iterator[Outbox]:
    store = DeadlineStore(open_store, seconds=0.6)
    outbox = Outbox(tmp_path / "BOT1.sqlite", store, clock=SystemClock(), backoff=SOON)
    outbox.start()
    yield outbox
    outbox.close()
    store.close()


def wait_for_fault(outbox: Outbox) -> None:
    ends_at = time.monotonic() + 20
    while outbox.status().fault is None:
        assert time.monotonic() < ends_at
        threading.Event().wait(0.01)


@pytest.mark.parametrize("fault", FAULTS)
def test_influxdb_fails_and_recovers_without_a_restart(
    tmp_path: Path, influx_url: str, proxy: FaultProxy, fault: str
):
    def opened(url: str) -> LearningStore:
        return InfluxStore(url, trade_buckets=TRADE_BUCKETS, timeout_seconds=0.5)

    behind = f"influxdb://127.0.0.1:{proxy.port}?{urlsplit(influx_url).query}"
    FAULTS[fault](proxy)
    with started_outbox(tmp_path, lambda: opened(behind)) as outbox:
        for number in range(COUNT // 2):
            outbox.put(closed_trade(trade_id=number))
        wait_for_fault(outbox)

        assert waits(lambda: outbox.put(closed_trade(trade_id=COUNT // 2))) == set()
        for number in range(COUNT // 2 + 1, COUNT):
            outbox.put(closed_trade(trade_id=number))
        assert outbox.wait_until_saved(20)
        proxy.set(Mode.THROUGH)

        assert outbox.wait_until_delivered(30), outbox.status()
        assert outbox.file.dead_letters() == []
    store = opened(influx_url)
    assert [one.trade_id for one in store.closed_trades()] == list(range(COUNT))
    store.close()


@pytest.mark.parametrize("fault", ["down", "hanging", "partial write"])
def test_postgresql_fails_and_recovers_without_a_restart(tmp_path: Path, postgres_url: str, fault: str):
    address = urlsplit(postgres_url)
    assert address.port is not None
    with fault_proxy(address.port) as proxy:
        behind = postgres_url.replace(f":{address.port}/", f":{proxy.port}/")
        FAULTS[fault](proxy)
        with started_outbox(tmp_path, lambda: SqlStore(behind, timeout_seconds=2.0)) as outbox:
            for number in range(COUNT):
                outbox.put(closed_trade(trade_id=number))
            wait_for_fault(outbox)
            proxy.set(Mode.THROUGH)

            assert outbox.wait_until_delivered(30), outbox.status()
    store = SqlStore(postgres_url)
    assert [one.trade_id for one in store.closed_trades()] == list(range(COUNT))
    store.close()


def test_sqlite_locked_by_another_program_is_waited_for(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'learning.sqlite'}"
    SqlStore(url).close()
    other = sqlite3.connect(tmp_path / "learning.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with started_outbox(tmp_path, lambda: SqlStore(url, timeout_seconds=0.1)) as outbox:
        for number in range(COUNT):
            outbox.put(closed_trade(trade_id=number))
        wait_for_fault(outbox)
        assert "another program has held its lock" in str(outbox.status().fault)

        other.execute("ROLLBACK")
        other.close()

        assert outbox.wait_until_delivered(20)


def test_a_damaged_store_is_a_fault_of_its_own_and_keeps_the_letters(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'learning.sqlite'}"
    SqlStore(url).close()
    file = tmp_path / "learning.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\x07" * (len(whole) - 100))
    with pytest.raises(StoreDamaged, match="it is damaged; run `freqfleet sync`"):
        SqlStore(url)
    with started_outbox(tmp_path, lambda: SqlStore(url)) as outbox:
        outbox.put(closed_trade())
        wait_for_fault(outbox)

        file.write_bytes(whole)  # the backup

        assert outbox.wait_until_delivered(20)


def test_a_store_that_was_built_anew_gets_the_letters_without_a_restart(tmp_path: Path):
    file = tmp_path / "learning.sqlite"
    with started_outbox(tmp_path, lambda: SqlStore(f"sqlite:///{file}")) as outbox:
        outbox.put(closed_trade(trade_id=1))
        assert outbox.wait_until_delivered(20)
        assert move_aside(file, inode(file), SystemClock().now()) is not None
        SqlStore(f"sqlite:///{file}").close()

        outbox.put(closed_trade(trade_id=2))

        assert outbox.wait_until_delivered(20)
    store = SqlStore(f"sqlite:///{file}")
    assert [one.trade_id for one in store.closed_trades()] == [2]
    store.close()


def test_a_full_disk_under_the_store_is_said_and_nothing_of_the_call_is_stored(tmp_path: Path):
    store = SqlStore(f"sqlite:///{tmp_path / 'learning.sqlite'}")
    with store._reading() as connection:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StoreUnavailable, match="the disk is full; make room and try again"):
        store.record_closed_trades([closed_trade(trade_id=number) for number in range(500)])

    assert store.closed_trades() == []
    store.close()
