import numpy as np
import pytest

from freqfleet.domain.decisions import Verdict
from freqfleet.errors import InputError
from freqfleet.validation.folds import DAY_MS, crossfit, fold_of_trades, training_sets
from freqfleet.validation.moments import Estimates, moments_of
from freqfleet.validation.publication import GateRules, refusal_of_search, rule
from freqfleet.validation.selection import KEEP, Selection, Unit, cells_of_trades, select

DAYS = 90
HOLD_MS = DAY_MS
CELLS = 6
INCUMBENT = 2
FOLDS = crossfit(0, DAYS * DAY_MS)


def entries(count, seed=0, days=DAYS):
    return np.sort(np.random.default_rng(seed).integers(0, (days - 1) * DAY_MS, count))


def profits(count, seed, better_bps=0.0, cell=4):
    """Return (count, CELLS) of noise, with one cell that truly earns more."""
    table = np.random.default_rng(seed).normal(0.0, 0.02, (count, CELLS))
    table[:, cell] += better_bps / 1e4
    return table


def unit(key, entered_ms, table, weights=None, family="all"):
    weights = np.ones(len(entered_ms)) if weights is None else weights
    differences = table - table[:, [INCUMBENT]]
    sets = training_sets(FOLDS, entered_ms, entered_ms + HOLD_MS)
    made = Unit(
        key=key,
        family=family,
        entered_ms=entered_ms,
        weights=weights,
        estimates=moments_of(differences, weights, sets).estimates(),
        incumbent=INCUMBENT,
    )
    return made, differences


def judged(made, selection, folds=FOLDS):
    differences = []
    for at, (one, table) in enumerate(made):
        cells = cells_of_trades(selection.cells[at], fold_of_trades(folds, one.entered_ms))
        taken = table[np.arange(len(table)), cells]
        differences.append(np.where(cells == KEEP, 0.0, taken))
    return differences


def run(made, rules=None):
    units = [one for one, _ in made]
    selection = select(units)
    return rule(units, selection, FOLDS, judged(made, selection), rules)


def fleet(count=12, trades=120, better=None, seed=100):
    better = better or {}
    return [
        unit(f"P{at}", entries(trades, seed + at), profits(trades, seed + 50 + at, better.get(at, 0.0)))
        for at in range(count)
    ]


def test_pair_that_earns_more_is_published_with_a_shrunk_claim_and_others_are_kept_with_a_reason():
    made = fleet(better={3: 250.0})

    rulings = run(made)

    found = rulings[3]
    in_sample_bps = made[3][1].mean(axis=0).max() * 1e4
    assert found.verdict is Verdict.PUBLISHED
    assert found.cell == 4
    assert 10.0 <= found.claim_bps < in_sample_bps
    assert found.folds_used == 5
    assert found.worst_fold_bps < found.own.mean * 1e4
    others = [one for at, one in enumerate(rulings) if at != 3]
    assert {one.verdict for one in others} == {Verdict.KEPT}, "one good pair vouches for nobody else"
    assert all(one.reason and one.cell == KEEP for one in others)


def test_same_input_gives_the_same_bits_in_any_order():
    made = fleet(better={3: 250.0, 7: 150.0})

    forwards, backwards = run(made), run(made[::-1])

    assert [one.verdict for one in forwards] == [one.verdict for one in backwards[::-1]]
    assert [one.cell for one in forwards] == [one.cell for one in backwards[::-1]]
    assert run(made) == forwards


def test_family_that_earns_more_lends_its_certificate_to_members_with_few_trades():
    made = fleet(count=20, trades=50, better=dict.fromkeys(range(20), 120.0))

    rulings = run(made)

    assert {one.verdict for one in rulings} == {Verdict.INHERITED}
    assert all("its family is certified (p=" in one.reason for one in rulings)


def test_member_whose_own_held_out_trades_point_the_other_way_does_not_inherit():
    made = fleet(count=20, trades=50, better=dict.fromkeys(range(19), 120.0))
    units = [one for one, _ in made]
    selection = select(units)
    differences = judged(made, selection)
    differences[19] = np.linspace(-0.03, 0.01, len(differences[19]))

    rulings = rule(units, selection, FOLDS, differences)

    assert {one.verdict for one in rulings[:19]} == {Verdict.INHERITED}
    assert rulings[19].verdict is Verdict.KEPT
    assert rulings[19].cell == KEEP
    assert "but its own 50 held-out trades earned -100.0 bps (t=-" in rulings[19].reason


def test_families_do_not_vouch_for_each_other():
    good = [unit(f"L{at}", entries(50, at), profits(50, at, 200.0), family="long") for at in range(10)]
    bad = [unit(f"S{at}", entries(50, at), profits(50, 90 + at), family="short") for at in range(10)]

    rulings = run(good + bad)

    assert {one.verdict for one in rulings[:10]} == {Verdict.INHERITED}
    assert {one.verdict for one in rulings[10:]} == {Verdict.SKIPPED}


