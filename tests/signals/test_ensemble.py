from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from freqfleet.domain.feeder_weights import FeederWeights
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError
from freqfleet.signals.ensemble import Ensemble, vote_correlations
from freqfleet.signals.feeder import Scores
from freqfleet.signals.feeders.registry import FEEDERS
from freqfleet.signals.tags import parse_tag
from freqfleet.testing.candle_frames import candles_from_closes, random_walk_candles


@dataclass
class Says:
    """A feeder that says what a test wants; None abstains."""

    name: str
    long: list[float | None]
    short: list[float | None]
    warmup_candles: int = 0

    def score(self, candles: pd.DataFrame) -> Scores:
        return Scores(long=np.array(self.long, dtype=float), short=np.array(self.short, dtype=float))


def columns_of(*feeders: Says, min_votes: int = 2) -> pd.DataFrame:
    candles = candles_from_closes([100.0] * len(feeders[0].long))
    return Ensemble(feeders, min_votes=min_votes).columns(candles)


# candle:          everybody  just enough  one short of it  nobody  half abstain
ALPHA = Says("alpha", [0.9, 0.5, 0.9, 0.0, 0.7], [0.0, 0.6, 0.0, 0.0, None])
BETA = Says("beta", [0.6, 0.7, 0.49, 0.1, 0.9], [0.0, 0.0, 0.0, 0.0, None])
GAMMA = Says("gamma", [0.6, 0.2, 0.2, 0.2, None], [0.0, 0.0, 0.5, 0.0, 0.2])


def test_votes_are_counted_per_side_over_those_who_do_not_abstain():
    columns = columns_of(ALPHA, BETA, GAMMA)

    assert columns["votes_long"].tolist() == [3, 2, 1, 0, 2]
    assert columns["voters_long"].tolist() == [3, 3, 3, 3, 2]
    assert columns["votes_short"].tolist() == [0, 1, 1, 0, 0]
    assert columns["voters_short"].tolist() == [3, 3, 3, 3, 1]


def test_the_confidence_is_the_mean_of_those_who_vote():
    confidence = columns_of(ALPHA, BETA, GAMMA)["confidence_long"]

    assert confidence[[0, 1, 2, 4]].tolist() == pytest.approx([0.7, 0.6, 0.9, 0.8])
    assert np.isnan(confidence[3])


def test_a_tag_stands_where_enough_agree():
    columns = columns_of(ALPHA, BETA, GAMMA)

    assert columns["tag_long"].tolist() == [
        "long ensemble 3/3 conf=0.7 from=alpha",
        "long ensemble 2/3 conf=0.6 from=beta",
        "",
        "",
        "long ensemble 2/2 conf=0.8 from=beta",
    ]
    assert columns["tag_short"].tolist() == [""] * 5


def test_a_tag_of_a_lower_bar_names_the_single_voter():
    tags = columns_of(ALPHA, BETA, GAMMA, min_votes=1)["tag_short"]

    assert tags.tolist() == [
        "",
        "short ensemble 1/3 conf=0.6 from=alpha",
        "short ensemble 1/3 conf=0.5 from=gamma",
        "",
        "",
    ]


def test_the_first_in_the_registry_speaks_where_two_are_equally_sure():
    first = Says("first", [0.8], [0.0])
    second = Says("second", [0.8], [0.0])

    assert columns_of(first, second)["tag_long"][0].endswith("from=first")
    assert columns_of(second, first)["tag_long"][0].endswith("from=second")


def test_the_scores_of_each_feeder_are_kept():
    columns = columns_of(ALPHA, BETA, GAMMA)

    assert columns["score_beta_long"].tolist() == pytest.approx([0.6, 0.7, 0.49, 0.1, 0.9])
    assert np.isnan(columns["score_gamma_long"][4])


def test_the_detail_of_a_candle_is_plain_values():
    ensemble = Ensemble((ALPHA, GAMMA), min_votes=1)
    columns = ensemble.columns(candles_from_closes([100.0] * 5))

    assert ensemble.detail(columns.iloc[-1]) == {
        "long": {"votes": 1, "voters": 1, "scores": {"alpha": 0.7, "gamma": None}},
        "short": {"votes": 0, "voters": 1, "scores": {"alpha": None, "gamma": 0.2}},
    }


def test_a_candle_that_was_judged_before_a_feeder_came_says_nothing_of_it():
    columns = Ensemble((ALPHA,), min_votes=1).columns(candles_from_closes([100.0] * 5))

    found = Ensemble((ALPHA, GAMMA), min_votes=1).detail(columns.iloc[-1])

    assert found["long"] == {"votes": 1, "voters": 1, "scores": {"alpha": 0.7}}


def test_columns_join_candles_of_any_index():
    market = random_walk_candles(np.random.default_rng(5), 700)
    market.index = range(1000, 1700)

    joined = market.join(Ensemble(FEEDERS, min_votes=2).columns(market))

    assert len(joined) == len(market)
    assert joined["votes_long"].notna().all()
    assert not joined.index.has_duplicates


