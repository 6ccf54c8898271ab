"""Our strategies in freqtrade's backtest, and the replay of what they did: the same exits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.domain.exits import ExitParameters
from parity.backtests import Job, run_backtests
from parity.comparison import FULL, Comparison
from parity.own_trades import compare
from realdata import market_dir

pytestmark = pytest.mark.acceptance

BAR = 0.999
# The crash of 2025-10-10 lies in both periods: stops are jumped there, and positions are liquidated.
STARTS_AT = datetime(2025, 9, 20, tzinfo=UTC) if FULL else datetime(2025, 9, 25, tzinfo=UTC)
ENDS_AT = datetime(2025, 10, 31, tzinfo=UTC) if FULL else datetime(2025, 10, 14, tzinfo=UTC)
FEW_PAIRS = ("ENA", "SOL", "TRX", "WLD")
PAIRS = ("1000SHIB", "ADA", "ARB", "AVAX", "BTC", "DOGE", "ETH", "GIGGLE", "LINK", "MON", "SUI", "XRP")

# The round ones put every hundredth target half way between two ticks, where rounding decides.
PARAMETERS = (
    ExitParameters(stop_loss=-0.03, take_profit=0.03, time_limit_minutes=1440),
    ExitParameters(stop_loss=-0.015, take_profit=0.02, time_limit_minutes=240),
    ExitParameters(stop_loss=-0.0217, take_profit=0.0133, time_limit_minutes=725),
)
SCALED = (
    ExitParameters(
        stop_loss=-0.02,
        take_profit=0.03,
        volatility_scaling=1.0,
        atr_reference_ratio=0.003,
        time_limit_minutes=1440,
    ),
    ExitParameters(
        stop_loss=-0.03,
        take_profit=0.015,
        volatility_scaling=0.5,
        atr_reference_ratio=0.002,
        time_limit_minutes=360,
    ),
)
# At 10x this stop lies beyond the price at which the exchange liquidates.
BEYOND_LIQUIDATION = ExitParameters(stop_loss=-0.15, take_profit=0.02, time_limit_minutes=1440)


def jobs() -> list[Job]:
    """Return three bots at every leverage (a few in the subset), fixed and volatility-scaled in turn."""
    found = []
    for turn, leverage in enumerate(range(1, 11) if FULL else (1, 3, 10)):
        for number, bot in enumerate(("BOT1", "BOT2", "BOT3")):
            choice = turn + number
            pool = SCALED if choice % 2 else PARAMETERS
            found.append((bot, leverage, pool[choice // 2 % len(pool)]))
    found.append(("BOT1", 10, BEYOND_LIQUIDATION))
    return [
        Job(
            bot=bot,
            leverage=leverage,
            parameters=exits,
            starts_at=STARTS_AT,
            ends_at=ENDS_AT,
            inside_liquidation=exits is not BEYOND_LIQUIDATION,
        )
        for bot, leverage, exits in found
    ]


def test_the_replay_leaves_where_freqtrade_left(tmp_path: Path) -> None:
    datadir = market_dir("ci")
    pairs = [f"{base}/USDT:USDT" for base in (*FEW_PAIRS, *(PAIRS if FULL else ()))]

    backtests = run_backtests(datadir, pairs, jobs(), tmp_path)

    total = Comparison(
        title="Our strategies, leverage 1 to 10" if FULL else "Our strategies, leverage 1, 3, 10"
    )
    for backtest in backtests:
        one = compare(backtest, datadir, backtest.job.label)
        assert sum(one.compared.values()), f"{backtest.job.label}: no trade was compared"
        total.merge(one)
    total.publish("a-own-strategies")
    total.must_reach(BAR, at_least=10_000 if FULL else 600)
    assert total.compared["time_limit"] == total.reproduced["time_limit"] > 0
    assert total.compared["liquidation"] == total.reproduced["liquidation"] > 0
