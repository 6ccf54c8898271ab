"""What `freqfleet optimize` says about the decay of what is in force."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from freqfleet.cli.optimize_tables import WHY_DROPPED, print_run
from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.replay.paths import Dropped
from freqfleet.validation.decay import Decay, DecayReport

BTC = Decay(key="BTC/USDT:USDT long", learned_bps=40.0, since_bps=-5.0, z=2.51, p_value=0.006, trades=30)
ALL = replace(BTC, key="all", z=1.2, p_value=0.12)
UNKNOWN = replace(ALL, z=math.nan, p_value=1.0, unsure="since then: 2 days, 4 needed")


def run_with(decay: DecayReport | None) -> OptimizerRun:
    return OptimizerRun(
        run_id="r1",
        as_of=datetime(2025, 11, 1, tzinfo=UTC),
        search="exact",
        dry_run=False,
        outcomes=(),
        elapsed_seconds=1.0,
        notes=(),
        decay=decay,
    )


def said_of(capsys: pytest.CaptureFixture[str], decay: DecayReport | None) -> str:
    print_run(run_with(decay))
    return " ".join(capsys.readouterr().out.split())


def test_decay_is_said_for_all_and_for_the_flagged(capsys):
    said = said_of(capsys, DecayReport(pooled=ALL, decayed=False, units=(BTC,), flagged=(BTC.key,)))

    assert (
        "decay: 1 published pair side claimed +40.0 bps a trade and earned -5.0 bps over 30 later trades, "
        "z 1.20 (p 0.12): no decay to be seen" in said
    )
    assert "decayed on their own: BTC/USDT:USDT long" in said


def test_a_pool_that_has_decayed_is_called_so(capsys):
    pooled = replace(ALL, z=4.0, p_value=0.00003)

    said = said_of(capsys, DecayReport(pooled=pooled, decayed=True, units=(BTC,), flagged=()))

    assert "(p <0.0001): it has decayed" in said
    assert "on their own" not in said


def test_decay_that_cannot_be_known_yet_says_why(capsys):
    said = said_of(capsys, DecayReport(pooled=UNKNOWN, decayed=False, units=(BTC,), flagged=()))

    assert "decay: not known for 1 published pair side, since then: 2 days, 4 needed" in said


@pytest.mark.parametrize("decay", [None, DecayReport(pooled=UNKNOWN, decayed=False, units=(), flagged=())])
def test_nothing_published_has_no_decay(capsys, decay):
    assert "decay" not in said_of(capsys, decay)


@pytest.mark.parametrize(("terminal", "longest"), [(True, 80), (False, 120)])
def test_sentences_keep_to_the_width_of_a_terminal(capsys, monkeypatch, terminal, longest):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    run = replace(run_with(None), notes=("a word and another " * 20,))

    print_run(run)

    lines = capsys.readouterr().out.splitlines()
    assert longest - 20 < max(len(line) for line in lines) <= longest


@pytest.mark.parametrize(("terminal", "columns"), [("80", 80), ("120", 120), (None, 120)])
def test_the_table_fits_its_terminal_and_a_narrow_one_says_what_it_leaves_out(
    capsys, monkeypatch, terminal, columns
):
    monkeypatch.setenv("COLUMNS", terminal or "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal is not None, raising=False)
    exits = ExitParameters(stop_loss=-0.0515, take_profit=0.2, time_limit_minutes=1440)
    numbers = {"train_profit": 0.0123, "test_profit": -0.0123, "incumbent_test_profit": -0.0123}
    decision = Decision(
        pair="1000SHIB/USDT:USDT",
        side=Side.SHORT,
        verdict=Verdict.INHERITED,
        reason="its family is certified",
        parameters=exits,
        evidence=Evidence(trades=12_345, effective_trades=1234.0, win_rate=0.5, **numbers),
    )
    outcome = PairOutcome(pair=decision.pair, findings=(Finding(decision=decision),), latest_atr_ratio=0.01)

    print_run(replace(run_with(None), outcomes=(outcome,)))

    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    head, row, *rest = lines
    assert max(len(line.rstrip()) for line in lines) <= columns
    assert ("Sharpe" in head, "In force" in head) == (columns == 120, True)
    assert row.split()[:5] == ["1000SHIB", "short", "inherited", "-5.15", "%"]
    assert ("also show: Vol, Train, Win, PF, Sharpe, Eff" in rest[0]) is (columns == 80)


def test_every_reason_to_leave_a_trade_out_has_words():
    assert set(WHY_DROPPED) == {one.value for one in Dropped}
