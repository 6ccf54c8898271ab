"""kill -9 and Ctrl-C in the middle of a run: what was finished is kept, and --resume does the rest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from freqfleet.market.candles import CandleFiles
from freqfleet.settings import load_settings
from replaycases import waves
from wavingfleets import AS_OF, WAVES, published, write_fleet

PAIRS = tuple(f"{letter * 3}/USDT:USDT" for letter in "ABCDEFGHIJ")
FLEET = """
[optimizer]
time_limit_minutes = [240]
trials = 60
[defaults]
time_limit_minutes = 240
[gate]
method = "holdout"
"""
ASKED = ("optimize", "--as-of", AS_OF, "--search", "tpe", "--study", "night", "--json", "-")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory) -> Path:
    """A userdir with ten pairs, each with a target of its own that beats the default."""
    markets = []
    for number, pair in enumerate(PAIRS):
        candles, trades = waves([0.05 + 0.005 * number] * WAVES, pair=pair)
        markets.append((candles, [replace(one, trade_id=one.trade_id + 1000 * number) for one in trades]))
    return write_fleet(tmp_path_factory.mktemp("fleet") / "user_data", FLEET, markets)


def command(userdir: Path, *arguments: str) -> list[str]:
    program = "from freqfleet.cli import main; main()"
    return [sys.executable, "-c", program, "--userdir", str(userdir), *arguments]


def start(userdir: Path, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        command(userdir, *ASKED, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(userdir: Path, *arguments: str, answer: int | None = 0) -> list[dict]:
    done = subprocess.run(command(userdir, *ASKED, *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == answer if answer is not None else done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)["decisions"]


def published_pairs(userdir: Path) -> list[str]:
    return [one.key.pair for one in published(userdir)]


def finished(userdir: Path) -> list[str]:
    file = userdir / "optimizer" / "night" / "run.jsonl"
    lines = file.read_text().splitlines(keepends=True)[1:] if file.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return [row["pair"] for row in rows if row != {"ended": True}]


def wait_for_pairs(userdir: Path, count: int, process: subprocess.Popen) -> None:
    for _ in range(6000):
        if len(finished(userdir)) >= count:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    raise AssertionError("the run did not come that far within a minute")


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_run_keeps_finished_pairs_and_resume_completes_it_as_if_uninterrupted(fleet, tmp_path, jobs):
    whole, killed = (shutil.copytree(fleet, tmp_path / name / "user_data") for name in ("whole", "killed"))
    expected = finish(whole)

    process = start(killed, "--jobs", jobs)
    wait_for_pairs(killed, 3, process)
    process.kill()
    process.communicate()
    before = finished(killed)
    stored = published_pairs(killed)

    assert 3 <= len(before) < len(PAIRS)
    assert set(before) <= set(stored)
    assert len(stored) <= len(before) + 1  # at most the one between store and record
    for pair in before:  # whoever redid one would need its candles
        CandleFiles(load_settings(killed).datadir).path(pair).unlink()

    decisions = finish(killed, "--resume", "--jobs", jobs)

    assert decisions == expected
    assert sorted(published_pairs(killed)) == list(PAIRS)
    assert sorted(finished(killed)) == list(PAIRS)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupted_run_says_how_far_it_came_and_leaves_no_process(fleet, tmp_path, jobs):
    userdir = shutil.copytree(fleet, tmp_path / "user_data")
    process = start(userdir, "--jobs", jobs)
    wait_for_pairs(userdir, 2, process)

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers receive it too
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert out == ""
    assert "of 10 pairs finished" in err
    assert "--resume goes on from here" in err
    assert "Traceback" not in err
    with pytest.raises(ProcessLookupError):
        _wait_until_gone(process.pid)


def _wait_until_gone(group: int) -> None:
    for _ in range(500):
        os.killpg(group, 0)
        time.sleep(0.01)


def test_killed_before_the_gate_a_run_keeps_its_pairs_and_decides_as_if_uninterrupted(fleet, tmp_path):
    whole, killed = (shutil.copytree(fleet, tmp_path / name / "user_data") for name in ("whole", "killed"))
    for userdir in (whole, killed):
        (userdir / "config" / "fleet.toml").write_text(FLEET.replace('"holdout"', '"certified"'))
    exact = ("--search", "exact")
    expected = finish(whole, *exact, answer=None)

    process = start(killed, *exact)
    wait_for_pairs(killed, 2, process)
    process.kill()
    process.communicate()
    before = finished(killed)
    for pair in before:  # whoever wanted to redo one would need its candles
        CandleFiles(load_settings(killed).datadir).path(pair).unlink()

    assert 2 <= len(before) < len(PAIRS)
    assert published_pairs(killed) == []  # nothing passes the gate alone
    assert finish(killed, *exact, "--resume", answer=None) == expected
    assert published_pairs(killed) == published_pairs(whole)
