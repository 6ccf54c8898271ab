from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from freqfleet.errors import StoreUnavailable
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.store_contract import StoreContract
from freqfleet.testing.trades import closed_trade


class TestDeadlineStore(StoreContract):
    @pytest.fixture
    def store(self) -> LearningStore:
        return DeadlineStore(MemoryStore, seconds=30.0)


class HangingStore(MemoryStore):
    """Answers writes only once it is let go."""

    def __init__(self, go_on: threading.Event) -> None:
        super().__init__()
        self.go_on = go_on
        self.closed = threading.Event()

    def record_closed_trades(self, trades):
        self.go_on.wait(timeout=60)
        return super().record_closed_trades(trades)

    def close(self):
        self.closed.set()
        super().close()


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_call_that_hangs_is_given_up_at_the_deadline(go_on: threading.Event):
    store = DeadlineStore(lambda: HangingStore(go_on), seconds=0.05)

    with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.05 s"):
        store.record_closed_trades([closed_trade()])


def test_after_a_late_call_the_store_is_opened_anew_and_the_old_one_closed(go_on: threading.Event):
    opened: list[HangingStore] = []

    def open_body() -> LearningStore:
        opened.append(HangingStore(go_on))
        return opened[-1]

    store = DeadlineStore(open_body, seconds=0.05)
    with pytest.raises(StoreUnavailable):
        store.record_closed_trades([closed_trade()])
    assert store.closed_trades() == []
    go_on.set()

    assert opened[0].closed.wait(timeout=20)
    assert not opened[1].closed.is_set()
    assert store.record_closed_trades([closed_trade()]) == WriteReceipt(accepted=1)


def test_a_store_that_never_answers_collects_only_a_few_threads(go_on: threading.Event):
    store = DeadlineStore(lambda: HangingStore(go_on), seconds=0.02)

    for _ in range(4):
        with pytest.raises(StoreUnavailable, match="did not answer"):
            store.record_closed_trades([closed_trade()])
    before = threading.active_count()
    with pytest.raises(StoreUnavailable, match="4 earlier calls have not come back"):
        store.record_closed_trades([closed_trade()])
    assert threading.active_count() <= before

    go_on.set()
    deadline = time.monotonic() + 20
    while True:
        try:
            assert store.record_closed_trades([closed_trade()]).accepted == 1
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_store_that_cannot_be_opened_says_so_and_is_tried_again():
    answers = [StoreUnavailable("down"), None]

    def open_body() -> LearningStore:
        fault = answers.pop(0)
        if fault is not None:
            raise fault
        return MemoryStore()

    store = DeadlineStore(open_body, seconds=20.0)

    with pytest.raises(StoreUnavailable, match="down"):
        store.health()
    assert store.health().trades == 0
