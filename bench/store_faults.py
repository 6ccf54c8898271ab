"""Faults: kill -9, servers that break, six processes at once, trades that vanish; and what a bot notices."""

from __future__ import annotations

import itertools
import random
import sqlite3
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from bench.measure import BenchError
from bench.store_bulk import END, SEED_TRADES, TRADE_BUCKETS, Tell, synthetic_trades, synthetic_versions
from bench.table import Row, Section, at_most
from freqfleet.clock import SystemClock
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.parameters.book import ParameterBook
from freqfleet.store.backoff import Backoff
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.store.outbox import Outbox
from freqfleet.store.sql import SqlStore
from freqfleet.testing.crash_rounds import CrashResult, Killable, crash_rounds, open_by_url
from freqfleet.testing.fault_proxy import FaultProxy, Mode, fault_proxy
from freqfleet.testing.fleet_load import run_fleet
from freqfleet.testing.listed_trades import ListedTrades
from freqfleet.testing.servers import ServerMissing, influx_server, postgres_server
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.reconcile import reconcile_bot

ROUNDS = {"SQLite": 80, "PostgreSQL": 60, "InfluxDB": 60}
CALL_BAR_MS, LOOK_UP_BAR_US, WRITE_BAR_MS = 0.1, 5.0, 100.0
DELETED = 1_433

FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "down": lambda proxy: proxy.set(Mode.DOWN),
    "hanging": lambda proxy: proxy.set(Mode.HANG),
    "trickling": lambda proxy: proxy.set(Mode.TRICKLE),
    "partial write": lambda proxy: proxy.set(Mode.CUT),
    "401": lambda proxy: proxy.answer(401),
    "404": lambda proxy: proxy.answer(404),
    "429": lambda proxy: proxy.answer(429, headers="Retry-After: 1\r\n"),
    "503": lambda proxy: proxy.answer(503),
}


