import json

import pytest

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.outcome import to_document
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pair_work import PairOutcome
from replaycases import START

# The keys that contracts.md promises for a decision.
PROMISED = {
    "pair", "side", "verdict", "reason", "stop_loss", "take_profit", "volatility_multiplier", "trades",
    "effective_trades", "claim_bps", "p_value", "e_value", "train_profit", "test_profit",
    "incumbent_test_profit", "version",
}  # fmt: skip


def document(latest_atr_ratio=None, parameters=None, **evidence):
    decision = Decision(
        pair="BTC/USDT:USDT",
        side=Side.LONG,
        verdict=Verdict.PUBLISHED if parameters else Verdict.SKIPPED,
        reason="why",
        parameters=parameters,
        evidence=Evidence(**evidence),
    )
    outcome = PairOutcome(
        pair="BTC/USDT:USDT",
        findings=(Finding(decision=decision, dropped={"window_has_gap": 2}),),
        latest_atr_ratio=latest_atr_ratio,
    )
    run = OptimizerRun(
        run_id="run",
        as_of=START,
        search="tpe",
        dry_run=False,
        outcomes=(outcome,),
        elapsed_seconds=1.23456,
        notes=("said",),
    )
    return json.loads(json.dumps(to_document(run), allow_nan=False))


def test_document_has_the_promised_keys():
    found = document(candidates=100)

    assert found["schema"] == 1
    assert found["as_of"] == "2025-10-01T00:00:00Z"
    assert found["candidates"] == 100
    assert found["elapsed_seconds"] == 1.235
    assert set(found["decisions"][0]) >= PROMISED


@pytest.mark.parametrize(("atr", "multiplier"), [(0.008, 2.0**0.5), (0.004, 1.0), (None, 1.0)])
def test_volatility_multiplier_is_the_factor_at_the_latest_volatility(atr, multiplier):
    parameters = ExitParameters(
        stop_loss=-0.02, take_profit=0.04, volatility_scaling=0.5, atr_reference_ratio=0.004
    )

    decision = document(atr, parameters)["decisions"][0]

    assert decision["volatility_multiplier"] == pytest.approx(multiplier)
    assert decision["stop_loss"] == -0.02


def test_skipped_pair_has_no_exits_and_says_what_was_dropped():
    decision = document()["decisions"][0]

    assert decision["verdict"] == "skipped"
    assert decision["stop_loss"] is decision["volatility_multiplier"] is decision["test_profit"] is None
    assert decision["dropped"] == {"window_has_gap": 2}
