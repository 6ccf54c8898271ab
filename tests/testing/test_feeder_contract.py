"""The contract can fail: each of these feeders breaks one promise, and the check of that promise notices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from freqfleet.market.arrays import FloatArray
from freqfleet.signals.feeder import Scores
from freqfleet.testing.feeder_contract import FeederContract

Rule = Callable[[pd.DataFrame], FloatArray]


class Honest:
    """Last candle's return in units of the usual one: a feeder that keeps every promise."""

    def __init__(self, rule: Rule | None = None, *, name: str = "honest", warmup_candles: int = 60):
        self.name = name
        self.warmup_candles = warmup_candles
        self._rule = rule if rule is not None else standard_moves

    def score(self, candles: pd.DataFrame) -> Scores:
        confidences = self._rule(candles)
        long, short = np.clip(confidences, 0.0, 1.0), np.clip(-confidences, 0.0, 1.0)
        for scores in (long, short):
            scores[: self.warmup_candles] = np.nan
        return Scores(long=long, short=short)


def standard_moves(candles: pd.DataFrame) -> FloatArray:
    moves = candles["close"].pct_change(fill_method=None)
    usual = moves.rolling(50).std()
    return (moves / usual.where(usual > 1e-9)).to_numpy() / 3.0


def contract_of(feeder: object) -> FeederContract:
    contract = FeederContract()
    contract.feeder = feeder  # type: ignore[assignment]
    return contract


CHECKS = [name for name in vars(FeederContract) if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
def test_an_honest_feeder_passes(check):
    getattr(contract_of(Honest()), check)()


class Unclipped(Honest):
    def score(self, candles):
        moves = standard_moves(candles) * 3.0
        return Scores(long=moves, short=-moves)


class WithoutWarmUp(Honest):
    def score(self, candles):
        scores = super().score(candles)
        return Scores(long=np.nan_to_num(scores.long), short=np.nan_to_num(scores.short))


class Silent(Honest):
    def score(self, candles):
        scores = super().score(candles)
        return Scores(long=scores.long * 0.0, short=scores.short)


class OneRowShort(Honest):
    def score(self, candles):
        scores = super().score(candles)
        return Scores(long=scores.long[1:], short=scores.short[1:])


class Single(Honest):
    def score(self, candles):
        scores = super().score(candles)
        return Scores(long=scores.long.astype(np.float32), short=scores.short.astype(np.float32))


class Meddling(Honest):
    def score(self, candles):
        candles["mine"] = 1.0
        return super().score(candles)


class Remembering(Honest):
    calls = 0

    def score(self, candles):
        self.calls += 1
        scores = super().score(candles)
        return Scores(long=scores.long / self.calls, short=scores.short)


def next_candle(candles: pd.DataFrame) -> FloatArray:
    return np.nan_to_num(np.roll(standard_moves(candles), -1))


def against_the_whole_history(candles: pd.DataFrame) -> FloatArray:
    return np.nan_to_num(standard_moves(candles)) * (candles["close"] > candles["close"].mean()).to_numpy()


def from_the_first_candle(candles: pd.DataFrame) -> FloatArray:
    gain = candles["close"] / candles["close"].iloc[0] - 1.0 if len(candles) else candles["close"]
    return (10.0 * gain).to_numpy()


def moves_in_quote(candles: pd.DataFrame) -> FloatArray:
    return candles["close"].diff().to_numpy()


def volume_forever(candles: pd.DataFrame) -> FloatArray:
    return standard_moves(candles) * (1.0 + 0.0 * np.cumsum(candles["volume"].to_numpy()))


def opinion_without_movement(candles: pd.DataFrame) -> FloatArray:
    return np.where(np.isnan(standard_moves(candles)), 0.7, standard_moves(candles))


@pytest.mark.parametrize(
    ("feeder", "check"),
    [
        (Honest(name="Two Words"), "test_the_name_is_one_lower_case_word"),
        (OneRowShort(), "test_scores_have_one_float_per_candle"),
        (Single(), "test_scores_have_one_float_per_candle"),
        (Unclipped(), "test_scores_lie_between_nothing_and_certainty"),
        (Silent(), "test_the_feeder_has_an_opinion_on_each_side"),
        (WithoutWarmUp(), "test_the_warm_up_abstains_and_nothing_after_it_does"),
        (Honest(warmup_candles=20), "test_the_warm_up_abstains_and_nothing_after_it_does"),
        (WithoutWarmUp(), "test_a_history_shorter_than_the_warm_up_abstains"),
        (Honest(next_candle), "test_no_score_knows_a_later_candle"),
        (Honest(against_the_whole_history), "test_no_score_knows_a_later_candle"),
        (Honest(next_candle), "test_a_wild_future_changes_nothing"),
        (Honest(against_the_whole_history), "test_a_wild_future_changes_nothing"),
        (Honest(from_the_first_candle), "test_old_history_is_forgotten"),
        (Honest(moves_in_quote), "test_the_price_level_does_not_matter"),
        (Meddling(), "test_the_candles_are_left_as_they_are"),
        (Remembering(), "test_asking_twice_gives_the_same_answer"),
        (Honest(opinion_without_movement), "test_a_market_that_stands_still_gives_no_confidence"),
        (Honest(volume_forever), "test_missing_volume_is_no_lasting_harm"),
    ],
)
def test_a_broken_promise_is_noticed(feeder, check):
    with pytest.raises(AssertionError):
        getattr(contract_of(feeder), check)()


def test_every_check_has_a_feeder_that_fails_it():
    broken = next(mark for mark in test_a_broken_promise_is_noticed.pytestmark if mark.name == "parametrize")

    assert {check for _, check in broken.args[1]} == set(CHECKS)
