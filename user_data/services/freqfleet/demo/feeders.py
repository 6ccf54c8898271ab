"""The demo's feeder bank: small, trained on what was known at the split, so that the test is a test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from freqfleet.clock import FixedClock
from freqfleet.demo.market import DemoMarket
from freqfleet.errors import FreqfleetError
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.standing import Standing, standings
from freqfleet.learning.feeder_training.trainer import FeederTrainer
from freqfleet.learning.feeder_training.versions import write_version
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.source import FeatureSource
from freqfleet.settings import Settings
from freqfleet.signals.feeders.registry import FEEDERS
from freqfleet.wiring import chosen_recipes, feeder_bank

# A demo shows how it works: two folds and few trees, and little room for a claim.
PLAN = TrainingPlan(folds=2, rounds=40, patience=8, min_rows=500, embargo=timedelta(hours=12))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedersTrained:
    """What became of the training. trained : feeders with a model. words : for the report."""

    trained: int
    words: str


def train_feeders(market: DemoMarket, settings: Settings) -> FeedersTrained:
    """Train a version that is valid from the split on, into the bank of `settings`.

    Candles after the split are not read. A bank that cannot be made is no error of the demo: the reason
    is in `words`, and the rules vote.
    """
    costs = settings.costs
    plan = replace(PLAN, cost_ratio=2.0 * (costs.fee + costs.slippage), seed=settings.feeders.seed)
    try:
        trainer = FeederTrainer(
            FeatureSource(CandleFiles(market.datadir)),
            recipes=chosen_recipes(settings),
            rules=FEEDERS,
            plan=plan,
            clock=FixedClock(market.split_at),
            pairs=market.pairs,
            until=market.split_at,
        )
        trained = [fit.trained for fit in trainer.fit(market.split_at)]
        write_version(feeder_bank(settings).folder, trained)
    except FreqfleetError as error:
        return FeedersTrained(trained=0, words=f"No feeder was trained, the rules vote: {error}")
    speaking = sum(bool(one.models) for one in trained)
    ranked = standings(one.certificate for one in trained)
    return FeedersTrained(trained=speaking, words=_words(speaking, ranked))


def _words(speaking: int, ranked: list[Standing]) -> str:
    heads = [(one, head) for one in ranked for head in one.heads]
    informed = sum(head.auc.low > 0.5 for _, head in heads)
    paying = [f"{one.certificate.feeder} {head.side}" for one, head in heads if head.pays]
    edge = f"{', '.join(paying)} earned more than the costs" if paying else "none earned more than its costs"
    return (
        f"{speaking} feeders were trained on the candles before the split. Out of fold, {informed} of "
        f"{len(heads)} heads ranked candles better than chance, and {edge}, with 95 % confidence. BOT3 "
        "traded the test once more with them in the place of the rules, on the learned exits."
    )
