"""A dry run that begins on the rules, and the feeder bank that is trained meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from dry_runs import IN_A_HURRY
from fleet_runs import fleet_userdir, host_configs
from freqfleet.exchange.freqtrade_runs import RunningFreqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.signals.feeders.registry import RECIPES
from freqfleet.testing.taught_feeders import teach

pytestmark = pytest.mark.acceptance

PATIENCE_SECONDS = 120.0
COME = "BOT1: a feeder bank has come: its 3 feeders vote from the next candle on, 3 must agree"
SETTINGS = {"FREQFLEET_REFRESH__PARAMETERS_SECONDS": "1", "FREQFLEET_FEEDERS__MAX_AGE_DAYS": "10000"}


def test_a_bot_takes_the_bank_over_and_asks_for_what_its_feeders_read(
    lively_datadir: Path, tmp_path: Path
) -> None:
    pairs = CandleFiles(lively_datadir).pairs()[:4]
    with LoopbackExchange(lively_datadir, pairs=pairs, shift_to_now=True) as exchange:
        userdir = fleet_userdir(tmp_path, exchange, pairs, max_open_trades=0, **IN_A_HURRY)
        with RunningFreqtrade(["trade", *host_configs(userdir, "BOT1")], userdir, env=SETTINGS) as bot:
            bot.wait_until(lambda: "Bot heartbeat" in bot.log(), timeout_seconds=PATIENCE_SECONDS)
            asked_before = asked_for_context(exchange)

            teach(userdir / "feeders", RECIPES[:3])
            bot.wait_until(lambda: COME in bot.log(), timeout_seconds=PATIENCE_SECONDS)
            bot.wait_until(lambda: asked_for_context(exchange) > 0, timeout_seconds=PATIENCE_SECONDS)
            log = bot.log()  # not later: freqtrade that is stopped while it fetches candles logs a traceback

    assert asked_before == 0
    assert "the rule feeders vote" in log
    assert "the safe answer is given" not in log
    assert "Traceback" not in log


def asked_for_context(exchange: LoopbackExchange) -> int:
    """Return how often funding rates were asked for; nothing is open for which freqtrade itself would."""
    hits = exchange.hits()
    routes = [*hits.answered.items(), *hits.refused.items(), *hits.unknown.items()]
    return sum(count for route, count in routes if "fundingRate" in route)
