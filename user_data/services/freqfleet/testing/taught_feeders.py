"""Learned feeders with models of their own, taught within a second on made-up markets.

What they were taught is noise: they show how a feeder behaves, never whether it earns. Needs LightGBM.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.boosting import Rows, boost, library_versions
from freqfleet.learning.feeder_training.calibration import calibrate
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.samples import Samples, gather_samples
from freqfleet.learning.feeder_training.versions import TrainedFeeder, write_version
from freqfleet.market.features.cache import FeatureMemory
from freqfleet.market.features.source import PairFeatures
from freqfleet.market.features.table import feature_code_hash, feature_table
from freqfleet.market.series import PRICE_COLUMNS, Candles
from freqfleet.signals.feeder import Scores
from freqfleet.signals.learned import LearnedFeeder
from freqfleet.signals.models.bank import FeederBank
from freqfleet.signals.models.certificate import Certificate, HeadCertificate
from freqfleet.signals.models.trees import read_trees
from freqfleet.signals.recipes import Recipe
from freqfleet.testing.candle_frames import (
    START,
    random_walk_candles,
    with_made_up_context,
)
from freqfleet.testing.feeder_contract import FeederContract

AGELESS = timedelta(days=10_000)
PLAN = TrainingPlan(window=timedelta(days=30), folds=2, min_rows=200, rounds=12, patience=4)
_CANDLES = 2500


def made_up_market(seed: int, pair: str, candle_count: int = _CANDLES) -> PairFeatures:
    """Return a random market with its context and features; 5m candles from `START` on."""
    rng = np.random.default_rng(seed)
    frame = with_made_up_context(random_walk_candles(rng, candle_count, sigma_ratio=0.003), rng)
    columns = {name: frame[name].to_numpy(dtype=np.float64).copy() for name in (*PRICE_COLUMNS, "volume")}
    candles = Candles(
        pair=pair,
        timeframe_ms=300_000,
        time_ms=frame["date"].to_numpy("datetime64[ms]").astype(np.int64),
        **columns,
    )
    return PairFeatures(candles=candles, features=feature_table(frame))


def teach(
    bank: Path,
    recipes: Sequence[Recipe],
    *,
    valid_from: datetime = START,
    created_at: datetime = START,
    seed: int = 7,
) -> Path:
    """Write a version with these feeders below `bank` and return its folder."""
    markets = [
        made_up_market(seed + number, f"{coin}/USDT:USDT") for number, coin in enumerate(("AAA", "BBB"))
    ]
    until = START + timedelta(days=30)
    trained = [
        _taught(recipe, gather_samples(recipe, markets, PLAN, until), valid_from, created_at)
        for recipe in recipes
    ]
    return write_version(bank, trained)


def _taught(recipe: Recipe, samples: Samples, valid_from: datetime, created_at: datetime) -> TrainedFeeder:
    heads, models = {}, {}
    for side in Side:
        one = samples.sides[side]
        rows = Rows(features=samples.features, won=one.won, weight=one.weight)
        models[side], trees = boost(rows, recipe.features, PLAN, rounds=PLAN.rounds)
        heads[side] = _head(models[side], rows, trees)
    certificate = Certificate(
        feeder=recipe.name,
        valid_from=valid_from,
        created_at=created_at,
        train_from=START,
        train_to=START + timedelta(days=30),
        embargo_hours=24.0,
        features=recipe.features,
        feature_code=feature_code_hash(),
        label={**recipe.barrier.to_dict(), "cost_ratio": PLAN.cost_ratio},
        min_atr_ratio=PLAN.min_atr_ratio(recipe.barrier),
        pairs=samples.pairs,
        skipped_pairs=samples.skipped,
        rows=len(samples),
        stride_candles=PLAN.stride(recipe.barrier),
        seed=PLAN.seed,
        data_hash="made up",
        libraries=library_versions(),
        heads=heads,
    )
    return TrainedFeeder(certificate=certificate, models=models)


def _head(model: str, rows: Rows, trees: int) -> HeadCertificate:
    raw = read_trees(model, label="taught").raw_scores(rows.features)
    found = calibrate(raw, rows.won, rows.weight, PLAN.vote_share)  # in sample: never backwards
    assert not isinstance(found, str), found
    return HeadCertificate(
        file=None,
        sha256=None,
        abstains=None,
        slope=found.slope,
        intercept=found.intercept,
        base_probability=found.base_probability,
        vote_probability=found.vote_probability,
        metrics={"trees": trees},
    )


class TaughtFeeder:
    """A recipe with a model, taught when it is first asked; keeps its files as long as it lives."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self._folder = tempfile.TemporaryDirectory(prefix="freqfleet-taught-")

    @cached_property
    def learned(self) -> LearnedFeeder:
        """The feeder itself."""
        bank = Path(self._folder.name)
        teach(bank, [self.recipe])
        return LearnedFeeder(self.recipe, FeederBank(bank, max_age=AGELESS), features=FeatureMemory(frames=1))

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    @property
    def warmup_candles(self) -> int:
        """The recipe's warm-up."""
        return self.recipe.warmup_candles

    def score(self, candles: pd.DataFrame) -> Scores:
        """Return what the taught model says."""
        return self.learned.score(candles)


class LearnedFeederContract(FeederContract):
    """FeederContract on markets with a leader, funding rates and a basis; set `feeder` as there."""

    feeder: TaughtFeeder

    def _market(
        self, *, start_price: float = 100.0, sigma_ratio: float = 0.002, drift_ratio: float = 0.0
    ) -> pd.DataFrame:
        market = super()._market(start_price=start_price, sigma_ratio=sigma_ratio, drift_ratio=drift_ratio)
        return with_made_up_context(market, np.random.default_rng(1))
