"""FeederTrainer: candles and recipes in, one version of the bank out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from freqfleet.clock import Clock, from_ms, to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError
from freqfleet.learning.feeder_training.baselines import RuleScores
from freqfleet.learning.feeder_training.boosting import library_versions
from freqfleet.learning.feeder_training.heads import FittedHead, fit_head
from freqfleet.learning.feeder_training.judgement import judge
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.samples import Samples, gather_samples
from freqfleet.learning.feeder_training.versions import TrainedFeeder
from freqfleet.market.features.source import FeatureSource, PairFeatures
from freqfleet.market.features.table import feature_code_hash
from freqfleet.signals.feeder import Feeder
from freqfleet.signals.models.certificate import Certificate, HeadCertificate
from freqfleet.signals.recipes import Recipe

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeederFit:
    """Everything one feeder's training gave; the report looks at what the certificate leaves out."""

    recipe: Recipe
    samples: Samples
    heads: dict[Side, FittedHead]
    trained: TrainedFeeder


class FeederTrainer:
    """Trains versions on one set of pairs.

    rules : the baselines. clock : says when a version was made.
    skipped : pairs whose candles cannot be used, with the reason.
    Raises InputError where no pair can be read.
    """

    def __init__(
        self,
        source: FeatureSource,
        *,
        recipes: Sequence[Recipe],
        rules: Sequence[Feeder],
        plan: TrainingPlan,
        clock: Clock,
        pairs: Sequence[str] | None = None,
        until: datetime | None = None,
        tell: Told = lambda _: None,
    ) -> None:
        if not recipes:
            raise InputError("no feeder to train; signals/feeders/ holds no recipe that was asked for")
        self.plan = plan
        self.skipped: dict[str, str] = {}
        self._recipes = tuple(recipes)
        self._clock = clock
        self._markets: list[PairFeatures] = []
        for pair in source.pairs(pairs):
            tell(pair)
            try:
                until_ms = None if until is None else to_ms(until)
                self._markets.append(source.load(pair, until_ms=until_ms))
            except MarketError as error:
                self.skipped[pair] = str(error)
        if not self._markets:
            raise InputError(
                f"no pair can be read ({next(iter(self.skipped.values()), 'none was asked for')})"
            )
        self._rules = RuleScores(rules, self._markets)

    @property
    def pairs(self) -> tuple[str, ...]:
        """The pairs that are learned from."""
        return tuple(market.candles.pair for market in self._markets)

    def last_close(self) -> datetime:
        """Return when the newest candle of all pairs closed."""
        return from_ms(
            max(
                int(one.candles.time_ms[-1]) + one.candles.timeframe_ms
                for one in self._markets
                if len(one.candles)
            )
        )

    def fit(self, until: datetime) -> Iterator[FeederFit]:
        """Yield each feeder, trained on what was known at `until`; nothing is written.

        Raises InputError where a feeder has no row at all and no other one has either: a feeder whose
        input is missing abstains in its version, for example without funding.
        """
        created_at = self._clock.now().replace(microsecond=0)
        data_hash = self._data_hash(until)
        failed: list[str] = []
        for recipe in self._recipes:
            try:
                samples = gather_samples(recipe, self._markets, self.plan, until)
            except InputError as error:
                failed.append(str(error))
                continue
            heads = {side: fit_head(samples, side, recipe.features, self.plan) for side in Side}
            certificate = self._certificate(recipe, samples, heads, until, created_at, data_hash)
            models = {side: head.model for side, head in heads.items() if head.model is not None}
            yield FeederFit(
                recipe=recipe,
                samples=samples,
                heads=heads,
                trained=TrainedFeeder(certificate=certificate, models=models),
            )
        if len(failed) == len(self._recipes):
            raise InputError(failed[0])

    def _certificate(
        self,
        recipe: Recipe,
        samples: Samples,
        heads: dict[Side, FittedHead],
        until: datetime,
        created_at: datetime,
        data_hash: str,
    ) -> Certificate:
        return Certificate(
            feeder=recipe.name,
            valid_from=until,
            created_at=created_at,
            train_from=from_ms(int(samples.time_ms[0])),
            train_to=from_ms(int(samples.time_ms[-1])),
            embargo_hours=self.plan.embargo / timedelta(hours=1),
            features=recipe.features,
            feature_code=feature_code_hash(),
            label={**recipe.barrier.to_dict(), "cost_ratio": self.plan.cost_ratio},
            min_atr_ratio=self.plan.min_atr_ratio(recipe.barrier),
            pairs=samples.pairs,
            skipped_pairs={**self.skipped, **samples.skipped},
            rows=len(samples),
            stride_candles=self.plan.stride(recipe.barrier),
            seed=self.plan.seed,
            data_hash=data_hash,
            libraries=library_versions(),
            heads={side: self._head(samples, side, head) for side, head in heads.items()},
        )

    def _head(self, samples: Samples, side: Side, head: FittedHead) -> HeadCertificate:
        scored, calibration = head.out_of_fold, head.calibration
        metrics = {} if scored is None else judge(samples, side, scored, self._rules, seed=self.plan.seed)
        return HeadCertificate(
            file=None,
            sha256=None,
            abstains=head.abstains,
            slope=0.0 if calibration is None else calibration.slope,
            intercept=0.0 if calibration is None else calibration.intercept,
            base_probability=0.0 if calibration is None else calibration.base_probability,
            vote_probability=0.0 if calibration is None else calibration.vote_probability,
            metrics={**metrics, "trees": head.trees},
        )

    def _data_hash(self, until: datetime) -> str:
        """Return a hash of the candles in the window, of every pair."""
        digest = hashlib.blake2b(digest_size=16)
        begins_ms = to_ms(until - self.plan.window)
        for market in self._markets:
            candles = market.candles
            rows = slice(*np.searchsorted(candles.time_ms, (begins_ms, to_ms(until))).tolist())
            digest.update(candles.pair.encode())
            for name in ("time_ms", "open", "high", "low", "close", "volume"):
                digest.update(np.ascontiguousarray(getattr(candles, name)[rows]).tobytes())
        return digest.hexdigest()


def history_moments(first: datetime, last: datetime, every: timedelta) -> list[datetime]:
    """Return when versions begin: `first`, then every so often, to `last`; raises InputError for none."""
    if every <= timedelta(0) or last < first:
        raise InputError(f"--to {last} must not be before --from {first}, and --every must be above 0")
    count = (last - first) // every
    return [first + number * every for number in range(count + 1)]
