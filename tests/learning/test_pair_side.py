"""What a pair side is decided by has the bits of the plain way: each part replayed on candles of its own.

The learner replays all trades of a pair side at once and picks out of that what belongs to a part.
"""

from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.learning.gate_plan import GatePlan, gate_plan
from freqfleet.learning.grid import ExactGrid
from freqfleet.learning.grid_search import grid_steps
from freqfleet.learning.pair_side import Finding, PairSideLearner
from freqfleet.learning.sample import PairMarket, Part, Sample, SampleRules, draw_sample
from freqfleet.learning.search_space import SearchSpace
from freqfleet.market.leverage_tiers import LeverageTier
from freqfleet.market.series import Candles
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters.book import ParameterBook
from freqfleet.replay.costs import Costs
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.replay.managed_numpy import ManagedNumpyEngine
from freqfleet.replay.metrics import score, weighted_mean
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import TradePaths
from freqfleet.replay.surface import Cell
from freqfleet.settings import GridSettings, OptimizerSettings, Settings
from freqfleet.validation.duplicates import kept_entries
from freqfleet.validation.gate import HeldOut, Ruling
from freqfleet.validation.holdout import Holdout
from replaycases import BTC, after, funding_of, random_walk, trades_on

AS_OF = after(5 * 9000)
COSTS = Costs(fee_ratio=0.0005, slippage_ratio=0.0002, funding=True)
WEIGHTS = {"BOT1": 1.0, "BOT2": 1.0, "BOT3": 2.0}
IN_FORCE = ExitParameters(stop_loss=-0.013, take_profit=0.017, time_limit_minutes=180)
FOLLOWS = ManagedExits(**IN_FORCE.to_dict(), giveback_ratio=0.3, giveback_activation_ratio=0.005)
SETTINGS = Settings(
    optimizer=OptimizerSettings(
        min_trades=60,
        time_limit_minutes=(60, 240),
        trials=100,
        grid=GridSettings(stop_losses=12, take_profits=11, volatility_scalings=3, time_limits=2),
    )
)
# Positions of fortyfold leverage are liquidated before their stop.
TIERS = (LeverageTier(notional_from_quote=0.0, maintenance_ratio=0.012, maintenance_amount_quote=0.0),)


class PublishesAll:
    """A gate without a bar, so that the decision shows what was found."""

    def judge(self, held_out: HeldOut) -> Ruling:
        return Ruling(True, "")


def wild_candles() -> Candles:
    """A random walk, every hundredth candle of which runs through stop and target alike."""
    calm = random_walk(9000, seed=5)
    high, low = calm.high.copy(), calm.low.copy()
    high[::100] *= 1.12
    low[::100] *= 0.88
    return replace(calm, high=high, low=low)


def fleet_trades(side: Side) -> TradeColumns:
    """120 entries of one bot, and 20 of them again by another one a minute later."""
    first = [
        replace(one, leverage=(1.0, 3.0, 40.0)[number % 3], bot="BOT1" if side is Side.LONG else "BOT2")
        for number, one in enumerate(trades_on(wild_candles(), 120, seed=9, side=side))
    ]
    minute = timedelta(minutes=1)
    again = [
        replace(one, bot="BOT3", trade_id=one.trade_id + 1000, opened_at=one.opened_at + minute)
        for one in first[::6]
    ]
    return TradeColumns.of(sorted([*first, *again], key=lambda one: (one.closed_at, one.trade_id)))


def market() -> PairMarket:
    every_eight_hours = list(range(0, 5 * 9000, 480))
    rates = np.random.default_rng(2).normal(0.0, 0.0004, len(every_eight_hours)).tolist()
    return PairMarket(candles=wild_candles(), funding=funding_of(every_eight_hours, rates), tiers=TIERS)


def learner(search: str, plan: GatePlan | None = None) -> PairSideLearner:
    return PairSideLearner(
        settings=SETTINGS.optimizer,
        costs=COSTS,
        bot_weights=WEIGHTS,
        search=search,
        as_of=AS_OF,
        splitter=Holdout(0.7),
        gate=PublishesAll(),
        nomination=None if plan is None else plan.nomination(COSTS),
    )


def plan_for(trades: TradeColumns, search: str) -> GatePlan:
    entered = trades.opened_ms
    plan = gate_plan(
        SETTINGS, search=search, entries_ms=(int(entered.min()), int(entered.max())), longest_minutes=240
    )
    assert plan is not None
    assert plan.refusal is None
    return plan


def decided(
    side: Side, search: str, plan: GatePlan | None = None, defaults: ExitParameters = IN_FORCE
) -> Finding:
    in_force = ParameterBook([], defaults=defaults, as_of=AS_OF).resolve(BTC, side, 3.0, AS_OF)
    return learner(search, plan).decide(side, fleet_trades(side), market(), in_force)


def sample_of(side: Side, *, with_trend: bool = False) -> Sample:
    rules = SampleRules(
        side=side,
        horizon_minutes=240,
        as_of=AS_OF,
        bot_weights=WEIGHTS,
        mode="share",
        splitter=Holdout(0.7),
        with_trend=with_trend,
    )
    return draw_sample(fleet_trades(side), market(), rules)


def plain_profits(paths: TradePaths, exits: ExitParameters) -> np.ndarray:
    return COSTS.net_profit_ratio(NumpyEngine(paths).exits([exits]), paths)[0]


def plain_mean(part: Part, exits: ExitParameters) -> float:
    return float(weighted_mean(plain_profits(part.paths, exits), part.weights))


