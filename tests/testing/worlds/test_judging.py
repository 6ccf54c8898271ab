import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.testing.worlds.edges import Edge, Kind
from freqfleet.testing.worlds.grid import CELLS, DEFAULT_CELL, cell_of
from freqfleet.testing.worlds.intervals import mean_interval, ratio_interval, share_interval
from freqfleet.testing.worlds.judging import Judged, score, seed_gate
from freqfleet.testing.worlds.world import World


def world(profits):
    """Return a world of two pairs, the second with an edge worth 100 bps in one cell."""
    pairs, trades, _ = profits.shape
    entered = np.tile(np.arange(trades) * 86_400_000, (pairs, 1))
    truth = np.zeros((pairs, CELLS))
    truth[1, cell_of(0.03, 0.05)] = 0.01
    return World(
        days=trades + 1,
        entered_ms=entered,
        window_end_ms=entered + 86_400_000,
        weights=np.ones((pairs, trades)),
        profits=profits,
        edges=(Edge(Kind.NULL), Edge(Kind.LEVEL_5, 100)),
        truth=truth,
    )


def judged(cells, published, inherited=(False, False), claims=(20.0, 50.0)):
    return Judged(
        cells=np.array(cells),
        published=np.array(published),
        inherited=np.array(inherited),
        claim_bps=np.array(claims),
    )


def test_score_by_hand():
    right, near = cell_of(0.03, 0.05), cell_of(0.01, 0.06)

    found = score(world(np.zeros((2, 10, CELLS))), judged([near, right], [True, True]))

    assert found.published == 2
    assert found.false_share == 0.5
    assert found.power == 1.0
    assert found.earned_bps == pytest.approx(100.0)
    assert found.target_share == 1.0
    assert found.claimed_bps == pytest.approx(35.0)
    assert found.true_bps == pytest.approx(50.0)


def test_target_more_than_two_points_off_is_not_counted_as_found():
    found = score(world(np.zeros((2, 10, CELLS))), judged([DEFAULT_CELL, cell_of(0.03, 0.08)], [False, True]))

    assert found.target_share == 0.0


def test_nothing_published_is_no_share_of_anything():
    found = score(world(np.zeros((2, 10, CELLS))), judged([DEFAULT_CELL] * 2, [False, False]))

    assert np.isnan(found.false_share)
    assert found.power == 0.0
    assert found.earned_bps == 0.0


def test_seed_gate_publishes_what_the_last_third_pays_after_fees():
    profits = np.zeros((2, 10, CELLS))
    profits[:, :7, 5] = 0.01
    profits[0, 7:, 5] = 0.0011
    profits[1, 7:, 5] = 0.0009

    found = seed_gate(world(profits))

    assert found.published.tolist() == [True, False]
    assert found.cells.tolist() == [5, DEFAULT_CELL]
    assert found.claim_bps[0] == pytest.approx(100.0)


def test_judgement_of_another_world_is_refused():
    with pytest.raises(InputError, match="2 pairs need as many cells"):
        score(world(np.zeros((2, 10, CELLS))), judged([0, 0, 0], [True] * 3))


def test_intervals_count_worlds():
    assert mean_interval([1.0, 3.0, float("nan")]).value == 2.0
    assert mean_interval([0.0, 0.1], share=True).low == 0.0
    assert mean_interval([]).text(" %") == "-"
    assert share_interval(0, 200).high == pytest.approx(0.0188, abs=0.0002)
    assert share_interval(10, 20).value == 0.5
    assert ratio_interval([9.0, 11.0], [10.0, 10.0]).value == 1.0
    assert ratio_interval([], []).text() == "-"
