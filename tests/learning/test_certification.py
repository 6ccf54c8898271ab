"""The second half of a run: pair sides before the gate, together."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.sides import Side
from freqfleet.learning.candidacy_text import candidacy_of_text, candidacy_text
from freqfleet.learning.gate_plan import gate_plan
from freqfleet.learning.grid_search import GridSearch
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.plateau import reach_of
from freqfleet.learning.search_space import SearchSpace
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.replay.paths import gather_paths
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.validation.folds import crossfit
from freqfleet.validation.selection import KEEP
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

WAVES = 80
END = after(5 * WAVE_CANDLES * (WAVES + 2))
PLANTED, PLAIN = "BTC/USDT:USDT", "ETH/USDT:USDT"
EMPTY = ("ADA/USDT:USDT", "SOL/USDT:USDT", "XRP/USDT:USDT")


def settings_for(**gate):
    return load_settings(
        Path("nowhere"),
        optimizer=OptimizerSettings(time_limit_minutes=(240,)),
        defaults=DefaultSettings(time_limit_minutes=240),
        gate=GateSettings(**gate),
    )


def market(seed, pairs, mean_peak):
    """Return candles and trades of pairs whose waves rise to random heights around `mean_peak`."""
    rng = np.random.default_rng(seed)
    candles, trades = [], []
    for number, pair in enumerate(pairs):
        one, own = waves(rng.normal(mean_peak, 0.02, WAVES).clip(0.005, 0.15), pair=pair)
        candles.append(one)
        trades += [replace(trade, trade_id=trade.trade_id + 1000 * (number + 1)) for trade in own]
    return candles, trades


def optimize(candles, trades, settings=None, **options):
    store = MemoryStore()
    store.record_closed_trades(trades)
    run = Optimizer(
        store=store,
        candles=FakeCandleFiles(*candles),
        settings=settings or settings_for(),
        clock=FixedClock(END),
        **options,
    ).run()
    return run, store


def long_of(run, pair):
    return next(one for one in run.findings if (one.decision.pair, one.decision.side) == (pair, Side.LONG))


def test_a_planted_edge_is_certified_and_its_values_are_published():
    run, store = optimize(*market(3, [PLANTED], 0.07))

    decision = long_of(run, PLANTED).decision
    assert decision.verdict is Verdict.PUBLISHED
    assert decision.reason.startswith("p=")
    (published,) = store.parameter_versions()
    assert published.version_id == decision.version
    assert published.parameters.take_profit > 0.04
    assert published.evidence.certified_by == "pair"


def test_evidence_holds_what_the_gate_measured_and_what_a_dear_market_would_leave():
    run, _ = optimize(*market(3, [PLANTED], 0.07))

    evidence = long_of(run, PLANTED).decision.evidence
    assert evidence.trades == WAVES
    assert evidence.folds == 5
    assert 0.0 < evidence.p_value < 0.05
    assert evidence.test_profit - evidence.incumbent_test_profit == pytest.approx(
        evidence.improvement_bps / 1e4
    )
    assert evidence.claim_bps > 10.0
    assert evidence.worst_fold_bps < evidence.improvement_bps
    # A wider stop or target changes fees by next to nothing: the difference of two exits is fee-neutral.
    assert abs(evidence.cost_stress_bps - evidence.improvement_bps) < 2.0
    assert evidence.family == "all"
    assert evidence.data_hash


def test_the_claim_lies_below_what_the_chosen_cell_earned_in_sample():
    run, _ = optimize(*market(3, [PLANTED], 0.07))

    certified = run.gathering.of(PLANTED, Side.LONG)
    in_sample_bps = certified.candidacy.estimates.mean[-1, certified.selected] * 1e4
    assert 0.0 < certified.ruling.claim_bps < in_sample_bps


def test_a_hold_out_publishes_what_the_gate_knows_to_be_chance():
    candles, trades = market(11, EMPTY, 0.031)
    run, store = optimize(candles, trades)
    by_holdout, _ = optimize(candles, trades, settings_for(method="holdout"))

    assert run.count(Verdict.PUBLISHED) == 0
    assert store.parameter_versions() == []
    assert by_holdout.count(Verdict.PUBLISHED) > 0
    for pair in EMPTY:
        finding = long_of(run, pair)
        assert finding.holdout.verdict is long_of(by_holdout, pair).decision.verdict
        assert finding.decision.parameters == settings_for().defaults.parameters()


def test_a_pair_with_too_few_trades_of_its_own_still_stands_in_its_family():
    candles, trades = market(3, [PLANTED, PLAIN], 0.07)
    few = [one for one in trades if one.pair == PLANTED] + [one for one in trades if one.pair == PLAIN][:30]

    run, _ = optimize(candles, few)

    decision = long_of(run, PLAIN).decision
    assert decision.verdict is Verdict.SKIPPED
    assert decision.reason == "30 trades, 60 needed"
    assert decision.evidence.claim_bps is not None
    assert run.gathering.of(PLAIN, Side.LONG).posterior.max() > 0.0


def test_below_the_family_s_bar_a_pair_takes_no_part():
    candles, trades = market(3, [PLANTED], 0.07)

    run, _ = optimize(candles, trades[:19])

    assert long_of(run, PLANTED).decision.reason == "19 trades, 60 needed"
    assert run.gathering.of(PLANTED, Side.LONG) is None


def test_a_history_too_short_for_folds_is_refused_in_words_and_nothing_is_published():
    candles, trades = market(3, [PLANTED], 0.07)

    run, store = optimize(candles, trades, settings_for(folds=100))

    assert store.parameter_versions() == []
    assert any(note.startswith("cannot certify: ") and "cannot hold 100 folds" in note for note in run.notes)


def test_every_trade_is_judged_in_the_cell_chosen_without_it():
    candles, trades = market(3, [PLANTED], 0.07)
    settings = settings_for()
    run, _ = optimize(candles, trades)
    certified = run.gathering.of(PLANTED, Side.LONG)
    lattice = Lattice(settings.optimizer, settings.gate.lattice)
    entered_ms = certified.candidacy.entered_ms
    folds = crossfit(entered_ms.min(), entered_ms.max() + 1, folds=5, embargo_ms=255 * 60_000)
    paths = gather_paths(
        candles[0], TradeColumns.of(trades), side=Side.LONG, horizon_minutes=240, as_of=END, funding=None
    ).paths  # fmt: skip
    costs = Costs.of(settings.costs)

    def profits(exits):
        return costs.net_profit_ratio(NumpyEngine(paths).exits([exits]), paths)[0]

    expected = np.zeros(WAVES)
    for fold, mine in enumerate(folds):
        judged = mine.test.entered(entered_ms)
        exits = lattice.exits(int(certified.cells[fold]), certified.candidacy.atr_reference_ratio)
        expected[judged] = (profits(exits) - profits(settings.defaults.parameters()))[judged]

    assert KEEP not in certified.cells
    np.testing.assert_allclose(certified.held_out_gain, expected, rtol=0.0, atol=1e-12)


def test_the_neighbourhood_of_a_version_is_that_of_its_neighbours_replayed_one_by_one():
    candles, trades = market(3, [PLANTED], 0.07)
    settings = settings_for()
    run, store = optimize(candles, trades)
    certified = run.gathering.of(PLANTED, Side.LONG)
    lattice = Lattice(settings.optimizer, settings.gate.lattice)
    brought, chosen, reach = certified.candidacy, lattice.place(certified.selected), reach_of(lattice.axes)
    around = [
        cell
        for cell in range(lattice.cells)
        if all(abs(one - at) <= far for one, at, far in zip(lattice.place(cell), chosen, reach, strict=True))
    ]
    paths = gather_paths(
        candles[0], TradeColumns.of(trades), side=Side.LONG, horizon_minutes=240, as_of=END, funding=None
    ).paths  # fmt: skip
    exits = [lattice.exits(cell, brought.atr_reference_ratio) for cell in around]

    means = NumpyEngine(paths).mean_profits(exits, brought.weights, Costs.of(settings.costs))

    (published,) = store.parameter_versions()
    evidence = published.evidence
    assert evidence.plateau_neighbours == len(around) > 3
    assert evidence.plateau_mean_profit == pytest.approx(means.mean(), abs=1e-7)
    assert evidence.plateau_least_profit == pytest.approx(means.min(), abs=1e-7)


def test_a_candidacy_comes_back_from_text_to_the_last_bit():
    run, _ = optimize(*market(3, [PLANTED], 0.07))
    candidacy = run.gathering.of(PLANTED, Side.LONG).candidacy

    back = candidacy_of_text(candidacy_text(candidacy))

    assert back.events.axes == candidacy.events.axes
    assert (back.pair, back.side, back.bots, back.incumbent) == (
        candidacy.pair, candidacy.side, candidacy.bots, candidacy.incumbent,
    )  # fmt: skip
    for cell in range(0, 200, 7):
        place = candidacy.events.axes.cell(cell)
        assert np.array_equal(back.events.profits(place), candidacy.events.profits(place))
    assert np.array_equal(back.estimates.mean, candidacy.estimates.mean)


def test_an_entry_that_two_bots_made_counts_once():
    candles, trades = market(3, [PLANTED], 0.07)
    copied = [
        replace(one, bot="BOT2" if one.bot == "BOT3" else "BOT3", trade_id=9000 + one.trade_id)
        for one in trades
    ]

    alone, _ = optimize(candles, trades)
    twice, _ = optimize(candles, [*trades, *copied])

    assert long_of(twice, PLANTED).decision.evidence.trades == WAVES
    assert twice.gathering.of(PLANTED, Side.LONG).candidacy.duplicates == WAVES
    assert "80 entries that another bot made too count once" in long_of(twice, PLANTED).decision.reason
    assert long_of(alone, PLANTED).decision.evidence.trades == WAVES


def test_one_changed_price_changes_the_hash_of_the_data():
    candles, trades = market(3, [PLANTED], 0.07)
    (one,) = candles
    low = one.low.copy()
    low[WAVE_CANDLES + 1] *= 0.999

    def data_hash(candles):
        run, _ = optimize([candles], trades)
        return long_of(run, PLANTED).decision.evidence.data_hash

    assert data_hash(one) == data_hash(one)
    assert data_hash(one) != data_hash(replace(one, low=low))


def test_a_plain_grid_is_certified_on_its_own_cells():
    settings = settings_for()

    of_grid, of_exact = (
        gate_plan(settings, search=search, entries_ms=None, longest_minutes=240).lattice
        for search in ("grid", "exact")
    )

    axes = of_grid.axes
    searched = {
        (one.parameters.stop_loss, one.parameters.take_profit)
        for one in GridSearch(SearchSpace.of(settings.optimizer, 0.01), settings.optimizer.trials).ask(10_000)
    }
    assert searched <= {(stop, target) for stop in axes.stop_losses for target in axes.take_profits}
    assert of_grid.cells <= settings.optimizer.trials * 1.25 < of_exact.cells


def test_what_could_not_be_measured_is_none_and_never_nan():
    candles, trades = waves([0.06] * WAVES, pair=PLANTED)  # all trades do the same: no spread to speak of

    run, _ = optimize([candles], trades)

    evidence = long_of(run, PLANTED).decision.evidence
    assert evidence.standard_error_bps is None
    assert evidence.t_value is None
    assert not [one for one in asdict(evidence).values() if isinstance(one, float) and math.isnan(one)]
