"""Learned on 60 days, judged on the 30 that follow a week later: what the decay monitor says of a world."""

from __future__ import annotations

import numpy as np

from freqfleet.testing.worlds.grid import DEFAULT_CELL
from freqfleet.testing.worlds.judging import FOLDS, held_out_differences
from freqfleet.testing.worlds.world import World
from freqfleet.validation.decay import DecayReport, Window, decay_report
from freqfleet.validation.folds import DAY_MS, crossfit
from freqfleet.validation.selection import KEEP

LEARN_DAYS, GAP_DAYS, JUDGE_DAYS = 60, 7, 30
DAYS = LEARN_DAYS + GAP_DAYS + JUDGE_DAYS
FADES_ON_DAY = LEARN_DAYS + GAP_DAYS


def decay_in(world: World) -> DecayReport:
    """Return the report of a world of 97 days."""
    learning = world.window_end_ms <= LEARN_DAYS * DAY_MS
    judging = world.entered_ms >= FADES_ON_DAY * DAY_MS
    folds = crossfit(0, LEARN_DAYS * DAY_MS, folds=FOLDS)
    tables = world.differences()
    entered = [world.entered_ms[pair, learning[pair]] for pair in range(len(tables))]
    selection, differences = held_out_differences(
        [table[learning[pair]] for pair, table in enumerate(tables)],
        entered,
        [world.window_end_ms[pair, learning[pair]] for pair in range(len(tables))],
        [world.weights[pair, learning[pair]] for pair in range(len(tables))],
        folds,
    )[1:]
    final = np.where(selection.cells[:, -1] == KEEP, DEFAULT_CELL, selection.cells[:, -1])
    return decay_report(
        [f"pair {pair}" for pair in range(len(tables))],
        [Window(differences=d, entered_ms=at) for d, at in zip(differences, entered, strict=True)],
        [
            Window(
                differences=table[judging[pair], final[pair]],
                entered_ms=world.entered_ms[pair, judging[pair]],
            )
            for pair, table in enumerate(tables)
        ],
    )
