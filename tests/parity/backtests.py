"""Real backtests to compare with: freqtrade's own command on real candles, offline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from freqfleet.clock import to_ms
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.exchange.freqtrade_runs import Completed, run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.skeleton import place_skeleton
from freqfleet.store.sql import SqlStore
from freqfleet.trades.backtest_export import open_backtest

STRATEGIES = {"BOT1": "BOT1LongStrategy", "BOT2": "BOT2ShortStrategy", "BOT3": "BOT3MetaStrategyAdaptive"}
# BOT3 wants agreement and finds it seldom: one vote is enough here, the exits are what is compared.
MIN_VOTES = {"BOT1": 2, "BOT2": 2, "BOT3": 1}
FEE_RATIO = 0.0005
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
AT_ONCE = 2
TIMEOUT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One backtest.

    parameters : the exits of every position; with volatility scaling or what follows the path they are
        published in a store, without they are the settings' defaults.
    inside_liquidation : False lets a stop lie beyond the price at which the exchange liquidates.
    detail : freqtrade's --timeframe-detail, or None.
    """

    bot: str
    leverage: int
    parameters: ExitParameters
    starts_at: datetime
    ends_at: datetime
    detail: str | None = None
    inside_liquidation: bool = True

    @property
    def published(self) -> bool:
        """True where the exits come from the learning store."""
        return self.parameters.volatility_scaling != 0.0 or isinstance(self.parameters, ManagedExits)

    @property
    def label(self) -> str:
        """How tables name this run."""
        scaled = ", volatility" if self.parameters.volatility_scaling else ""
        return f"{self.bot} {self.leverage}x, {self._exits}{scaled}{self._managed}"

    @property
    def _managed(self) -> str:
        one = self.parameters
        if not isinstance(one, ManagedExits):
            return ""
        giveback = f", giveback {one.giveback_ratio:g}" if one.giveback_ratio else ""
        trailing = f", trailing {one.trailing_stop_ratio:g}" if one.trailing_stop_ratio else ""
        even = f", break-even {one.break_even_after_ratio:g}" if one.break_even_after_ratio else ""
        regime = f", regime {one.regime_exit_z:g}" if one.regime_exit_z else ""
        return giveback + trailing + even + regime

    @property
    def _exits(self) -> str:
        one = self.parameters
        barriers = f"{100 * one.stop_loss:+g} / {100 * one.take_profit:+g} %"
        return f"{barriers}, {one.time_limit_minutes} min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """A job and the trades it exported: `stop_rates` are the stops in force when they ended."""

    job: Job
    trades: tuple[ClosedTrade, ...]
    stop_rates: dict[tuple[str, int], float]

    def stop_rate(self, trade: ClosedTrade) -> float:
        """Return the stop of a trade; a pair has one position at a time."""
        return self.stop_rates[trade.pair, to_ms(trade.opened_at)]


def run_backtests(datadir: Path, pairs: Sequence[str], jobs: Sequence[Job], folder: Path) -> list[Backtest]:
    """Run jobs two at a time, each in a userdir of its own below `folder`."""
    with LoopbackExchange(datadir, pairs=pairs) as exchange:
        overlay = exchange.overlay()
        overlay["exchange"] |= {"pair_whitelist": list(exchange.pairs), "pair_blacklist": []}
        overlay |= {"max_open_trades": len(pairs), "stake_amount": 100, "dry_run_wallet": 100_000}
        with ThreadPoolExecutor(max_workers=AT_ONCE) as workers:
            numbered = list(enumerate(jobs))
            return list(
                workers.map(lambda one: _run(one[1], datadir, overlay, folder / f"{one[0]}"), numbered)
            )


def _run(job: Job, datadir: Path, overlay: dict[str, Any], folder: Path) -> Backtest:
    userdir = folder / "user_data"
    place_skeleton(userdir)
    for name in ("data", "backtest_results", "logs"):
        (userdir / name).mkdir()
    config = userdir / "config"
    (config / "offline.json").write_text(json.dumps(overlay), encoding="utf-8")
    if job.published:
        _publish(job.parameters, userdir / "learning.sqlite")
    done = run_freqtrade(
        _command(job, datadir, userdir), userdir, env=_environment(job), timeout_seconds=TIMEOUT_SECONDS
    )
    _must_have_worked(job, done)
    export = open_backtest(userdir / "backtest_results")
    strategy = STRATEGIES[job.bot]
    reading = export.read(strategy, bot=job.bot)
    assert not reading.dropped, reading.dropped
    raw = export.trades_by_strategy[strategy]
    return Backtest(
        job=job,
        trades=reading.trades,
        stop_rates={(one["pair"], one["open_timestamp"]): one["stop_loss_abs"] for one in raw},
    )


def _command(job: Job, datadir: Path, userdir: Path) -> list[str]:
    config = userdir / "config"
    detail = [] if job.detail is None else ["--timeframe-detail", job.detail]
    return [
        "backtesting",
        "--config", str(config / f"{job.bot.lower()}.json"),
        "--config", str(config / "offline.json"),
        "--strategy", STRATEGIES[job.bot],
        "--datadir", str(datadir),
        "--timerange", f"{job.starts_at:%Y%m%d}-{job.ends_at:%Y%m%d}",
        "--fee", str(FEE_RATIO),
        "--export", "trades",
        "--cache", "none",
        *detail,
    ]  # fmt: skip


def _environment(job: Job) -> dict[str, str]:
    exits = {} if job.published else {
        "FREQFLEET_DEFAULTS__STOP_LOSS": str(job.parameters.stop_loss),
        "FREQFLEET_DEFAULTS__TAKE_PROFIT": str(job.parameters.take_profit),
        "FREQFLEET_DEFAULTS__TIME_LIMIT_MINUTES": str(job.parameters.time_limit_minutes),
    }  # fmt: skip
    return {
        "FREQFLEET_RUNTIME__LEVERAGE": str(job.leverage),
        "FREQFLEET_RUNTIME__STOP_INSIDE_LIQUIDATION": str(job.inside_liquidation),
        "FREQFLEET_RUNTIME__PARAMETERS": "book" if job.published else "defaults",
        "FREQFLEET_RUNTIME__MIN_VOTES": str(MIN_VOTES[job.bot]),
        **exits,
    }


def _publish(parameters: ExitParameters, file: Path) -> None:
    """Publish the parameters for every pair, long before the first trade."""
    store = SqlStore(f"sqlite:///{file}", timeout_seconds=10.0)
    try:
        receipt = store.publish_parameters(
            [
                ParameterVersion(
                    key=ParameterKey(side=side),
                    parameters=parameters,
                    source=ExitSource.OPTUNA,
                    valid_from=LONG_AGO,
                    recorded_at=LONG_AGO,
                    learned_until=LONG_AGO,
                    run_id="parity",
                )
                for side in Side
            ]
        )
    finally:
        store.close()
    assert receipt.accepted == len(Side), receipt


def _must_have_worked(job: Job, done: Completed) -> None:
    assert done.returncode == 0, f"{job.label}: {done.tail()}"
    # A strategy that faults answers with the safe default; such a backtest would prove nothing.
    faults = [line for line in done.stderr.splitlines() if "freqfleet" in line and " ERROR " in line]
    assert not faults, f"{job.label}: {faults[0]}"