def test_family_of_one_cannot_be_certified_as_a_family():
    rulings = run([unit("P0", entries(50), profits(50, 1, 300.0))])

    assert rulings[0].verdict is Verdict.SKIPPED
    assert rulings[0].reason == "50 trades, 60 needed"
    assert rulings[0].family_p == 1.0


def test_one_pair_with_a_large_edge_and_enough_trades_certifies_itself():
    rulings = run([unit("P0", entries(300), profits(300, 1, 200.0))])

    assert rulings[0].verdict is Verdict.PUBLISHED


def test_claim_below_the_bar_is_kept_however_sure():
    rulings = run(fleet(better={3: 250.0}), GateRules(claim_min_bps=1000.0))

    assert rulings[3].verdict is Verdict.KEPT
    assert rulings[3].reason.endswith("is less than 1000 bps")


def test_trades_of_one_day_are_kept_as_unsure():
    same_day = np.arange(80) * 60_000
    rulings = run([unit("ODD", same_day, profits(80, 1, 300.0)), *fleet(better={3: 250.0})])

    assert rulings[0].verdict is Verdict.KEPT
    assert rulings[0].reason == "trades on 1 day, 4 needed"


def test_identical_trades_publish_nothing():
    table = np.tile(profits(1, 1, 300.0), (80, 1))
    rulings = run([unit("P0", entries(80), table)])

    assert rulings[0].verdict is Verdict.KEPT
    assert rulings[0].reason == "all trades did the same, so their spread is unknown"


def test_weights_that_are_all_zero_skip_the_pair_and_leave_the_others_alone():
    made = fleet(better={3: 250.0})
    lost, differences = made[0]
    made[0] = unit("P0", lost.entered_ms, differences, weights=np.zeros(len(differences)))

    rulings = run(made)

    assert rulings[0].verdict is Verdict.SKIPPED
    assert rulings[0].reason == "every weight of its 120 trades is zero"
    assert rulings[3].verdict is Verdict.PUBLISHED


def test_profit_that_is_no_number_skips_its_pair_only():
    made = fleet(better={3: 250.0})
    units = [one for one, _ in made]
    selection = select(units)
    differences = judged(made, selection)
    differences[0][7] = np.nan

    rulings = rule(units, selection, FOLDS, differences)

    assert rulings[0].verdict is Verdict.SKIPPED
    assert rulings[0].reason == "the profit of trade 7 is nan, not a number"
    assert rulings[3].verdict is Verdict.PUBLISHED


def test_moments_that_are_no_numbers_do_not_spoil_their_family():
    made = fleet(better={3: 250.0})
    lost = made[0][0]
    estimates = Estimates(
        trades=lost.estimates.trades,
        effective_trades=lost.estimates.effective_trades,
        mean=np.full_like(lost.estimates.mean, np.nan),
        variance=lost.estimates.variance,
    )
    broken = Unit(
        key="P0", family="all", entered_ms=lost.entered_ms, weights=lost.weights, estimates=estimates
    )
    made[0] = (broken, made[0][1])

    rulings = run(made)

    assert rulings[0].reason == "some profits are not numbers"
    assert rulings[3].verdict is Verdict.PUBLISHED


def test_folds_that_hold_no_trades_are_counted_as_unused():
    made = [unit("ODD", entries(100, days=30), profits(100, 1, 250.0)), *fleet()]

    rulings = run(made)

    assert rulings[0].folds_used == 2


def test_pair_without_trades_is_skipped():
    nothing = unit("ODD", np.empty(0, np.int64), np.empty((0, CELLS)))

    rulings = run([nothing, *fleet()])

    assert rulings[0].verdict is Verdict.SKIPPED
    assert rulings[0].reason == "no trades inside the folds"


def test_the_same_pair_twice_is_refused():
    one, _ = unit("P0", entries(80), profits(80, 1))

    with pytest.raises(InputError, match="P0 comes twice"):
        select([one, one])


def test_nothing_to_judge_gives_no_ruling():
    assert rule([], select([]), FOLDS, []) == ()


def test_differences_of_another_length_are_refused():
    one, _ = unit("P0", entries(80), profits(80, 1))
    selection = Selection(cells=np.full((1, 6), KEEP), posterior=np.zeros((1, CELLS)), broken={})

    with pytest.raises(InputError, match="P0: 80 trades need as many differences"):
        rule([one], selection, FOLDS, [np.zeros(3)])


@pytest.mark.parametrize("search", ["tpe", "gp", "cmaes", "random"])
def test_search_that_saw_the_held_out_trades_cannot_be_certified(search):
    refusal = refusal_of_search(search)

    assert refusal is not None
    assert refusal.startswith(f"cannot certify: --search {search}")


@pytest.mark.parametrize("search", ["exact", "grid", "qmc"])
def test_fixed_candidates_can_be_certified(search):
    assert refusal_of_search(search) is None
