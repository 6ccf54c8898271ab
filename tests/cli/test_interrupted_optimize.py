"""Ctrl-C in the middle of `freqfleet optimize`, as a process of its own."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from freqfleet.cli.optimize_run import run_with_bar
from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.sides import Side
from freqfleet.exchange.freqtrade_runs import clean_environment
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.report.formats import plural
from replaycases import waves
from wavingfleets import AS_OF, WAVES, write_fleet

PROGRAM = [sys.executable, "-c", "from freqfleet.cli import main; main()"]
PAIRS = [f"{name}/USDT:USDT" for name in ("ADA", "BTC", "ETH", "SOL", "XRP")]
# So many trials take a pair about a second, and five pairs much longer than the first one.
FLEET = """
[optimizer]
time_limit_minutes = [240]
trials = 400
[defaults]
time_limit_minutes = 240
[gate]
method = "holdout"
"""


def fleet(userdir: Path) -> Path:
    """Make a userdir in which every pair has something to publish; return its store."""
    candles, trades = waves([0.06] * WAVES)
    write_fleet(
        userdir,
        FLEET,
        [
            (
                replace(candles, pair=pair),
                [replace(one, pair=pair, trade_id=one.trade_id + 1_000 * number) for one in trades],
            )
            for number, pair in enumerate(PAIRS)
        ],
    )
    return userdir / "learning.sqlite"


def published(store: Path) -> int:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=5)) as connection:
        return int(connection.execute("SELECT count(*) FROM parameter_versions").fetchone()[0])


def test_finished_pairs_are_kept_and_said(tmp_path: Path) -> None:
    store = fleet(tmp_path / "user_data")
    options = ["--userdir", str(tmp_path / "user_data"), "optimize", "--as-of", AS_OF, "--search", "tpe"]
    with subprocess.Popen(
        [*PROGRAM, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=tmp_path,
    ) as process:
        patience = time.monotonic() + 90
        while published(store) == 0 and process.poll() is None and time.monotonic() < patience:
            time.sleep(0.02)
        time.sleep(0.3)  # stored is not yet counted; the next pair takes longer than that
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    kept = published(store)
    assert process.returncode == 130, err
    assert 1 <= kept < len(PAIRS)
    assert f"of {len(PAIRS)} pairs finished, {plural(kept, 'version')} published; --resume goes on" in err
    assert err.splitlines()[-1] == "interrupted; what was finished is kept"
    assert "Traceback" not in err
    assert out == ""


class CutOff:
    """An optimizer of a run with a gate that is interrupted when one pair is finished."""

    def run(self, pairs: Sequence[str], on_outcome: Callable[[PairOutcome], None]) -> OptimizerRun:
        kept = Decision(
            pair=pairs[0],
            side=Side.LONG,
            verdict=Verdict.KEPT,
            reason="",
            parameters=None,
            evidence=Evidence(),
        )
        on_outcome(PairOutcome(pair=pairs[0], findings=(Finding(decision=kept),), latest_atr_ratio=None))
        raise KeyboardInterrupt


def test_nothing_is_said_of_versions_where_the_gate_has_not_seen_all_pairs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_with_bar(CutOff(), PAIRS)

    assert "1 of 5 pairs finished; --resume goes on from here" in capsys.readouterr().err
