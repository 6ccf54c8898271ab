"""Pricing: samples that share one pass over the candles come to what each comes to alone, to the last bit."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.pricing import OwnPricing, SharedTables
from freqfleet.learning.sample import PairMarket, Sample, SampleRules, draw_sample, draw_together
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.settings import LatticeSettings, OptimizerSettings
from freqfleet.validation.holdout import Holdout, Undivided
from replaycases import after, trades_on, waves

PEAKS = np.random.default_rng(2).normal(0.05, 0.03, 30).clip(0.002, 0.15)
CANDLES, _ = waves(PEAKS)
MARKET = PairMarket(candles=CANDLES, funding=None)
END = after(5 * len(CANDLES))
LIMITS = (60, 240)
COSTS = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True)
INCUMBENT = ExitParameters(stop_loss=-0.03, take_profit=0.05, time_limit_minutes=240)
FALLBACK = ExitParameters(stop_loss=-0.02, take_profit=0.03, time_limit_minutes=60)
STEPS = LatticeSettings(stop_losses=4, take_profits=5, volatility_scalings=1)
RULES = SampleRules(
    side=Side.SHORT,
    horizon_minutes=max(LIMITS),
    as_of=END,
    bot_weights={"BOT1": 1.0, "BOT3": 3.0},
    mode="share",
    splitter=Undivided(),
)


def groups():
    """Return three groups of trades of one pair and side; nobody can replay the last one of the first."""
    made = [trades_on(CANDLES, count, seed, side=Side.SHORT) for count, seed in ((40, 1), (25, 2), (1, 3))]
    made = [
        [
            replace(one, trade_id=1000 * at + one.trade_id, bot=("BOT1", "BOT3")[one.trade_id % 2])
            for one in own
        ]
        for at, own in enumerate(made)
    ]
    made[0].append(replace(made[0][0], trade_id=999, opened_at=after(-60), closed_at=after(-30)))
    every = TradeColumns.of([one for own in made for one in own])
    sizes = np.cumsum([0, *map(len, made)])
    return [every.subset(slice(*ends)) for ends in pairwise(sizes)]


def told(sample: Sample) -> dict[str, object]:
    return {
        **{name: getattr(sample, name) for name in ("offered", "effective", "dropped", "purged")},
        "trades": sample.trades.identities(),
        "learned_until": sample.learned_until,
        "detailed": sample.detailed,
        "hash": sample.data_hash,
        "weights": sample.whole.weights.tolist(),
    }


def test_samples_that_are_drawn_together_are_those_that_are_drawn_alone():
    together = draw_together(groups(), MARKET, RULES)

    alone = [draw_sample(own, MARKET, RULES) for own in groups()]
    assert [told(one) for _, one in together.samples] == [told(one) for one in alone]
    assert [first for first, _ in together.samples] == [0, 40, 65]
    assert together.samples[0][1].dropped == {"outside_candles": 1}
    assert len(together.paths) == 66


def test_a_group_without_trades_is_an_empty_sample():
    together = draw_together([groups()[0].subset(slice(0)), groups()[1]], MARKET, RULES)

    (first, empty), (second, some) = together.samples
    assert (first, len(empty.trades), empty.learned_until) == (0, 0, None)
    assert (second, len(some.trades)) == (0, 25)


def test_what_is_set_aside_is_set_aside_within_each_sample():
    rules = replace(RULES, splitter=Holdout(0.7))

    together = draw_together(groups(), MARKET, rules)

    for (_, one), own in zip(together.samples, groups(), strict=True):
        alone = draw_sample(own, MARKET, rules)
        assert one.train.rows.tolist() == alone.train.rows.tolist()
        assert one.test.rows.tolist() == alone.test.rows.tolist()
        assert one.train.weights.tolist() == alone.train.weights.tolist()


@pytest.mark.parametrize("scaling", [(0.0, 1.0), (0.5, 1.0)])
def test_shared_tables_price_as_each_sample_alone(scaling: tuple[float, float]):
    optimizer = OptimizerSettings(time_limit_minutes=LIMITS, volatility_scaling=scaling)
    lattice = Lattice(optimizer, STEPS)
    together = draw_together(groups(), MARKET, RULES)
    tables = SharedTables(lattice=lattice, costs=COSTS, engine=NumpyEngine(together.paths))

    assert lattice.scales is (scaling[0] > 0.0)
    for first, sample in together.samples:
        rows = np.arange(0, len(sample.trades), 2)  # as where another bot made the same entries
        reference = float(np.median(sample.whole.paths.atr_ratio[rows]))
        engine = NumpyEngine(sample.whole.paths)
        own = OwnPricing(lattice=lattice, costs=COSTS, engine=engine, replay=engine.exits)
        mine = tables.of(first).priced(rows, INCUMBENT, FALLBACK, reference)
        alone = own.priced(rows, INCUMBENT, FALLBACK, reference)
        for found, expected in zip((*mine[1:-1], *mine.beside), (*alone[1:-1], *alone.beside), strict=True):
            np.testing.assert_array_equal(found, expected)
        for one in fields(alone.events):
            if one.name != "axes":
                np.testing.assert_array_equal(getattr(mine.events, one.name), getattr(alone.events, one.name))


def test_what_a_caller_does_to_its_tables_is_not_seen_by_the_next():
    lattice = Lattice(OptimizerSettings(time_limit_minutes=LIMITS), STEPS)
    together = draw_together(groups(), MARKET, RULES)
    pricing = SharedTables(lattice=lattice, costs=COSTS, engine=NumpyEngine(together.paths)).of(0)
    rows = np.arange(40)
    before = pricing.priced(rows, INCUMBENT, FALLBACK, None)
    kept = before.profit.copy()

    before.profit[:] = 7.0

    np.testing.assert_array_equal(pricing.priced(rows, INCUMBENT, FALLBACK, None).profit, kept)
