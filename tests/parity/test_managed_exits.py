"""Every exit of BOT3 that follows the path, in freqtrade's backtest and in replay: the same exits."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.domain.managed_exits import ManagedExits
from parity.backtests import Job, run_backtests
from parity.comparison import FULL, Comparison
from parity.own_trades import compare
from realdata import market_dir

pytestmark = pytest.mark.acceptance

BAR = 0.999
# The crash of 2025-10-10 lies in both periods.
STARTS_AT = datetime(2025, 9, 20, tzinfo=UTC) if FULL else datetime(2025, 10, 6, tzinfo=UTC)
ENDS_AT = datetime(2025, 10, 31, tzinfo=UTC) if FULL else datetime(2025, 10, 13, tzinfo=UTC)
PAIRS = ("ENA", "SOL", "TRX", "WLD", *(("ADA", "BTC", "DOGE", "ETH", "LINK", "SUI", "XRP") if FULL else ()))
GIVEBACK = {"giveback_ratio": 0.5, "giveback_activation_ratio": 0.008}
EXITS = (
    ("BOT3", 3, ManagedExits(stop_loss=-0.02, take_profit=0.04, time_limit_minutes=720, **GIVEBACK)),
    ("BOT3", 5, ManagedExits(stop_loss=-0.03, take_profit=0.03, time_limit_minutes=1440, regime_exit_z=0.75)),
    (
        "BOT3",
        2,
        ManagedExits(
            stop_loss=-0.025,
            take_profit=0.0313,
            time_limit_minutes=365,
            volatility_scaling=1.0,
            atr_reference_ratio=0.003,
            giveback_ratio=0.35,
            giveback_activation_ratio=0.01,
            regime_exit_z=1.25,
        ),
    ),
    (
        "BOT3",
        3,
        ManagedExits(
            stop_loss=-0.02,
            take_profit=0.03,
            time_limit_minutes=720,
            trailing_stop_ratio=0.005,
            trailing_activation_ratio=0.01,
            break_even_after_ratio=0.006,
        ),
    ),
    (
        "BOT3",
        4,
        ManagedExits(
            stop_loss=-0.015,
            take_profit=0.05,
            time_limit_minutes=1440,
            volatility_scaling=0.5,
            atr_reference_ratio=0.003,
            trailing_stop_ratio=0.0125,
            trailing_activation_ratio=0.0025,
            break_even_after_ratio=0.004,
            giveback_ratio=0.6,
            giveback_activation_ratio=0.02,
        ),
    ),
)
KINDS = ("giveback", "regime_exit", "trailing_stop", "break_even", "stop", "target", "time_limit")


def test_every_kind_of_exit_leaves_where_its_replay_leaves(tmp_path: Path) -> None:
    datadir = market_dir("ci")
    jobs = [
        Job(bot=bot, leverage=leverage, parameters=exits, starts_at=STARTS_AT, ends_at=ENDS_AT)
        for bot, leverage, exits in EXITS
    ]

    backtests = run_backtests(datadir, [f"{base}/USDT:USDT" for base in PAIRS], jobs, tmp_path)

    total = Comparison(title="BOT3: giveback, regime, trailing, break-even and time exits")
    for one in backtests:
        total.merge(compare(one, datadir, one.job.label))
    total.publish("b-managed-exits")
    assert set(KINDS) <= set(total.compared), total.lines()
    for kind in KINDS:
        assert total.reproduced[kind] >= BAR * total.compared[kind], "\n".join(total.lines())
    assert sum(total.compared[kind] for kind in KINDS) >= (5_000 if FULL else 200)
