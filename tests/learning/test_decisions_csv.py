import csv
from datetime import UTC, datetime

import pytest

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.decisions_csv import write_decisions
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome

BTC = "BTC/USDT:USDT"


def run_of(*decisions: Decision) -> OptimizerRun:
    findings = tuple(Finding(decision=one, dropped={"outside_candles": 3}) for one in decisions)
    return OptimizerRun(
        run_id="r1",
        as_of=datetime(2025, 11, 1, tzinfo=UTC),
        search="exact",
        dry_run=False,
        outcomes=(PairOutcome(pair=BTC, findings=findings),),
        elapsed_seconds=1.0,
        notes=(),
    )


KEPT = Decision(
    pair=BTC,
    side=Side.LONG,
    verdict=Verdict.KEPT,
    reason="not better, by far",
    parameters=ExitParameters(stop_loss=-0.03, take_profit=0.0455, time_limit_minutes=240),
    evidence=Evidence(trades=80, test_profit=0.0019, bot_trades={"BOT1": 60, "BOT3": 20}),
)
SKIPPED = Decision(
    pair=BTC, side=Side.SHORT, verdict=Verdict.SKIPPED, reason="0 trades, 60 needed", parameters=None,
    evidence=Evidence(),
)  # fmt: skip


def test_one_row_a_decision_with_units_in_the_names(tmp_path):
    write_decisions(tmp_path / "out" / "decisions.csv", run_of(KEPT, SKIPPED))

    with (tmp_path / "out" / "decisions.csv").open(newline="") as stream:
        first, second = csv.DictReader(stream)
    assert (first["run_id"], first["as_of_utc"]) == ("r1", "2025-11-01T00:00:00Z")
    assert float(first["stop_loss_position_ratio"]) == -0.03
    assert float(first["take_profit_position_ratio"]) == 0.0455
    assert first["time_limit_minutes"] == "240"
    assert first["bot_trades_count"] == "BOT1=60 BOT3=20"
    assert first["dropped_trades_count"] == "outside_candles=3"
    assert first["reason"] == "not better, by far"
    assert (second["verdict"], second["stop_loss_position_ratio"]) == ("skipped", "")


def test_what_was_not_measured_is_empty(tmp_path):
    write_decisions(tmp_path / "decisions.csv", run_of(KEPT))

    with (tmp_path / "decisions.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["p_value"] == row["profit_factor"] == row["parameter_importance_share"] == ""
    assert None not in row  # as many cells as names


def test_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot write"):
        write_decisions(tmp_path, run_of(KEPT))
