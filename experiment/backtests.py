"""Backtests of the experiment: freqtrade's own command, one for each bot and arm, offline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from experiment import ROOT
from experiment.markets import Market
from freqfleet.clock import iso
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import FreqfleetError
from freqfleet.exchange.freqtrade_runs import run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.settings import Settings
from freqfleet.skeleton import place_skeleton
from freqfleet.store.sql import SqlStore
from freqfleet.trades.backtest_export import open_backtest
from freqfleet.trades.reading import Reading

STAKE_QUOTE = 100.0
# Never so little that a trade of one arm could not be paid for: pairs do not compete for money.
WALLET_QUOTE = 1_000_000.0
TIMEOUT_SECONDS = 6 * 3600.0
OVERLAY_FILE = "experiment.json"


class Arm(StrEnum):
    """What the bots trade on."""

    DEFAULTS = "defaults"
    LEARNED = "learned"
    HOLDOUT = "holdout"

    @property
    def described(self) -> str:
        """The arm in words."""
        return _DESCRIBED[self]


_DESCRIBED = {
    Arm.DEFAULTS: "the defaults of `fleet.toml`",
    Arm.LEARNED: "walk-forward parameters through the gate",
    Arm.HOLDOUT: "walk-forward parameters through the seed's hold-out gate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """One bot in one arm. seconds : of wall time that freqtrade took."""

    bot: str
    arm: Arm
    reading: Reading
    seconds: float

    @property
    def trades(self) -> tuple[ClosedTrade, ...]:
        """The closed trades, oldest entry first."""
        return self.reading.trades


@dataclass(slots=True)
class Backtests:
    """Runs bots on a market below `folder`. at_once : how many freqtrade processes.

    resume : take the result of an earlier call that asked the same and was finished.
    userdir : holds what `freqfleet init` places. not_served : pairs that no bot trades, with the reasons.
    """

    market: Market
    folder: Path
    settings: Settings
    at_once: int
    resume: bool = False
    not_served: dict[str, str] = field(default_factory=dict)

    @property
    def userdir(self) -> Path:
        """freqtrade's user_data folder of this market."""
        return (self.folder / "user_data").resolve()

    def store_url(self, arm: Arm) -> str:
        """Return where the learning store of an arm is."""
        return f"sqlite:///{self.userdir / f'{arm}.sqlite'}"

    def prepare(self) -> None:
        """Make the userdir."""
        place_skeleton(self.userdir)
        for name in ("data", "backtest_results", "logs"):
            (self.userdir / name).mkdir(exist_ok=True)

    def run(self, asked: Sequence[tuple[str, Arm]]) -> list[Backtest]:
        """Run bots in arms; raises FreqfleetError with freqtrade's last words where one fails."""
        with self._exchange() as overlay, ThreadPoolExecutor(max_workers=self.at_once) as workers:
            return list(workers.map(lambda one: self._one(*one, overlay), asked))

    @contextmanager
    def _exchange(self) -> Iterator[Path]:
        with LoopbackExchange(self.market.datadir, pairs=self.market.pairs) as exchange:
            self.not_served.update(exchange.skipped)
            overlay = exchange.overlay()
            overlay["exchange"] |= {"pair_whitelist": list(exchange.pairs), "pair_blacklist": []}
            overlay |= {
                "max_open_trades": len(exchange.pairs),
                "stake_amount": STAKE_QUOTE,
                "dry_run_wallet": WALLET_QUOTE,
                "futures_funding_rate": 0,  # where there is no funding history
            }
            file = self.userdir / "config" / OVERLAY_FILE
            file.write_text(json.dumps(overlay, indent=1) + "\n", encoding="utf-8")
            yield file

    def _one(self, bot: str, arm: Arm, overlay: Path) -> Backtest:
        strategy = self.settings.bots[bot].strategy
        results = self.userdir / "backtest_results" / f"{bot.lower()}-{arm}"
        results.mkdir(parents=True, exist_ok=True)
        asked, note = self._asked(bot, arm), results / "asked.json"
        if not (self.resume and note.is_file() and json.loads(note.read_text(encoding="utf-8")) == asked):
            note.unlink(missing_ok=True)
            seconds = self._freqtrade(bot, arm, overlay, results)
            (results / "seconds").write_text(f"{seconds:.1f}", encoding="utf-8")
            note.write_text(json.dumps(asked), encoding="utf-8")
        took = results / "seconds"
        return Backtest(
            bot=bot,
            arm=arm,
            reading=open_backtest(results).read(strategy, bot=bot),
            seconds=float(took.read_text(encoding="utf-8")) if took.is_file() else 0.0,
        )

    def _freqtrade(self, bot: str, arm: Arm, overlay: Path, results: Path) -> float:
        market = self.market
        done = run_freqtrade(
            [
                "backtesting",
                "--config", str(self.userdir / "config" / f"{bot.lower()}.json"),
                "--config", str(overlay),
                "--strategy", self.settings.bots[bot].strategy,
                "--datadir", str(market.datadir.resolve()),
                "--timerange", f"{market.starts_at:%Y%m%d}-{market.ends_at:%Y%m%d}",
                "--fee", str(self.settings.costs.fee),
                "--export", "trades",
                "--backtest-directory", str(results),
                "--cache", "none",
            ],
            self.userdir,
            env={
                "PYTHONPATH": str(ROOT / "user_data" / "services"),
                "FREQFLEET_RUNTIME__PARAMETERS": "defaults" if arm is Arm.DEFAULTS else "book",
                "FREQFLEET_STORE__URL": self.store_url(arm),
            },
            timeout_seconds=TIMEOUT_SECONDS,
        )  # fmt: skip
        (results / "freqtrade.log").write_text(done.stderr, encoding="utf-8")
        if done.returncode != 0:
            raise FreqfleetError(f"{bot}, {arm}: {done.tail(5)}")
        return done.seconds

    def _asked(self, bot: str, arm: Arm) -> dict[str, Any]:
        """Return what a result depends on, but for the program itself."""
        market = self.market
        versions: list[str] = []
        bins = ""
        if arm is not Arm.DEFAULTS:
            with closing(SqlStore(self.store_url(arm))) as store:
                versions = sorted(one.version_id for one in store.parameter_versions())
                bins = _digest(store.bin_records())
        return {
            "bot": bot,
            "pairs": list(market.pairs),
            "time": [iso(market.starts_at), iso(market.ends_at)],
            "versions": versions,
            "bins": bins,
        }


def _digest(records: Sequence[BinRecord]) -> str:
    text = json.dumps([one.to_dict() for one in records], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest() if records else ""
