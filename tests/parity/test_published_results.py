"""Backtests that this project did not make: stop_loss and roi exits, replayed."""

from __future__ import annotations

import pytest

from parity.comparison import FULL, Comparison
from parity.published import PublishedMarket, compare_file
from realdata import market_dir, results_dir

pytestmark = pytest.mark.acceptance

BAR = 0.995


def test_results_of_2023_leave_where_they_left() -> None:
    market = PublishedMarket(market_dir("parity-2023"))
    total = Comparison(title="Published results of 2023")

    for file in sorted(results_dir("results-2023").glob("*.json.gz")):
        total.merge(compare_file(file, market, file.name))

    total.publish("b-results-2023")
    total.must_reach(BAR, at_least=1_900)


@pytest.mark.skipif(not FULL, reason="20,000 more trades: make parity")
def test_results_of_2026_leave_where_they_left() -> None:
    market = PublishedMarket(market_dir("okx-2022", "okx"))
    total = Comparison(title="Published results of January 2026 over 2022")

    for file in sorted(results_dir("results-2026").glob("*.json.gz")):
        total.merge(compare_file(file, market, file.name))

    total.publish("b-results-2026")
    total.must_reach(BAR, at_least=14_000)
