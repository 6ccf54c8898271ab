"""The feature table: point in time, scale-free, the same for whoever asks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import MarketError
from freqfleet.market.features.table import (
    FAMILIES,
    FEATURE_NAMES,
    WARMUP_CANDLES,
    feature_indices,
    feature_table,
)
from freqfleet.testing.candle_frames import (
    candles_from_closes,
    random_walk_candles,
    with_made_up_context,
)

CANDLES = WARMUP_CANDLES + 400


def market(seed: int, candle_count: int = CANDLES, **shape: float):
    rng = np.random.default_rng(seed)
    return with_made_up_context(random_walk_candles(rng, candle_count, **shape), rng)


def differing(one, other) -> list[str]:
    same = np.isclose(one, other, rtol=0.0, atol=0.0, equal_nan=True).all(axis=0)
    return [name for name, equal in zip(FEATURE_NAMES, same, strict=True) if not equal]


def test_every_name_is_written_once_and_belongs_to_a_family():
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert sum(len(family.NAMES) for family in FAMILIES) == len(FEATURE_NAMES)


def test_the_table_has_one_float32_column_for_each_name():
    table = feature_table(market(1))

    assert table.shape == (CANDLES, len(FEATURE_NAMES))
    assert table.dtype == np.float32
    assert not np.isinf(table).any()


def test_a_normal_market_with_its_context_has_values_everywhere_after_the_warm_up():
    table = feature_table(market(2))

    assert np.isnan(table[:WARMUP_CANDLES]).all()
    known = ~np.isnan(table[WARMUP_CANDLES:]).all(axis=0)
    assert [name for name, some in zip(FEATURE_NAMES, known, strict=True) if not some] == []


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    cut=st.integers(WARMUP_CANDLES + 1, CANDLES - 1),
    drift_ratio=st.sampled_from([-0.001, 0.0, 0.001]),
)
def test_no_feature_changes_when_later_candles_are_added(seed, cut, drift_ratio):
    whole = market(seed, drift_ratio=drift_ratio)

    before, after = feature_table(whole.iloc[:cut]), feature_table(whole)[:cut]

    assert differing(before, after) == []


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([0.1, 0.5, 3.0]))
def test_no_feature_changes_when_the_future_is_wild(seed, factor):
    calm = market(seed)
    wild, crash = calm.copy(), CANDLES - 60
    wild.loc[crash:, ["open", "high", "low", "close", "leader_close"]] *= factor
    wild.loc[crash:, ["volume", "leader_volume", "funding_rate", "basis_ratio"]] *= 100.0

    assert differing(feature_table(calm)[:crash], feature_table(wild)[:crash]) == []


def test_no_feature_knows_the_price_level_or_the_unit_of_volume():
    one = market(3)
    scaled = one.copy()
    scaled[["open", "high", "low", "close"]] *= 1e-6
    scaled[["volume", "leader_volume"]] *= 1e3
    scaled["leader_close"] *= 50.0
    table, other = feature_table(one), feature_table(scaled)
    # log1p(volume) of the leader is the one place where a unit is not quite forgotten
    close = np.isclose(table, other, rtol=1e-3, atol=2e-3, equal_nan=True).mean(axis=0)

    assert [name for name, share in zip(FEATURE_NAMES, close, strict=True) if share < 0.99] == []


def test_history_before_the_warm_up_is_forgotten():
    whole = market(4)
    late = whole.iloc[250:].reset_index(drop=True)

    early, started_late = feature_table(whole)[250 + WARMUP_CANDLES :], feature_table(late)[WARMUP_CANDLES:]

    spread = np.nanstd(early, axis=0)
    drift = np.nanmax(np.abs(early - started_late), axis=0) / np.maximum(spread, 1e-6)
    assert [(n, float(d)) for n, d in zip(FEATURE_NAMES, drift, strict=True) if d > 0.02] == []
    assert (np.isnan(early) == np.isnan(started_late)).all()


@pytest.mark.parametrize("candle_count", [0, 1, 2, 576, WARMUP_CANDLES])
def test_two_days_of_history_are_too_few(candle_count):
    table = feature_table(market(5).iloc[:candle_count])

    assert table.shape == (candle_count, len(FEATURE_NAMES))
    assert np.isnan(table).all()


def test_a_market_that_stands_still_has_no_features():
    table = feature_table(candles_from_closes([100.0] * CANDLES, spread_ratio=0.0))

    assert np.isnan(table).all()


def test_without_context_only_what_needs_it_is_missing():
    table = feature_table(random_walk_candles(np.random.default_rng(6), CANDLES))

    empty = np.isnan(table[WARMUP_CANDLES:]).all(axis=0)
    missing = {name.partition("_")[0] for name, nothing in zip(FEATURE_NAMES, empty, strict=True) if nothing}
    assert missing == {"leader", "funding", "basis"}


def test_a_burst_of_missing_volume_is_over_when_it_has_left_the_windows():
    whole = market(7, CANDLES + 100)
    holed = whole.copy()
    holed.loc[610:619, "volume"] = np.nan

    table, other = feature_table(whole), feature_table(holed)

    assert np.isnan(other[615, feature_indices(["volume_z_20"])]).all()
    np.testing.assert_allclose(other[-50:], table[-50:], rtol=1e-4, atol=1e-4, equal_nan=True)


def test_the_frame_is_left_as_it_is():
    candles = market(8)
    untouched = candles.copy(deep=True)

    feature_table(candles)

    assert candles.equals(untouched)


def test_a_name_that_no_family_defines_is_refused():
    with pytest.raises(MarketError, match="no feature is called 'trend_emma_12'"):
        feature_indices(["trend_emma_12"])
