"""The gate's benchmark must not rot: its parts run, its page says what it is. No bar is judged here."""

import sys
from pathlib import Path

from freqfleet.testing.worlds.world import Recipe

sys.path.insert(0, str(Path(__file__).parents[2]))  # the bench lies beside the package, not in it

from bench import gate
from bench.gate_table import GateRow, to_markdown
from bench.machine import surroundings

TINY = gate.Size(null=1, planted=1, daily=1, weighted=1, timed=1)


def test_weights_taken_as_counts_look_surer_than_they_are():
    world = gate._daily_world(Recipe.NULL, 0, [1])
    values, weights = world.differences()[0, :, 5], world.weights[0]

    light, heavy = (gate._weights_as_counts(values, factor * weights) for factor in (1.0, 3.0))
    assert abs(heavy - 0.5) > abs(light - 0.5)


def test_every_row_of_a_part_says_what_it_is():
    rows = list(gate._gate_time(TINY, 1)) + list(gate._size_of_the_test(TINY, 1))

    assert [row.bar for row in rows] == ["<= 0.3 CPU-s", "4 .. 6.5 %"]
    assert all(row.ours for row in rows)


def test_page_names_seed_and_verdicts():
    page = to_markdown(
        [GateRow(work="w", seed="s", ours="o", bar="b", held=False)],
        surroundings("2026-01-01", "m"),
        seed=7,
        cpu_seconds=1.0,
    )

    assert "| w | s | o | b | NO |" in page
    assert "seed 7" in page