def crashes(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return what 200 rounds of kill -9 over the three bodies lose and double."""
    rows: list[Row] = []
    for seed, (body, rounds) in enumerate(ROUNDS.items()):
        count = 3 if quick else rounds
        with _killable(body, folder) as (url, server):
            result = crash_rounds(
                folder / body,
                url,
                rounds=count,
                seed=seed,
                server=server,
                tell=lambda number, body=body, count=count: (  # type: ignore[misc]
                    tell(f"crashes, {body}: round {number} of {count}") if number % 20 == 0 else None
                ),
            )
        rows.append(_crash_row(body, result))
    return Section(
        title="kill -9 at random moments",
        rows=tuple(rows),
        notes=("acknowledged: on the outbox's disk (bot), or answered by the store (writer)",),
    )


def _crash_row(body: str, result: CrashResult) -> Row:
    kills = ", ".join(f"{count} {victim}s" for victim, count in result.kills.items())
    return Row(
        work=f"{body}: {result.rounds} rounds, killed {kills}",
        measured=(
            f"{result.acknowledged:,} acknowledged, {result.stored:,} stored, "
            f"{len(result.lost)} lost, {len(result.doubled)} doubled"
        ),
        bar="0 lost, 0 doubled",
        held=result.acknowledged > 0 and not result.lost and not result.doubled,
    )


def never_wait(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return how long the calls of a trading callback take while the way to InfluxDB is broken."""
    rows: list[Row] = []
    with _killable("InfluxDB", folder) as (url, _), fault_proxy(int(url.rpartition(":")[2])) as proxy:
        for number, (fault, begin) in enumerate(FAULTS.items()):
            tell(f"callbacks while the server is: {fault}")
            rows.append(
                _during_fault(folder, proxy, fault, begin, 200 if quick else 5_000, number, judged=not quick)
            )
    return Section(
        title="What a trading callback calls, while the store fails",
        rows=tuple(rows),
        notes=(
            "each sample is one put into the outbox and one look-up of parameters, 0.2 ms apart, beside the "
            "threads of the outbox; then the fault ends and the outbox drains, without a restart",
        ),
    )


def _during_fault(
    folder: Path,
    proxy: FaultProxy,
    fault: str,
    begin: Callable[[FaultProxy], None],
    samples: int,
    number: int,
    *,
    judged: bool,
) -> Row:
    begin(proxy)
    store = DeadlineStore(lambda: open_by_url(f"influxdb://127.0.0.1:{proxy.port}"), seconds=3.0)
    outbox = Outbox(
        folder / f"outbox-{number}.sqlite",
        store,
        clock=SystemClock(),
        backoff=Backoff(first_seconds=0.1, most_seconds=0.5),
    )
    book = ParameterBook(
        synthetic_versions(60, 5), defaults=ExitParameters(stop_loss=-0.03, take_profit=0.03)
    )
    outbox.start()
    trades = [
        closed_trade(trade_id=number * 1_000_000 + one, closed_at=END + timedelta(days=1, minutes=one))
        for one in range(samples)
    ]
    took_ms: list[float] = []
    for trade in trades:
        began = time.perf_counter()
        outbox.put(trade)
        book.resolve("K001/USDT:USDT", Side.LONG, 3.0, END)
        took_ms.append((time.perf_counter() - began) * 1000.0)
        time.sleep(0.0002)
    proxy.set(Mode.THROUGH)
    drained = outbox.wait_until_delivered(120.0)
    outbox.close()
    store.close()
    direct = open_by_url(f"influxdb://127.0.0.1:{proxy.target_port}")
    wanted = {one.trade_id for one in trades}
    stored = sum(one.trade_id in wanted for one in direct.closed_trades(bots=["BOT1"]))
    direct.close()
    if not drained or stored != samples:
        raise BenchError(f"{fault}: {stored} of {samples} trades arrived after the fault")
    p999 = sorted(took_ms)[min(int(len(took_ms) * 0.999), len(took_ms) - 1)]
    work = f"server {fault}, {samples:,} calls, p99.9"
    measured = f"{p999:.4f} ms, all stored after"
    if not judged:
        return Row(work=work, measured=measured)
    return Row(work=work, measured=measured, bar=f"<= {CALL_BAR_MS:g} ms", held=p999 <= CALL_BAR_MS)


def six_processes(folder: Path, *, quick: bool, tell: Tell) -> Section:
    """Return what six processes on one SQLite file meet in a minute."""
    seconds = 3.0 if quick else 60.0
    tell(f"six processes for {seconds:g} s")
    results = run_fleet(f"sqlite:///{folder / 'learning.sqlite'}", seconds)
    writes = sorted(itertools.chain.from_iterable(one.writes_ms for one in results))
    errors = [f"{one.role}: {one.error.splitlines()[-1]}" for one in results if one.error]
    p99 = writes[int(len(writes) * 0.99)] if writes else float("inf")
    cycles = ", ".join(f"{one.role} {one.cycles:,}" for one in results)
    work = f"three bots, controller, optimizer, dashboard, {seconds:g} s"
    speed = at_most(f"{work}: write p99 of {len(writes):,}", p99, WRITE_BAR_MS, "ms")
    return Section(
        title="Six processes on one SQLite file",
        rows=(
            Row(work=work, measured=f"{len(errors)} errors {errors or ''}", bar="0 errors", held=not errors),
            Row(work=speed.work, measured=speed.measured) if quick else speed,
        ),
        notes=(f"cycles: {cycles}", f"write p50 {writes[len(writes) // 2]:.1f} ms, max {writes[-1]:.1f} ms"),
    )


def look_up(*, quick: bool, tell: Tell) -> Section:
    """Return what a look-up of parameters takes in a strategy, and what it leaves in memory."""
    calls = 20_000 if quick else 1_000_000
    tell(f"{calls:,} look-ups")
    book = ParameterBook(
        synthetic_versions(300, 20), defaults=ExitParameters(stop_loss=-0.03, take_profit=0.03)
    )
    pairs = [f"K{number:03d}/USDT:USDT" for number in range(150)]
    for pair in pairs:
        book.resolve(pair, Side.LONG, 3.0, END)
    began = time.perf_counter()
    for number in range(calls):
        book.resolve(pairs[number % 150], Side.LONG, 3.0, END)
    each_us = (time.perf_counter() - began) / calls * 1e6
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(calls):
        book.resolve(pairs[number % 150], Side.LONG, 3.0, END)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return Section(
        title="Parameters in a strategy",
        rows=(
            at_most("one look-up, the loop around it included", each_us, LOOK_UP_BAR_US, "us"),
            Row(
                work=f"memory that {calls:,} look-ups leave",
                measured=f"{grown:,} bytes",
                bar="< 4,096 bytes",
                held=grown < 4_096,
            ),
        ),
    )


def reconcile(folder: Path, *, tell: Tell) -> Section:
    """Return whether exactly the trades that vanished from the store come back."""
    bot, count = "BOT3", SEED_TRADES["BOT3"]
    trades = list(synthetic_trades(bot, count, days=365, seed=3))
    source = ListedTrades(trades, bot=bot)
    file = folder / "learning.sqlite"
    store = SqlStore(f"sqlite:///{file}")
    store.record_closed_trades(trades)
    deleted = set(random.Random(DELETED).sample([one.trade_id for one in trades], DELETED))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany("DELETE FROM closed_trades WHERE trade_id = ?", [(one,) for one in deleted])
    tell("reconciling")
    began = time.perf_counter()
    found = reconcile_bot(store, source)
    seconds = time.perf_counter() - began
    named = {one for day in found.differences for one in day.missing}
    exact = named == deleted and (found.restored, found.amended, found.only_in_store) == (DELETED, 0, 0)
    whole = store.closed_trades(bots=[bot]) == sorted(trades, key=lambda one: (one.closed_at, one.trade_id))
    store.close()
    return Section(
        title="Reconcile",
        rows=(
            Row(
                work=f"{DELETED:,} of {count:,} trades deleted from the store at random",
                measured=f"{len(named & deleted):,} named, {found.restored:,} restored, {seconds:.2f} s",
                bar="exactly these",
                held=exact and whole,
            ),
        ),
    )


@contextmanager
def _killable(body: str, folder: Path) -> Iterator[tuple[str, Killable | None]]:
    """Run an empty store of a body; gives its URL and the server, None for SQLite."""
    own = folder / body
    own.mkdir(exist_ok=True)
    own.chmod(0o755)
    place = own / "server"
    place.mkdir()
    try:
        if body == "SQLite":
            yield f"sqlite:///{own / 'learning.sqlite'}", None
        elif body == "PostgreSQL":
            with postgres_server() as postgres:
                yield postgres.create_database("learning"), postgres
        else:
            with influx_server(place) as influx:
                for bucket in (*TRADE_BUCKETS.values(), "OPTUNA_PARAMS", "bot3_learning"):
                    influx.query(f'CREATE DATABASE "{bucket}"')
                yield influx.url, influx
    except ServerMissing as error:
        raise BenchError(str(error)) from None
