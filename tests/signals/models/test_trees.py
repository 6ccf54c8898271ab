"""A model scored by us says what LightGBM says, bit for bit; half a model says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import ModelError
from freqfleet.signals.models.trees import read_trees

lightgbm = pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")


def trained(seed: int, *, leaves: int = 8, rounds: int = 12, holes: bool = True, rows: int = 1500):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(rows, 5)).astype(np.float32)
    features[:, 4] = np.round(features[:, 4])  # many ties, also at thresholds
    if holes:
        features[rng.random(features.shape) < 0.1] = np.nan
    noise = rng.normal(size=rows)
    won = np.nan_to_num(features[:, 0]) + np.isnan(features[:, 1]) * np.nan_to_num(features[:, 4]) > noise
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": leaves, "verbosity": -1, "num_threads": 1, "seed": seed},
        lightgbm.Dataset(features, label=won.astype(float)),
        rounds,
    )
    return booster, features


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), leaves=st.integers(2, 8), holes=st.booleans())
def test_scores_equal_those_of_lightgbm_bit_for_bit(seed, leaves, holes):
    booster, features = trained(seed, leaves=leaves, holes=holes)
    features[::50] = np.nan  # also where training has seen no hole

    trees = read_trees(booster.model_to_string(), label="model")

    expected = booster.predict(features, raw_score=True)
    np.testing.assert_array_equal(trees.raw_scores(features), expected)
    np.testing.assert_array_equal(trees.raw_scores(features[:20]), expected[:20])  # the way for few rows


def test_scores_of_many_rows_are_those_of_each_row():
    booster, features = trained(3)
    many = np.tile(features, (30, 1))  # more than one chunk

    scores = read_trees(booster.model_to_string(), label="model").raw_scores(many)

    np.testing.assert_array_equal(scores, np.tile(booster.predict(features, raw_score=True), 30))


def test_a_model_that_found_nothing_says_the_same_of_everybody():
    features = np.ones((400, 2), dtype=np.float32)
    won = np.arange(400) % 2
    booster = lightgbm.train(
        {"objective": "binary", "verbosity": -1, "num_threads": 1}, lightgbm.Dataset(features, label=won), 3
    )

    trees = read_trees(booster.model_to_string(), label="model")

    assert not trees.has_splits
    assert len(set(trees.raw_scores(features).tolist())) == 1


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_half_a_model_is_refused_by_its_name(share):
    text = trained(4)[0].model_to_string()
    body = text.partition("end of trees")[0]

    with pytest.raises(ModelError, match=r"drift-long\.txt"):
        read_trees(body[: int(share * len(body))], label="drift-long.txt")


def test_a_lost_tree_is_noticed():
    text = trained(5)[0].model_to_string()
    start, stop = text.index("\nTree=3\n"), text.index("\nTree=4\n")

    with pytest.raises(ModelError, match="holds 11 of 12 trees"):
        read_trees(text[:start] + text[stop:], label="model")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("objective=binary sigmoid:1", "objective=regression", "not a binary LightGBM model"),
        ("num_leaves=8", "num_leaves=9", "9 leaves, at most 8"),
        ("num_cat=0", "num_cat=1", "splits on a category"),
        ("threshold=", "thresholds=", "cannot be read"),
        ("left_child=", "left_child=1 ", "is not whole"),
    ],
)
def test_what_cannot_be_scored_is_refused(old, new, reason):
    text = trained(6)[0].model_to_string()

    with pytest.raises(ModelError, match=reason):
        read_trees(text.replace(old, new, 1), label="model")


def test_features_must_be_those_of_the_model():
    booster, features = trained(7)

    with pytest.raises(ModelError, match="reads 5 features, was given 4"):
        read_trees(booster.model_to_string(), label="model").raw_scores(features[:, :4])
