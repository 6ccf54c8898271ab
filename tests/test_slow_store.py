"""A bot whose learning store takes its time: it starts, says so, and no decision waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freqfleet.clock import SystemClock
from freqfleet.domain.sides import Side
from freqfleet.settings import Settings, StoreSettings, load_settings
from freqfleet.testing.fault_proxy import FaultProxy, Mode, fault_proxy
from freqfleet.testing.servers import free_port
from freqfleet.wiring.books import book_keeper, book_line

DEADLINE_SECONDS = 0.3


@pytest.fixture
def hanging() -> Iterator[FaultProxy]:
    """A server that takes connections and never answers."""
    with fault_proxy(free_port()) as proxy:
        proxy.set(Mode.HANG)
        yield proxy


@pytest.fixture
def settings(tmp_path: Path, hanging: FaultProxy) -> Settings:
    store = StoreSettings(url=f"influxdb://127.0.0.1:{hanging.port}", deadline_seconds=DEADLINE_SECONDS)
    return load_settings(tmp_path, store=store)


def test_a_start_waits_for_the_deadline_and_no_longer(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    books = book_keeper("BOT3", settings, trading=True)
    began = time.monotonic()

    books.start()

    waited = time.monotonic() - began
    books.stop()
    assert DEADLINE_SECONDS <= waited < 10 * DEADLINE_SECONDS
    assert "parameters not refreshed (1. failure in a row), trading on defaults: " in caplog.text
    assert book_line(books, settings).startswith("no parameters could be loaded: trading on the defaults")


def test_a_look_up_does_not_wait_for_a_refresh_that_hangs(settings: Settings) -> None:
    books = book_keeper("BOT3", settings, trading=True)
    now, looked, hung = SystemClock().now(), 0, threading.Thread(target=books.refresh)
    hung.start()

    while hung.is_alive():
        found = books.book(now).resolve("BTC/USDT:USDT", Side.LONG, 3.0, now)
        looked += 1

    assert looked > 100  # one that waits looks once
    assert found.version == "default"
    assert books.failed_loads == 1
