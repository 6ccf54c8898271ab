"""The demo's backtests: freqtrade's own command, once for each bot and phase, offline."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from freqfleet.demo.market import DemoMarket
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import FreqfleetError
from freqfleet.exchange.freqtrade_runs import Completed, run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.report.demo_page import Phase
from freqfleet.settings import ENV_DELIMITER, ENV_PREFIX, Settings, StoreSettings
from freqfleet.trades.backtest_export import open_backtest
from freqfleet.trades.reading import Reading

STARTING_WALLET_QUOTE = 10_000.0
STAKE_QUOTE = 100.0
AT_ONCE = 2
TIMEOUT_SECONDS = 1800.0
OVERLAY_FILE = "offline-demo.json"
PARAMETERS_VARIABLE = f"{ENV_PREFIX}RUNTIME{ENV_DELIMITER}PARAMETERS"
FEEDERS_VARIABLE = f"{ENV_PREFIX}FEEDERS{ENV_DELIMITER}USE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One backtest: a bot over a part of the candles, trading on the book or on the defaults only."""

    bot: str
    phase: Phase
    starts_at: datetime
    ends_at: datetime

    @property
    def uses_book(self) -> bool:
        """True where the bot trades on what was published."""
        return self.phase in (Phase.LEARNED, Phase.FEEDERS)

    @property
    def uses_bank(self) -> bool:
        """True where trained feeders vote in the place of the rules."""
        return self.phase is Phase.FEEDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """What came out of a job."""

    job: Job
    strategy: str
    result_file: Path
    reading: Reading

    @property
    def trades(self) -> tuple[ClosedTrade, ...]:
        """The closed trades, oldest entry first."""
        return self.reading.trades


class DemoBacktests:
    """Runs jobs in a userdir of their own; results stay there.

    market : the candles, which also feed the loopback exchange.
    userdir : holds the strategies and configs that `freqfleet init` places.
    not_served : pairs that no job traded, because the exchange cannot serve them, with the reasons.
    """

    def __init__(self, market: DemoMarket, userdir: Path, settings: Settings) -> None:
        self._market = market
        self._userdir = userdir.resolve()
        self._settings = settings
        self.not_served: dict[str, str] = {}

    def run(self, jobs: Sequence[Job]) -> list[Backtest]:
        """Run the jobs, two at a time; raises FreqfleetError with freqtrade's last words where one fails."""
        market = self._market
        with LoopbackExchange(market.datadir, pairs=market.pairs) as exchange:
            self.not_served.update(exchange.skipped)
            overlay = self._userdir / "config" / OVERLAY_FILE
            overlay.write_text(json.dumps(self._overlay(exchange), indent=1) + "\n", encoding="utf-8")
            with ThreadPoolExecutor(max_workers=AT_ONCE) as workers:
                return list(workers.map(lambda job: self._one(job, overlay), jobs))

    def command(self, job: Job, overlay: Path) -> list[str]:
        """Return the freqtrade arguments of a job, as a person would type them."""
        bot = self._settings.bots[job.bot]
        return [
            "backtesting",
            "--config", str(self._userdir / "config" / f"{job.bot.lower()}.json"),
            "--config", str(overlay),
            "--strategy", bot.strategy,
            "--datadir", str(self._market.datadir.resolve()),
            "--timerange", f"{job.starts_at:%Y%m%d}-{job.ends_at:%Y%m%d}",
            "--fee", str(self._settings.costs.fee),
            "--export", "trades",
            "--backtest-directory", str(self._results_of(job)),
            "--cache", "none",
        ]  # fmt: skip

    def _one(self, job: Job, overlay: Path) -> Backtest:
        results = self._results_of(job)
        results.mkdir(parents=True, exist_ok=True)
        completed = run_freqtrade(
            self.command(job, overlay),
            self._userdir,
            env={
                **own_settings(os.environ),
                **store_variables(self._settings.store),
                PARAMETERS_VARIABLE: "book" if job.uses_book else "defaults",
                FEEDERS_VARIABLE: "bank" if job.uses_bank else "rules",
            },
            timeout_seconds=TIMEOUT_SECONDS,
        )
        (results / "freqtrade.log").write_text(completed.stderr, encoding="utf-8")
        if completed.returncode != 0:
            raise FreqfleetError(f"{job.bot} ({job.phase}): {_last_words(completed)}")
        strategy = self._settings.bots[job.bot].strategy
        export = open_backtest(results)
        return Backtest(
            job=job,
            strategy=strategy,
            result_file=export.path,
            reading=export.read(strategy, bot=job.bot),
        )

    def _results_of(self, job: Job) -> Path:
        return self._userdir / "backtest_results" / f"{job.bot.lower()}-{job.phase}"

    def _overlay(self, exchange: LoopbackExchange) -> dict[str, object]:
        overlay = exchange.overlay()
        overlay["exchange"]["pair_whitelist"] = list(exchange.pairs)
        overlay["exchange"]["pair_blacklist"] = []
        return {
            **overlay,
            "max_open_trades": len(exchange.pairs),
            "stake_amount": STAKE_QUOTE,
            "dry_run_wallet": STARTING_WALLET_QUOTE,
        }


def own_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set something for the bots as they do for this process.

    Where candles and store are, and whether a bot uses the book and the bank, is the demo's to say.
    """
    taken = tuple(ENV_PREFIX + section for section in ("STORE", "MARKET"))
    return {
        name: value
        for name, value in environment.items()
        if name.upper().startswith(ENV_PREFIX)
        and not name.upper().startswith(taken)
        and name.upper() not in (PARAMETERS_VARIABLE, FEEDERS_VARIABLE)
    }


def store_variables(store: StoreSettings) -> dict[str, str]:
    """Return the variables that give a bot this store; the secret goes where only its process sees it."""
    prefix = f"{ENV_PREFIX}STORE{ENV_DELIMITER}"
    values = {"URL": store.url, "TIMEOUT_SECONDS": str(store.timeout_seconds)}
    if store.token is not None:
        values["TOKEN"] = store.token.get_secret_value()
    if store.token_file is not None:
        values["TOKEN_FILE"] = str(store.token_file.resolve())
    return {prefix + name: value for name, value in values.items()}


def _last_words(completed: Completed) -> str:
    errors = [line for line in completed.stderr.splitlines() if " ERROR " in line or "Error" in line]
    said = errors[-1] if errors else completed.tail(3)
    return f"freqtrade ended with {completed.returncode}: {said.strip()}"
