"""FeederContract: what every feeder must show before it may vote.

A feeder's test file, also one outside this repository, is this and its own cases:

    class TestMyFeeder(FeederContract):
        feeder = MyFeeder()

`freqfleet.signals.feeder` says why each point matters.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray
from freqfleet.signals.feeder import Feeder
from freqfleet.testing.candle_frames import candles_from_closes, random_walk_candles

SEED = 20251101
SCORED_CANDLES = 600  # how many candles beyond the warm-up the markets of this contract have
EXACT = 1e-9  # the same arithmetic on the same candles
SCALED = 1e-6  # the same arithmetic on other numbers
FORGOTTEN = 0.02  # what the seed of a recursive indicator may leave behind after the warm-up


class FeederContract:
    """The checks; set `feeder` in a subclass whose name starts with `Test`."""

    feeder: Feeder

    def test_the_name_is_one_lower_case_word(self) -> None:
        """It ends in tags, column names and chat messages."""
        name = self.feeder.name
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,31}", name), f"not a lower-case word: {name!r}"

    def test_scores_have_one_float_per_candle(self) -> None:
        """Shape (n_candles,), float64, for both sides."""
        candles = self._market()

        for side, scores in self._sides(candles):
            assert scores.shape == (len(candles),), f"{side}: shape {scores.shape}, {len(candles)} candles"
            assert scores.dtype == np.float64, f"{side}: {scores.dtype} instead of float64"

    def test_scores_lie_between_nothing_and_certainty(self) -> None:
        """0..1 or NaN, also in a market that trends, jumps or hardly moves."""
        for sigma_ratio, drift_ratio in ((0.002, 0.0), (0.02, 0.001), (0.0001, -0.0001)):
            for side, scores in self._sides(self._market(sigma_ratio=sigma_ratio, drift_ratio=drift_ratio)):
                known = scores[~np.isnan(scores)]
                outside = known[(known < 0.0) | (known > 1.0)]
                assert outside.size == 0, f"{side}: {outside[:3]} outside 0..1"

    def test_the_feeder_has_an_opinion_on_each_side(self) -> None:
        """A feeder that never says anything passes every other check."""
        markets = [self._market(drift_ratio=drift_ratio) for drift_ratio in (-0.001, 0.0, 0.001)]

        for side in Side:
            highest = max(np.nanmax(self.feeder.score(market).side(side)) for market in markets)
            assert highest > 0.0, f"never more than {highest} for {side} on {3 * SCORED_CANDLES} candles"

    def test_the_warm_up_abstains_and_nothing_after_it_does(self) -> None:
        """NaN in exactly the first `warmup_candles` rows of a market without gaps."""
        warmup = self.feeder.warmup_candles

        for side, scores in self._sides(self._market()):
            assert np.isnan(scores[:warmup]).all(), f"{side}: a score before {warmup} candles"
            later = np.flatnonzero(np.isnan(scores[warmup:]))
            assert later.size == 0, f"{side}: abstains at row {warmup + int(later[0])}, after its warm-up"

    def test_a_history_shorter_than_the_warm_up_abstains(self) -> None:
        """Also one candle, and none."""
        market = self._market()

        for candle_count in (0, 1, 2, self.feeder.warmup_candles // 2, self.feeder.warmup_candles):
            for side, scores in self._sides(market.iloc[:candle_count].reset_index(drop=True)):
                assert scores.shape == (candle_count,), f"{side}: shape {scores.shape} for {candle_count}"
                assert np.isnan(scores).all(), f"{side}: a score on {candle_count} candles"

    def test_no_score_knows_a_later_candle(self) -> None:
        """The scores of a prefix are the prefix of the scores, wherever it is cut."""
        market = self._market()
        rng = np.random.default_rng(SEED + 1)
        first = self.feeder.warmup_candles + 1
        whole = self.feeder.score(market)

        for cut in (first, *sorted(rng.integers(first, len(market), 8).tolist()), len(market) - 1):
            part = self.feeder.score(market.iloc[:cut].reset_index(drop=True))
            for side in Side:
                _assert_same(part.side(side), whole.side(side)[:cut], EXACT, f"{side}: cut at row {cut}")

    def test_a_wild_future_changes_nothing(self) -> None:
        """What comes after a candle may be a crash; its score stands."""
        calm = self._market()
        wild = calm.copy()
        crash = len(calm) - 50
        wild.loc[crash:, ["open", "high", "low", "close"]] *= 0.2
        wild.loc[crash:, "volume"] *= 100.0

        before, after = self.feeder.score(calm), self.feeder.score(wild)

        for side in Side:
            _assert_same(
                after.side(side)[:crash], before.side(side)[:crash], EXACT, f"{side}: before a crash"
            )

    def test_old_history_is_forgotten(self) -> None:
        """A bot that starts today says what one says that has run for weeks.

        Compared where both are past their warm-up; one score in a hundred may differ by more, because
        a threshold inside a rule can lie between the two.
        """
        market = self._market()
        late = market.iloc[200:].reset_index(drop=True)
        whole, started_late = self.feeder.score(market), self.feeder.score(late)

        for side in Side:
            first = self.feeder.warmup_candles
            drift = np.abs(started_late.side(side)[first:] - whole.side(side)[200 + first :])
            share = float(np.mean(~(drift <= FORGOTTEN)))
            assert share <= 0.01, f"{side}: {share:.1%} of the scores depend on candles before the warm-up"

    def test_the_price_level_does_not_matter(self) -> None:
        """The same market in another currency: a thousand times the price, and a millionth of it."""
        market = self._market()
        scores = self.feeder.score(market)

        for factor in (1000.0, 1e-6):
            scaled = market.copy()
            scaled[["open", "high", "low", "close"]] *= factor
            for side, other in self._sides(scaled):
                _assert_same(other, scores.side(side), SCALED, f"{side}: prices times {factor}")

    def test_the_candles_are_left_as_they_are(self) -> None:
        """The frame belongs to freqtrade, and to the other feeders."""
        market = self._market()
        untouched = market.copy(deep=True)

        self.feeder.score(market)

        pd.testing.assert_frame_equal(market, untouched)

    def test_asking_twice_gives_the_same_answer(self) -> None:
        """Nothing is remembered from one pair to the next."""
        market = self._market()
        first = self.feeder.score(market)
        self.feeder.score(self._market(start_price=3.0, drift_ratio=0.002))

        for side, again in self._sides(market):
            _assert_same(again, first.side(side), 0.0, f"{side}: after another pair")

    def test_a_market_that_stands_still_gives_no_confidence(self) -> None:
        """All prices equal, from the start or after a normal market: abstain, or 0."""
        candle_count = self.feeder.warmup_candles + SCORED_CANDLES
        still = candles_from_closes([100.0] * candle_count, spread_ratio=0.0)
        stopped = self._market()
        stopped_from = self.feeder.warmup_candles + 50
        last = stopped["close"].iloc[stopped_from - 1]
        stopped.loc[stopped_from:, ["open", "high", "low", "close"]] = last
        stopped.loc[stopped_from:, "volume"] = 0.0

        for side, scores in self._sides(still):
            _assert_no_confidence(scores, f"{side}: constant prices")
        for side, scores in self._sides(stopped):
            _assert_no_confidence(scores[stopped_from + 400 :], f"{side}: prices that stopped moving")

    def test_missing_volume_is_no_lasting_harm(self) -> None:
        """A burst of NaN: the feeder may abstain meanwhile, and has its opinion back afterwards."""
        market = self._market()
        holed = market.copy()
        first = self.feeder.warmup_candles + 20
        holed.loc[first : first + 9, "volume"] = np.nan
        whole = self.feeder.score(market)

        for side, scores in self._sides(holed):
            known = scores[~np.isnan(scores)]
            assert ((known >= 0.0) & (known <= 1.0)).all(), f"{side}: outside 0..1"
            _assert_same(scores[:first], whole.side(side)[:first], EXACT, f"{side}: before the hole")
            _assert_same(scores[-100:], whole.side(side)[-100:], EXACT, f"{side}: long after the hole")

    def _market(
        self, *, start_price: float = 100.0, sigma_ratio: float = 0.002, drift_ratio: float = 0.0
    ) -> pd.DataFrame:
        return random_walk_candles(
            np.random.default_rng(SEED),
            self.feeder.warmup_candles + SCORED_CANDLES,
            start_price=start_price,
            sigma_ratio=sigma_ratio,
            drift_ratio=drift_ratio,
        )

    def _sides(self, candles: pd.DataFrame) -> list[tuple[Side, FloatArray]]:
        scores = self.feeder.score(candles)
        return [(side, scores.side(side)) for side in Side]


def _assert_same(scores: FloatArray, expected: FloatArray, tolerance: float, case: str) -> None:
    np.testing.assert_allclose(scores, expected, rtol=0.0, atol=tolerance, equal_nan=True, err_msg=case)


def _assert_no_confidence(scores: FloatArray, case: str) -> None:
    confident = np.flatnonzero(np.nan_to_num(scores) > 0.0)
    if confident.size:
        raise AssertionError(f"{case}: confidence {scores[confident[0]]} at row {int(confident[0])}")
