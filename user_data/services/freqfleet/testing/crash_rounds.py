"""kill -9, again and again, at seeded moments: what was acknowledged must be in the store, and once.

A round runs a program that records trades and prints the id of each one that it holds for acknowledged:

- `bot` puts them into an outbox, and prints an id when it is on disk;
- `writer` writes to the store itself, and prints an id when the store has answered.

Then the program is killed, in some rounds the server of the store, too. In the end one clean start of the
outbox has to bring everything.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from freqfleet.clock import SystemClock
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import StoreUnavailable
from freqfleet.store.backoff import Backoff
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.store.outbox import Outbox
from freqfleet.store.promise import LearningStore
from freqfleet.testing.trades import closed_trade

_SOON = Backoff(first_seconds=0.02, most_seconds=0.2)
_IDS_PER_ROUND = 1_000_000
_CHILD = "import sys; from freqfleet.testing.crash_rounds import record_until_killed as r; r(*sys.argv[1:])"


class Killable(Protocol):
    """A server that can be killed and started again."""

    def kill(self) -> None:
        """SIGKILL."""
        ...

    def start(self) -> None:
        """Start again, and return when it answers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashResult:
    """lost, doubled : acknowledged ids that the store lacks; ids that it holds more than once."""

    rounds: int
    kills: dict[str, int]
    acknowledged: int
    stored: int
    lost: tuple[int, ...]
    doubled: tuple[int, ...]


def crash_rounds(
    folder: Path,
    url: str,
    *,
    rounds: int,
    seed: int,
    server: Killable | None = None,
    tell: Callable[[int], None] = lambda _number: None,
) -> CrashResult:
    """Run the rounds against an empty store and count what came of them."""
    luck = random.Random(seed)
    outbox_file = folder / "outbox.sqlite"
    acknowledged: set[int] = set()
    kills: Counter[str] = Counter()
    for number in range(rounds):
        tell(number)
        role = luck.choice(("bot", "writer"))
        with_server = server is not None and luck.random() < 0.4
        arguments = (role, url, str(outbox_file), str(number * _IDS_PER_ROUND))
        acknowledged |= _one_round(arguments, luck, server if with_server else None)
        kills.update([role, *(["server"] if with_server else [])])
    ids = _stored_in_the_end(url, outbox_file)
    return CrashResult(
        rounds=rounds,
        kills=dict(sorted(kills.items())),
        acknowledged=len(acknowledged),
        stored=len(ids),
        lost=tuple(sorted(acknowledged - set(ids))),
        doubled=tuple(sorted(one for one, count in ids.items() if count > 1)),
    )


def record_until_killed(role: str, url: str, outbox_file: str, first: str) -> None:
    """Record trade after trade; prints an id once it is acknowledged. Runs in a process of its own."""
    if role == "bot":
        outbox = _outbox(url, Path(outbox_file))
        outbox.start()
    else:
        store = open_by_url(url)
    for trade_id in range(int(first), int(first) + _IDS_PER_ROUND):
        trade = closed_trade(trade_id=trade_id)
        if role == "bot":
            outbox.put(trade)
            while not outbox.wait_until_saved(1.0):
                pass
        else:
            while not _recorded(store, trade):
                time.sleep(0.02)
        print(trade_id, flush=True)


def open_by_url(url: str) -> LearningStore:
    """Open the body that a URL names, with one bot's bucket."""
    if urlsplit(url).scheme == "influxdb":
        from freqfleet.store.influx import InfluxStore  # noqa: PLC0415 - an extra

        return InfluxStore(url, trade_buckets={"BOT1": "BOT1_trades"}, timeout_seconds=5.0)
    from freqfleet.store.sql import SqlStore  # noqa: PLC0415 - SQLAlchemy takes its time

    return SqlStore(url, timeout_seconds=10.0)


def _one_round(arguments: tuple[str, ...], luck: random.Random, server: Killable | None) -> set[int]:
    child = subprocess.Popen([sys.executable, "-c", _CHILD, *arguments], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        first = child.stdout.readline()
        time.sleep(luck.uniform(0.0, 0.25))
        if server is not None:
            server.kill()
            time.sleep(luck.uniform(0.0, 0.1))
            if luck.random() < 0.5:  # the program dies while its server is away, or lives to see it again
                child.kill()
            server.start()
            time.sleep(luck.uniform(0.0, 0.1))
    finally:
        child.kill()
        rest = child.stdout.read()
        child.stdout.close()
        child.wait()
    lines = (first + rest).split("\n")[:-1]  # what has no end of line was not said to the end
    return {int(one) for one in lines}


def _stored_in_the_end(url: str, outbox_file: Path) -> Counter[int]:
    outbox = _outbox(url, outbox_file)
    outbox.start()
    assert outbox.wait_until_delivered(120.0), outbox.status()
    outbox.close()
    store = open_by_url(url)
    ids = Counter(one.trade_id for one in store.closed_trades(bots=["BOT1"]))
    store.close()
    return ids


def _outbox(url: str, file: Path) -> Outbox:
    store = DeadlineStore(lambda: open_by_url(url), seconds=20.0)
    return Outbox(file, store, clock=SystemClock(), backoff=_SOON)


def _recorded(store: LearningStore, trade: ClosedTrade) -> bool:
    try:
        receipt = store.record_closed_trades([trade])
    except StoreUnavailable:
        return False
    assert not receipt.rejected, receipt
    return True