def plain_best(sample: Sample) -> tuple[float, ExitParameters]:
    """Return the first of the best points of the plain grid on the training part."""
    space = SearchSpace.of(SETTINGS.optimizer, sample.median_atr_ratio)
    grid = ExactGrid.of(space, grid_steps(2, SETTINGS.optimizer.trials))
    scalings, limits, stops, targets = grid.axes.shape
    points = [
        grid.axes.parameters(Cell(scaling, limit, stop, target))
        for limit in range(limits)
        for stop in range(stops)
        for target in range(targets)
        if grid.allowed[stop, target]
        for scaling in range(scalings)
    ]
    means = [plain_mean(sample.train, one) for one in points]
    return max(means), points[int(np.argmax(means))]


@pytest.mark.parametrize("side", list(Side))
def test_a_plain_grid_finds_what_replaying_its_points_one_by_one_finds(side):
    sample = sample_of(side)
    value, best = plain_best(sample)

    evidence = decided(side, "grid").decision.evidence

    assert evidence.train_profit == value
    assert evidence.test_profit == plain_mean(sample.test, best)
    assert evidence.incumbent_test_profit == plain_mean(sample.test, IN_FORCE)


@pytest.mark.parametrize("search", ["grid", "exact"])
@pytest.mark.parametrize("side", list(Side))
def test_the_evidence_is_that_of_each_part_replayed_by_itself(side, search):
    found = decided(side, search)
    best = found.decision.parameters
    assert best != IN_FORCE
    sample = sample_of(side)
    exits = {part: NumpyEngine(part.paths).exits([best]) for part in (sample.train, sample.test)}
    held_out = score(
        plain_profits(sample.test.paths, best),
        sample.test.weights,
        optimistic_profits=COSTS.optimistic_profit_ratio(exits[sample.test], sample.test.paths)[0],
    )

    evidence = found.decision.evidence

    assert evidence.train_profit == plain_mean(sample.train, best)
    assert evidence.test_profit == held_out.mean_profit
    assert evidence.win_rate == held_out.win_rate
    assert evidence.profit_factor == held_out.profit_factor
    assert evidence.sharpe_per_trade == held_out.sharpe_per_trade
    assert evidence.optimistic_test_profit == held_out.optimistic_mean_profit
    ambiguous = [int(one.ambiguous.sum()) for one in exits.values()]
    assert evidence.ambiguous_trades == sum(ambiguous)
    assert min(ambiguous) > 0


@pytest.mark.parametrize("search", ["grid", "exact"])
@pytest.mark.parametrize("side", list(Side))
def test_a_candidacy_is_that_of_its_own_trades_without_the_duplicates(side, search):
    sample = sample_of(side)
    plan = plan_for(fleet_trades(side), search)
    bots = sample.trades.bot_names()
    kept = np.flatnonzero(kept_entries(sample.whole.paths.entered_ms, sample.whole.weights, bots))
    own = sample.whole.paths.subset(kept)
    reference = float(np.median(own.atr_ratio[np.isfinite(own.atr_ratio)]))
    (events,) = plan.lattice.events(NumpyEngine(own), [COSTS], reference)

    candidacy = decided(side, search, plan).candidacy

    assert candidacy is not None
    assert candidacy.duplicates == len(bots) - len(kept) >= 20
    assert candidacy.atr_reference_ratio == reference
    assert np.array_equal(candidacy.entered_ms, own.entered_ms)
    assert np.array_equal(candidacy.window_end_ms, own.window_end_ms)
    assert np.array_equal(candidacy.incumbent_profit, plain_profits(own, IN_FORCE))
    assert np.array_equal(candidacy.fallback_profit, plain_profits(own, SETTINGS.defaults.parameters()))
    for name in (one.name for one in fields(events) if one.name != "axes"):
        assert same_bits(getattr(candidacy.events, name), getattr(events, name)), name
    gains = plan.lattice.profits(events) - plain_profits(own, IN_FORCE)[:, None]
    means = sample.whole.weights[kept] @ gains / sample.whole.weights[kept].sum()
    assert candidacy.estimates.mean[-1] == pytest.approx(means, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("follows", [FOLLOWS, replace(FOLLOWS, regime_exit_z=1.0)])
@pytest.mark.parametrize("side", list(Side))
def test_what_is_in_force_is_priced_with_the_giveback_and_the_regime_that_bots_trade(side, follows):
    plan = plan_for(fleet_trades(side), "exact")
    sample = sample_of(side, with_trend=True)

    found = decided(side, "exact", plan, follows)

    engine = ManagedNumpyEngine(sample.whole.paths, fee_ratio=COSTS.fee_ratio)
    profits = engine.fills([follows]).net_profit_ratio(COSTS, sample.whole.paths)[0]
    kept = kept_entries(sample.whole.paths.entered_ms, sample.whole.weights, sample.trades.bot_names())
    assert found.candidacy.incumbent == follows
    assert np.array_equal(found.candidacy.incumbent_profit, profits[kept])
    assert not np.array_equal(profits, plain_profits(sample.whole.paths, follows))
    held_out = float(weighted_mean(profits[sample.test.rows], sample.test.weights))
    assert found.decision.evidence.incumbent_test_profit == held_out


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@pytest.mark.parametrize("side", list(Side))
def test_the_trades_of_this_file_end_in_every_way(side):
    paths = sample_of(side).whole.paths  # or the tests above would compare less than they seem to
    loose = ExitParameters(stop_loss=-0.05, take_profit=0.017, time_limit_minutes=60)

    kinds = NumpyEngine(paths).exits([IN_FORCE, loose]).kind

    assert {ExitKind(one) for one in kinds.ravel().tolist()} == set(ExitKind) - {ExitKind.END_OF_DATA}
