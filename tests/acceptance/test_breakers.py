"""Circuit breakers in freqtrade's own backtest: there with --enable-protections, and only then."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from fleet_runs import Stretch, backtest, fleet_userdir
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.exchange.loopback import LoopbackExchange

pytestmark = pytest.mark.acceptance

BOT3 = "BOT3MetaStrategyAdaptive"
ENTRIES, COOLDOWN = 3, timedelta(minutes=90)
ENVIRONMENT = {
    "FREQFLEET_RUNTIME__MIN_VOTES": "1",
    "FREQFLEET_DEFAULTS__TIME_LIMIT_MINUTES": "60",
    "FREQFLEET_BREAKERS__ENABLED": "true",
    "FREQFLEET_BREAKERS__TRADES_PER_DAY": str(ENTRIES),
    "FREQFLEET_BREAKERS__COOLDOWN_MINUTES": "90",
}


@pytest.fixture(scope="module")
def runs(
    sample_stretch: Stretch, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[ClosedTrade, ...]]:
    found = {}
    with LoopbackExchange(sample_stretch.datadir) as exchange:
        for name, options in (("guarded", ["--enable-protections"]), ("free", [])):
            userdir = fleet_userdir(tmp_path_factory.mktemp(name), exchange, sample_stretch.pairs)
            found[name] = backtest(userdir, sample_stretch, [BOT3], *options, env=ENVIRONMENT)[BOT3]
    return found


def test_entries_of_a_day_end_at_the_limit(runs: dict[str, tuple[ClosedTrade, ...]]) -> None:
    by_day = {name: Counter(one.opened_at.date() for one in trades) for name, trades in runs.items()}

    assert max(by_day["guarded"].values()) == ENTRIES
    assert max(by_day["free"].values()) > ENTRIES


def test_a_pair_cools_down_after_an_exit(runs: dict[str, tuple[ClosedTrade, ...]]) -> None:
    pauses = {name: shortest_pause(trades) for name, trades in runs.items()}

    assert pauses["guarded"] >= COOLDOWN
    assert pauses["free"] < COOLDOWN


def shortest_pause(trades: tuple[ClosedTrade, ...]) -> timedelta:
    """Return the shortest time between an exit and the next entry of the same pair."""
    by_pair: dict[str, list[ClosedTrade]] = {}
    for one in sorted(trades, key=lambda one: one.opened_at):
        by_pair.setdefault(one.pair, []).append(one)
    return min(
        later.opened_at - earlier.closed_at
        for listed in by_pair.values()
        for earlier, later in pairwise(listed)
    )
