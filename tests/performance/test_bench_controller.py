"""The controller's benchmark must not rot: it runs, and its rows say what they are. No bar is judged here."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # the bench lies beside the package, not in it

from bench.controller import QUICK_DAYS, QUICK_WINDOWS, controller
from bench.market import write_market


def test_every_row_is_measured(tmp_path: Path):
    market = write_market(
        tmp_path / "market", windows=QUICK_WINDOWS, days=QUICK_DAYS, shared=None, seed=7
    )  # a synthetic one

    section = controller(tmp_path / "controller", market=market, quick=True, seed=7, tell=lambda _: None)

    assert [row.work.split(",")[0] for row in section.rows] == [
        "controller relearns from nothing",
        "controller",
        "controller",
    ]
    assert all(row.measured.split(" ")[1] in ("CPU-s", "CPU-ms") for row in section.rows)
    assert all(row.held is None for row in section.rows)
