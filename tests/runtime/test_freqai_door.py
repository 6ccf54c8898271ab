"""The bank behind FreqAI: scores are handed on, and what does not fit ends the run aloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from freqfleet.runtime.freqai_door import BankDoor, add_scores, add_targets
from freqfleet.signals.ensemble import Ensemble
from freqfleet.signals.feeder import Scores
from freqfleet.testing.candle_frames import candles_from_closes

LABELS = ["&-freqfleet_long", "&-freqfleet_short"]


@dataclass
class Says:
    name: str
    long: list[float]
    short: list[float]
    warmup_candles: int = 0

    def score(self, candles: pd.DataFrame) -> Scores:
        return Scores(long=np.array(self.long), short=np.array(self.short))


NAN = float("nan")
ENSEMBLE = Ensemble(
    [
        Says("a", [NAN, 0.9, 0.9, 0.1], [NAN, 0.0, 0.0, 0.8]),
        Says("b", [NAN, 0.2, 0.6, 0.1], [NAN, 0.0, 0.0, 0.2]),
    ],
    min_votes=2,
)


def prepared() -> pd.DataFrame:
    return add_targets(add_scores(ENSEMBLE, candles_from_closes([100.0] * 4)))


def test_scores_are_votes_over_those_needed_and_nobody_is_not_known():
    candles = prepared()

    assert candles["%-freqfleet_long"].tolist()[1:] == [0.5, 1.0, 0.0]
    assert np.isnan(candles["%-freqfleet_long"][0])


def test_predictions_are_the_scores_and_0_where_nobody_spoke():
    predictions, spoken = BankDoor(ENSEMBLE, ["v1"]).predict(prepared(), LABELS)

    assert predictions[LABELS[0]].tolist() == [0.0, 0.5, 1.0, 0.0]
    assert predictions[LABELS[1]].tolist() == [0.0, 0.0, 0.0, 0.5]
    assert spoken.tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("candles", "labels"),
    [
        (candles_from_closes([100.0] * 4), LABELS),  # a strategy that forgot add_scores
        (prepared(), ["&-my_target"]),
    ],
)
def test_a_strategy_that_does_not_fit_ends_the_run_and_no_exception_that_freqai_would_swallow(
    candles, labels, caplog
):
    with pytest.raises(SystemExit) as ended:
        BankDoor(ENSEMBLE, ["v1"]).predict(candles, labels)

    assert ended.value.code == 2
    assert not isinstance(ended.value, Exception)
    assert "add_scores" in caplog.text


def test_an_empty_bank_ends_the_run(caplog):
    with pytest.raises(SystemExit):
        BankDoor(ENSEMBLE, []).versions()

    assert "freqfleet feeders train" in caplog.text
