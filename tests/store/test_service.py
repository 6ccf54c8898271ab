from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.errors import StoreIncompatible, StoreUnavailable
from freqfleet.store.heartbeat import beat, heartbeats
from freqfleet.store.service import Service

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)


def run(folder: Path, *cycles: str | Exception) -> tuple[list[str], list[str]]:
    """Run a service through these cycles; gives its lines, and what the last heartbeat said after each."""
    lines: list[str] = []
    beats: list[str] = []
    left = list(cycles)
    stops: list[Callable[[], None]] = []

    def cycle() -> str:
        outcome = left.pop(0)
        if not left:
            stops[0]()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def say(line: str) -> None:
        lines.append(line)
        beats.extend(one.said for one in heartbeats(folder))

    service = Service("sync", cycle, every_seconds=1e-3, heartbeats=folder, say=say, clock=FixedClock(NOON))
    stops.append(service.stopping.ask)
    service.run()
    return lines, beats


def test_one_line_a_cycle_and_the_heartbeat_goes_when_the_service_does(tmp_path: Path):
    lines, beats = run(tmp_path / "heartbeats", "BOT1 +3", "BOT1 +0")

    assert lines == ["2025-11-01T12:00:00Z BOT1 +3", "2025-11-01T12:00:00Z BOT1 +0"]
    assert beats == ["BOT1 +3"]  # when the second line is said, the first beat is there
    assert heartbeats(tmp_path / "heartbeats") == []


def test_a_store_that_is_away_is_a_line_and_the_next_cycle_recovers(tmp_path: Path):
    lines, _ = run(tmp_path, StoreUnavailable("it is down"), StoreUnavailable("it is down"), "BOT1 +3")

    assert [line.split(" ", 1)[1] for line in lines] == [
        "1. failed cycle in a row: it is down",
        "2. failed cycle in a row: it is down",
        "BOT1 +3",
    ]


def test_a_store_of_a_newer_program_ends_the_service(tmp_path: Path):
    with pytest.raises(StoreIncompatible):
        run(tmp_path, StoreIncompatible("newer"), "never")


def test_heartbeats_are_stale_after_two_cycles_and_a_minute(tmp_path: Path):
    (tmp_path / "sync.json").write_text(
        '{"at": "2025-11-01T12:00:00Z", "every_seconds": 300, "pid": 1, "said": "x"}'
    )
    (tmp_path / "broken.json").write_text("{")

    (one,) = heartbeats(tmp_path)

    assert not one.is_stale(NOON + timedelta(seconds=660))
    assert one.is_stale(NOON + timedelta(seconds=661))


def test_a_program_without_cycles_is_never_stale(tmp_path: Path):
    beat(tmp_path, "optimize", NOON, None, "learned from 80 trades")

    (one,) = heartbeats(tmp_path)

    assert (one.service, one.at, one.said) == ("optimize", NOON, "learned from 80 trades")
    assert not one.is_stale(NOON + timedelta(days=30))
