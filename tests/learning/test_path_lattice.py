"""Ways to follow the path: what they are, what they earn, and what the gate makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits, as_managed
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.candidacy_text import candidacy_of_text, candidacy_text
from freqfleet.learning.decisions_csv import write_decisions
from freqfleet.learning.gate_plan import gate_plan
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.outcome import to_document
from freqfleet.learning.path_lattice import PATH_SEARCH, VARIANTS, PathLattice, PathPricing
from freqfleet.learning.path_prices import PathPrices
from freqfleet.learning.standings import StandingsFile, StandingsInMemory
from freqfleet.parameters.book import ParameterBook
from freqfleet.replay.costs import Costs
from freqfleet.replay.numpy_engine import NumpyEngine
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from freqfleet.validation.folds import fold_of_trades, training_sets
from freqfleet.validation.selection import KEEP
from managedcases import FEE_RATIO, profit_by_the_rule, ticking_paths
from replaycases import BTC, WAVE_CANDLES, FakeCandleFiles, after, candles_of, trades_on, waves

WAVES = 80
END = after(5 * WAVE_CANDLES * (WAVES + 2))
OTHERS = ("ADA/USDT:USDT", "SOL/USDT:USDT", "XRP/USDT:USDT")
COSTS = Costs(fee_ratio=FEE_RATIO, slippage_ratio=0.0002, funding=True)
PLANS = st.builds(
    ExitParameters,
    stop_loss=st.floats(-0.3, -0.0025),
    take_profit=st.floats(0.005, 0.5),
    time_limit_minutes=st.integers(5, 240),
)


def settings_for(**gate):
    """A target that hardly any wave reaches: what it runs up to is given back whole."""
    return load_settings(
        Path("nowhere"),
        optimizer=OptimizerSettings(time_limit_minutes=(240,)),
        defaults=DefaultSettings(stop_loss=-0.04, take_profit=0.10, time_limit_minutes=240),
        gate=GateSettings(**gate),
    )


def reverting(seed=3, pair=BTC, count=WAVES):
    """Return waves that run up to 3 to 9 % and come all the way back, and a long trade on each."""
    return waves(np.random.default_rng(seed).uniform(0.03, 0.09, count), pair=pair)


def day(number):
    return after(1440 * number)


def aimless(seed, pair):
    """Return candles in which every step is chance, and trades at random times."""
    rng = np.random.default_rng(seed)
    count = WAVE_CANDLES * (WAVES + 2)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.006, count)))
    opens = np.concatenate([[100.0], closes[:-1]])
    high, low = np.maximum(opens, closes), np.minimum(opens, closes)
    time_ms = candles_of_times(count)
    candles = candles_of(time_ms, np.stack([opens, high, low, closes], axis=1), pair)
    return candles, trades_on(candles, WAVES, seed, side=Side.LONG)


def candles_of_times(count):
    return waves([0.0] * (count // WAVE_CANDLES))[0].time_ms[:count]


def store_of(*trades):
    store = MemoryStore()
    every = [
        replace(one, trade_id=one.trade_id + 1000 * number)
        for number, own in enumerate(trades, start=1)
        for one in own
    ]
    store.record_closed_trades(every)
    return store


def optimize(store, *candles, search=PATH_SEARCH, settings=None, at=END, **options):
    return Optimizer(
        store=store,
        candles=FakeCandleFiles(*candles),
        settings=settings or settings_for(),
        clock=FixedClock(at),
        search=search,
        **options,
    ).run()


def long_of(run, pair=BTC):
    return next(one for one in run.findings if (one.decision.pair, one.decision.side) == (pair, Side.LONG))


@given(plain=PLANS)
def test_every_cell_is_a_valid_way_to_trade_upon_any_plan(plain):
    cells = PathLattice().upon(plain)

    assert len(cells) == PathLattice().cells == len(VARIANTS)
    assert cells[0] == plain
    for one in cells[1:]:
        assert one.plain() == plain
        assert not one.is_plain
        for name in ("trailing_activation_ratio", "giveback_activation_ratio", "break_even_after_ratio"):
            assert (getattr(one, name) or 0.0) < plain.take_profit


def test_cells_upon_exits_that_follow_the_path_put_another_way_in_its_place():
    plain = ExitParameters(stop_loss=-0.03, take_profit=0.05)
    follows = ManagedExits(**plain.to_dict(), regime_exit_z=3.0)

    assert PathLattice().upon(follows) == PathLattice().upon(plain)


@settings(max_examples=40, deadline=None)
@given(paths=ticking_paths(), plain=PLANS)
def test_every_trade_is_priced_in_every_cell_as_the_rule_says_bit_for_bit(paths, plain):
    pricing = PathPricing(lattice=PathLattice(), costs=COSTS, paths=paths, replay=NumpyEngine(paths).exits)
    rows = np.arange(len(paths))[::2]

    priced = pricing.priced(rows, plain, plain, None)

    for column, exits in enumerate(PathLattice().upon(plain)):
        for costs, table in ((COSTS, priced.profit), (COSTS.scaled(2.0), priced.stressed_profit)):
            assert table[:, column].tolist() == [
                profit_by_the_rule(paths, trade, as_managed(exits), costs) for trade in rows.tolist()
            ]
    assert priced.beside.incumbent.tolist() == priced.profit[:, 0].tolist()
    assert np.array_equal(priced.events.profit, priced.profit)


def test_a_giveback_or_a_trail_that_was_planted_is_certified_and_published():
    candles, trades = reverting()
    store = store_of(trades)

    run = optimize(store, candles)

    decision = long_of(run).decision
    assert decision.verdict is Verdict.PUBLISHED
    (published,) = store.parameter_versions()
    exits = published.parameters
    assert exits == decision.parameters
    assert exits.plain() == settings_for().defaults.parameters()
    assert exits.giveback_ratio is not None or exits.trailing_stop_ratio is not None
    evidence = published.evidence
    assert (evidence.certified_by, evidence.search, evidence.candidates) == ("pair", "lattice", len(VARIANTS))
    assert evidence.p_value < 0.01
    assert evidence.claim_bps > 50.0
    assert evidence.plateau_ratio is None
    assert ("giveback" in decision.reason) or ("trailing stop" in decision.reason)


def test_where_the_path_says_nothing_nothing_is_published():
    made = [aimless(seed, pair) for seed, pair in enumerate((BTC, *OTHERS), start=5)]
    store = store_of(*(trades for _, trades in made))

    run = optimize(store, *(candles for candles, _ in made))

    assert store.parameter_versions() == []
    assert run.count(Verdict.KEPT) == 4
    assert any(one.selected != KEEP for one in run.gathering.certified)  # in sample some did look better
    for pair in (BTC, *OTHERS):
        assert long_of(run, pair).decision.parameters == settings_for().defaults.parameters()


def test_chance_publishes_in_no_more_worlds_than_it_may():
    """Worlds of two pairs in which nothing can be learned; more than 5 of 40 come once in 70 at 5 %."""
    publishing, tests = 0, []
    for world in range(40):
        made = [aimless(1000 * world + number, pair) for number, pair in enumerate((BTC, *OTHERS[:1]))]
        run = optimize(store_of(*(own for _, own in made)), *(one for one, _ in made))
        publishing += run.count(Verdict.PUBLISHED) + run.count(Verdict.INHERITED) > 0
        tests += [one.ruling.own.p_value for one in run.gathering.certified]

    assert publishing <= 5
    assert 0 < sum(p < 0.1 for p in tests) <= 16  # of 80


def test_what_was_published_is_what_the_next_run_has_to_beat():
    candles, trades = reverting()
    store = store_of(trades)
    optimize(store, candles)
    (published,) = store.parameter_versions()

    again = optimize(store, candles, at=after(5 * WAVE_CANDLES * (WAVES + 2) + 10))

    certified = again.gathering.of(BTC, Side.LONG)
    assert certified.candidacy.incumbent == published.parameters
    assert PathLattice().cell_in_force(certified.candidacy) is not None
    assert certified.finding.decision.verdict is Verdict.KEPT
    assert "what stays in force follows the path: " in certified.finding.decision.reason
    assert len(store.parameter_versions()) == 1


def test_a_plain_run_has_to_beat_the_path_that_is_followed():
    candles, trades = reverting()
    store = store_of(trades)
    optimize(store, candles)
    (published,) = store.parameter_versions()

    later = optimize(
        store, candles, search="exact", at=after(5 * WAVE_CANDLES * (WAVES + 2) + 10), dry_run=True
    )

    candidacy = later.gathering.of(BTC, Side.LONG).candidacy
    assert candidacy.incumbent == published.parameters
    before = optimize(store_of(trades), candles, search="exact", dry_run=True)
    plain = before.gathering.of(BTC, Side.LONG).candidacy
    assert candidacy.incumbent_profit.mean() > plain.incumbent_profit.mean() + 0.005
    assert np.array_equal(candidacy.fallback_profit, plain.incumbent_profit)


def test_no_trade_had_a_part_in_the_cell_it_is_judged_in():
    candles, trades = aimless(9, BTC)  # where chance alone tells cells apart, every fold takes another one
    certified = optimize(store_of(trades), candles).gathering.of(BTC, Side.LONG)
    candidacy = certified.candidacy
    entered_ms, in_force = candidacy.entered_ms, candidacy.incumbent_profit
    plan = gate_plan(
        settings_for(),
        search=PATH_SEARCH,
        entries_ms=(int(entered_ms.min()), int(entered_ms.max())),
        longest_minutes=240,
    )
    sets = training_sets(plan.folds, entered_ms, candidacy.window_end_ms)
    fold_of_trade = fold_of_trades(plan.folds, entered_ms)
    profits = PathLattice().profit_table(candidacy)
    cells = np.where(certified.cells == KEEP, 0, certified.cells)  # the first cell is what is in force

    for trained, estimated in zip(sets, candidacy.estimates.mean, strict=True):
        improved = (profits - in_force[:, None])[trained]
        means = np.average(improved, axis=0, weights=candidacy.weights[trained])
        assert estimated == pytest.approx(means, rel=1e-4, abs=1e-7)

    assert not any(trained[fold_of_trade == fold].any() for fold, trained in enumerate(sets[:-1]))
    assert len({*cells.tolist()}) > 3
    judged = profits[np.arange(len(profits)), cells[fold_of_trade]]
    assert certified.held_out_gain.tolist() == (judged - in_force).tolist()
    assert certified.finding.purged == 0  # what is held out is held out fold by fold


def test_a_candidacy_comes_back_from_text_to_the_last_bit():
    candles, trades = reverting()
    candidacy = optimize(store_of(trades), candles).gathering.of(BTC, Side.LONG).candidacy

    back = candidacy_of_text(candidacy_text(candidacy))

    assert isinstance(back.events, PathPrices)
    assert back.events.exits == candidacy.events.exits
    assert back.events.profit.tobytes() == candidacy.events.profit.tobytes()
    assert np.array_equal(back.events.ambiguous, candidacy.events.ambiguous)


def test_the_paper_account_of_a_way_to_follow_the_path_is_found_again(tmp_path):
    candles, trades = reverting()
    store, never = store_of(trades), settings_for(fdr=1e-300)
    file = StandingsFile(tmp_path / "standings-managed.json")

    optimize(store, candles, settings=never, standings=file)

    remembered = file.read(PathLattice())
    assert list(remembered.records) == [f"{BTC} long"]
    (choice,) = remembered.records[f"{BTC} long"].choices
    assert choice.cell != KEEP
    assert choice.edge > 0.0


@pytest.mark.parametrize("search", [PATH_SEARCH, "exact"])
def test_what_another_run_put_in_force_is_a_change_that_has_to_last_a_week(search):
    candles, trades = reverting(count=120)
    store, accounts = store_of(trades), StandingsInMemory()
    never = settings_for(fdr=1e-300)
    optimize(store, candles, search=search, settings=never, standings=accounts, at=day(16))
    worse = version(recorded_at=day(16.2), stop_loss=-0.04, take_profit=0.15, time_limit_minutes=240)
    store.publish_parameters([worse])

    early = optimize(store, candles, search=search, standings=accounts, at=day(16.5))
    late = optimize(store, candles, search=search, standings=accounts, at=day(24))

    assert long_of(early).decision.verdict is Verdict.KEPT
    assert "what is in force changed 0 days ago" in long_of(early).decision.reason
    assert long_of(early).decision.parameters == worse.parameters
    assert long_of(late).decision.verdict is Verdict.PUBLISHED
    assert long_of(late).decision.evidence.parent_version == worse.version_id


@pytest.mark.parametrize("search", [PATH_SEARCH, "exact"])
def test_a_way_to_follow_the_path_that_decays_is_taken_back_by_either_kind_of_run(search):
    candles, trades = reverting(count=120)
    store = store_of(trades)
    defaults = settings_for().defaults.parameters()
    claimed = version(
        recorded_at=day(10),
        parameters=ManagedExits(**defaults.to_dict(), giveback_ratio=0.9, giveback_activation_ratio=0.03),
        evidence=Evidence(claim_bps=1_000.0, standard_error_bps=10.0),
    )
    store.publish_parameters([claimed])

    run = optimize(store, candles, search=search, settings=settings_for(fdr=1e-300), at=day(19))

    assert "retracted: later trades fall" in long_of(run).decision.reason
    assert long_of(run).decision.parameters == defaults
    book = ParameterBook(store.parameter_versions(), defaults=defaults)
    assert book.resolve(BTC, Side.LONG, 3.0, day(19)).parameters == defaults


def test_the_document_and_the_table_say_how_the_path_is_followed(tmp_path):
    candles, trades = reverting()
    run = optimize(store_of(trades), candles)

    rows = {(one["pair"], one["side"]): one for one in to_document(run)["decisions"]}
    followed = rows[BTC, "long"]["follows_path"]
    exits = long_of(run).decision.parameters
    assert followed
    assert all(getattr(exits, name) == value for name, value in followed.items())
    assert rows[BTC, "short"]["follows_path"] is None
    write_decisions(tmp_path / "decisions.csv", run)
    assert " ".join(f"{name}={one}" for name, one in followed.items()) in (
        tmp_path / "decisions.csv"
    ).read_text(encoding="utf-8")


def test_a_hold_out_cannot_judge_them():
    candles, trades = reverting()

    with pytest.raises(InputError, match="cannot judge exits that follow the path") as refused:
        optimize(store_of(trades), candles, settings=settings_for(method="holdout"))

    assert f'method = "{GateSettings().method}"' in str(refused.value)  # the remedy is a value that is taken


def test_where_the_gate_can_judge_nothing_the_run_says_why():
    candles, trades = reverting()
    of_one_day = [
        replace(one, opened_at=after(5 * at), closed_at=day(3), open_rate=float(candles.open[at]))
        for at, one in enumerate(trades)
    ]

    run = optimize(store_of(of_one_day), candles)

    assert long_of(run).decision.verdict is Verdict.SKIPPED
    assert "it judges nothing in this run" in long_of(run).decision.reason
    assert any(note.startswith("cannot certify: ") for note in run.notes)


def test_a_pair_with_too_few_trades_is_skipped_with_the_reason():
    candles, trades = reverting()

    decision = long_of(optimize(store_of(trades[:30]), candles)).decision

    assert decision.verdict is Verdict.SKIPPED
    assert decision.reason.startswith("30 trades, 60 needed")


def test_a_bot_finds_it_in_its_book():
    candles, trades = reverting()
    store = store_of(trades)
    decision = long_of(optimize(store, candles)).decision

    book = ParameterBook(store.parameter_versions(), defaults=settings_for().defaults.parameters())

    found = book.resolve(BTC, Side.LONG, 3.0, END)
    assert found.parameters == decision.parameters
    assert found.version == decision.version
