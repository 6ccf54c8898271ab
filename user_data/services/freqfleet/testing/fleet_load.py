"""Six processes on one store: three bots, controller, optimizer and dashboard, with their real calls."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from freqfleet.clock import SystemClock
from freqfleet.domain.sides import Side
from freqfleet.store.promise import LearningStore
from freqfleet.testing.crash_rounds import open_by_url
from freqfleet.testing.trades import closed_trade, version

ROLES = ("BOT1", "BOT2", "BOT3", "controller", "optimizer", "dashboard")
_CHILD = "import sys; from freqfleet.testing.fleet_load import play; play(*sys.argv[1:])"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleResult:
    """What one process did. error : its traceback, empty where it met none; writes_ms : one per write."""

    role: str
    cycles: int
    writes_ms: tuple[float, ...]
    error: str


def run_fleet(url: str, seconds: float) -> list[RoleResult]:
    """Let the six run for so long; each opens the store itself, all at once."""
    running = [
        (
            role,
            subprocess.Popen(
                [sys.executable, "-c", _CHILD, role, url, str(seconds)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
        )
        for role in ROLES
    ]
    results = []
    try:
        for role, program in running:
            said, error = program.communicate(timeout=seconds + 120)
            values: dict[str, Any] = (
                json.loads(said) if program.returncode == 0 else {"cycles": 0, "writes_ms": []}
            )
            failed = error or ("" if program.returncode == 0 else f"ended with {program.returncode}")
            results.append(
                RoleResult(
                    role=role, cycles=values["cycles"], writes_ms=tuple(values["writes_ms"]), error=failed
                )
            )
    finally:
        for _, program in running:
            program.kill()
    return results


def play(role: str, url: str, seconds: str) -> None:
    """Do what one role does until the time is over; prints its numbers as JSON."""
    store = open_by_url(url)
    ends_at = time.monotonic() + float(seconds)
    writes_ms: list[float] = []
    cycles = 0
    for cycles in count():
        if time.monotonic() > ends_at:
            break
        _one_cycle(store, role, cycles, writes_ms)
        time.sleep(0.01)
    store.close()
    print(json.dumps({"cycles": cycles, "writes_ms": writes_ms}))


def _one_cycle(store: LearningStore, role: str, number: int, writes_ms: list[float]) -> None:
    now = SystemClock().now()
    if role.startswith("BOT"):
        trade = closed_trade(bot=role, trade_id=number, opened_at=now - timedelta(hours=4), closed_at=now)
        began = time.perf_counter()
        store.record_closed_trades([trade])
        writes_ms.append((time.perf_counter() - began) * 1000.0)
        store.parameters_in_force(now)
    elif role == "dashboard":
        store.health()
        store.day_digests(f"BOT{number % 3 + 1}", closed_from=now - timedelta(days=1))
    else:
        store.trade_columns(closed_from=now - timedelta(days=90 if role == "optimizer" else 1))
        published = [
            version(pair=f"C{pair:03d}/USDT:USDT", side=side, recorded_at=now, run_id=f"{role}-{number}")
            for pair in range(10 if role == "controller" else 40)
            for side in Side
        ]
        began = time.perf_counter()
        store.publish_parameters(published)
        writes_ms.append((time.perf_counter() - began) * 1000.0)