@pytest.mark.parametrize("candle_count", [0, 1, 50])
def test_a_listing_of_today_has_no_votes_and_no_error(candle_count):
    columns = Ensemble(FEEDERS, min_votes=2).columns(candles_from_closes([100.0] * candle_count))

    assert len(columns) == candle_count
    assert (columns["voters_long"] == 0).all()
    assert (columns["tag_long"] == "").all()


def test_tags_and_votes_of_the_real_feeders_say_the_same():
    market = random_walk_candles(np.random.default_rng(6), 3000)

    columns = Ensemble(FEEDERS, min_votes=2).columns(market)

    for side in Side:
        tagged = columns[columns[f"tag_{side}"] != ""]
        assert len(tagged) > 20
        assert (columns.loc[columns[f"tag_{side}"] == "", f"votes_{side}"] < 2).all()
        for row in tagged.itertuples():
            tag = parse_tag(getattr(row, f"tag_{side}"))
            assert tag is not None
            assert (tag.side, tag.votes, tag.voters) == (
                side,
                getattr(row, f"votes_{side}"),
                getattr(row, f"voters_{side}"),
            )
            assert tag.confidence == pytest.approx(getattr(row, f"confidence_{side}"), abs=0.0501)


def test_no_column_knows_a_later_candle():
    market = random_walk_candles(np.random.default_rng(7), 1200)
    ensemble = Ensemble(FEEDERS, min_votes=2)
    whole = ensemble.columns(market)

    for cut in (433, 700, 1199):
        pd.testing.assert_frame_equal(ensemble.columns(market.iloc[:cut]), whole.iloc[:cut])


def test_broken_candles_are_refused_before_a_feeder_sees_them():
    candles = candles_from_closes([100.0, 0.0])

    with pytest.raises(MarketError, match=r"low must be above 0, was 0\.0 at row 1"):
        Ensemble(FEEDERS, min_votes=2).columns(candles)


def test_the_warm_up_is_that_of_the_slowest_feeder():
    slow = Says("slow", [0.0], [0.0], warmup_candles=300)
    fast = Says("fast", [0.0], [0.0], warmup_candles=20)

    assert Ensemble((fast, slow), min_votes=1).warmup_candles == 300


def test_weights_count_for_agreement_confidence_and_who_speaks():
    weights = FeederWeights(by_feeder={"alpha": 0.2, "beta": 2.0})
    columns = Ensemble((ALPHA, BETA, GAMMA), min_votes=2, weights=weights).columns(
        candles_from_closes([100.0] * 5)
    )

    assert columns["votes_long"].tolist() == [3, 2, 1, 0, 2]
    assert columns["weight_long"].tolist() == pytest.approx([3.2, 2.2, 0.2, 0.0, 2.2])
    assert columns["confidence_long"][0] == pytest.approx((0.2 * 0.9 + 2.0 * 0.6 + 0.6) / 3.2)
    assert columns["tag_long"][0] == "long ensemble 3/3 conf=0.6 from=beta"


def test_equal_weights_are_the_count():
    columns = columns_of(ALPHA, BETA, GAMMA)

    assert columns["weight_long"].tolist() == columns["votes_long"].tolist()


def test_a_silenced_feeder_makes_no_agreement_of_its_own():
    weights = FeederWeights(by_feeder={"alpha": 0.0})

    tags = Ensemble((ALPHA,), min_votes=1, weights=weights).columns(candles_from_closes([100.0] * 5))

    assert (tags["tag_long"] == "").all()


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_weight_that_cannot_be_is_refused(weight):
    with pytest.raises(InputError, match="the weight of feeder alpha must be 0 or above"):
        FeederWeights(by_feeder={"alpha": weight})


def test_correlations_tell_who_repeats_whom():
    rising = [0.1, 0.2, 0.3, 0.4, 0.5]
    one, same = Says("one", rising, rising), Says("same", [v + 0.1 for v in rising], rising)
    against = Says("against", rising[::-1], rising)

    table = vote_correlations(columns_of(one, same, against), ["one", "same", "against"], Side.LONG)

    assert table.loc["one", "same"] == pytest.approx(1.0)
    assert table.loc["one", "against"] == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("feeders", "min_votes", "message"),
    [
        ((), 1, "at least one feeder"),
        ((ALPHA, ALPHA), 1, "two feeders are called 'alpha'"),
        ((ALPHA, BETA), 3, r"1\.\.2, the number of feeders, was 3; set \[runtime\] min_votes"),
        ((ALPHA, BETA), 0, r"was 0"),
    ],
)
def test_an_ensemble_that_cannot_vote_is_refused(feeders, min_votes, message):
    with pytest.raises(InputError, match=message):
        Ensemble(feeders, min_votes=min_votes)
