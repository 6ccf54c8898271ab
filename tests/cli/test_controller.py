"""`freqfleet controller`: one cycle, or one after the other until SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.store.heartbeat import heartbeats
from freqfleet.store.one_at_a_time import OneAtATime
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import closed_trade

Run = Callable[..., tuple[int, str, str]]
START = "from freqfleet.cli import main; main()"


@pytest.fixture
def filled(userdir: Path) -> Path:
    """A userdir whose store holds 70 trades of the last days."""
    now = datetime.now(UTC)
    store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
    store.record_closed_trades(
        [
            closed_trade(
                trade_id=number,
                opened_at=now - timedelta(hours=number + 2),
                closed_at=now - timedelta(hours=number + 1),
            )
            for number in range(70)
        ]
    )
    store.close()
    return userdir


def test_one_cycle_learns_and_says_so(run: Run, filled: Path):
    code, out, _ = run("controller", "--once")

    assert code == 0
    assert "every pair long 2.0-3.5" in out
    assert "learned from 70 trades, 70 new: 4 levels recorded" in out
    (beat,) = heartbeats(filled / "heartbeats")
    assert (beat.service, beat.every_seconds) == ("controller", None)
    assert beat.said.startswith("learned from 70 trades")


def test_the_table_fits_a_narrow_terminal_which_says_what_it_leaves_out(
    run: Run, filled: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")  # without colours, so that lines can be measured
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    _, out, _ = run("controller", "--once")

    table, _, _ = out.partition("Position-level")
    assert max(len(line.rstrip()) for line in table.splitlines()) <= 80
    assert "every pair long 2.0-3.5      70" in table
    assert "also show: Wins, Mean win, Mean loss, Factor, Conf." in table


def test_what_is_held_back_is_said_with_the_rule(run: Run, filled: Path):
    _, first, _ = run("controller", "--once")
    store = SqlStore(f"sqlite:///{filled / 'learning.sqlite'}")
    now = datetime.now(UTC)
    store.record_closed_trades(
        [
            closed_trade(
                trade_id=number, opened_at=now - timedelta(minutes=9), closed_at=now - timedelta(minutes=5)
            )
            for number in range(100, 150)
        ]
    )
    store.close()

    _, second, _ = run("controller", "--once")

    assert "held back" not in first
    assert "0 levels recorded, 4 held back" in second
    assert "4 levels held back: what is published stays for 60 min; a belief across an edge" in second


def test_json_lists_every_record_and_nothing_else_is_on_stdout(run: Run, filled: Path):
    _, out, _ = run("controller", "--json", "-")

    told = json.loads(out)
    assert told["trades"] == 70
    assert [one["leverage_bin"] for one in told["recorded"]] == [None, "2.0-3.5", None, "2.0-3.5"]


def test_the_second_controller_is_told_which_one_runs(run: Run, filled: Path):
    lock = filled / "heartbeats" / "controller.lock"

    with OneAtATime(lock, "controller", datetime.now(UTC)):
        code, _, err = run("controller", "--once")

    assert code == 2
    assert f"another controller runs: process {os.getpid()}" in err


def test_of_two_processes_the_second_ends_and_the_first_goes_on(run: Run, filled: Path):
    command = [sys.executable, "-c", START, "--userdir", str(filled), "controller", "--every", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        first.stdout.readline()
        try:
            second = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

            went_on = first.stdout.readline()
        finally:
            first.send_signal(signal.SIGTERM)
            first.communicate(timeout=60)

    assert (second.returncode, second.stdout) == (2, "")
    assert f"another controller runs: process {first.pid} on " in second.stderr
    assert "stop that one first, or let it do the work" in second.stderr
    assert "learned from 70 trades, 0 new" in went_on
    assert first.returncode == 0
    assert run("controller", "--once")[0] == 0  # the lock went with it


def test_a_service_takes_no_json(run: Run, filled: Path):
    code, _, err = run("controller", "--every", "30", "--json", "-")

    assert code == 2
    assert "--every runs as a service" in err


def test_sigterm_ends_it_after_the_cycle_and_takes_the_heartbeat_away(filled: Path):
    command = [sys.executable, "-c", START, "--userdir", str(filled), "controller", "--every", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        first = service.stdout.readline()
        service.stdout.readline()  # the first beat is written before the second line
        beats = heartbeats(filled / "heartbeats")
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=60)

    assert "learned from 70 trades, 70 new: 4 levels recorded" in first
    assert [one.service for one in beats] == ["controller"]
    assert "learned from 70 trades" in beats[0].said
    assert service.returncode == 0
    assert heartbeats(filled / "heartbeats") == []
