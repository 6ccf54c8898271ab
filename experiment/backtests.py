"""Backtests of the experiment: freqtrade's own command, for each arm and part of the pairs, offline."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from experiment import ROOT
from experiment.markets import Market
from experiment.parts import parts_of
from freqfleet.clock import iso
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import FreqfleetError
from freqfleet.exchange.freqtrade_runs import run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.report.formats import plural
from freqfleet.settings import Settings
from freqfleet.skeleton import place_skeleton
from freqfleet.store.sql import SqlStore
from freqfleet.trades.backtest_export import BacktestExport, open_backtest
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
    """One bot in one arm, on all pairs."""

    bot: str
    arm: Arm
    reading: Reading

    @property
    def trades(self) -> tuple[ClosedTrade, ...]:
        """The closed trades, oldest entry first."""
        return self.reading.trades


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one freqtrade process is asked: bots of an arm, one after the other, on some of the pairs."""

    arm: Arm
    bots: tuple[str, ...]
    pairs: tuple[str, ...]
    number: int
    results: Path


@dataclass(slots=True)
class Backtests:
    """Runs bots on a market below `folder`. at_once : how many freqtrade processes.

    resume : take the results of an earlier call that asked the same and were finished.
    tell : gets a line whenever a process has ended.
    userdir : holds what `freqfleet init` places. not_served : pairs that no bot trades, with the reasons.
    seconds : of wall time that freqtrade took so far, all processes together.
    """

    market: Market
    folder: Path
    settings: Settings
    at_once: int
    resume: bool = False
    tell: Callable[[str], None] = lambda _: None
    not_served: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

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

    def run(self, asked: Mapping[Arm, Sequence[str]]) -> list[Backtest]:
        """Run the bots of each arm; raises FreqfleetError with freqtrade's last words where one fails.

        The bots of an arm share a process: candles and price steps are read once for all of them.
        """
        with LoopbackExchange(self.market.datadir, pairs=self.market.pairs) as exchange:
            self.not_served.update(exchange.skipped)
            dealt = parts_of(exchange.pairs, self.market.whole, at_once=self.at_once)
            parts = [
                self._part(arm, bots, pairs, number)
                for arm, bots in asked.items()
                for number, pairs in enumerate(dealt, start=1)
                if bots
            ]
            with ThreadPoolExecutor(max_workers=self.at_once) as workers:
                ended = (
                    workers.submit(self._finish, one, exchange.overlay(), f"{number} of {len(parts)}")
                    for number, one in enumerate(parts, start=1)
                )
                self.seconds += sum(one.result() for one in list(ended))
        return [
            Backtest(bot=bot, arm=arm, reading=self._reading(bot, [one for one in parts if one.arm is arm]))
            for arm, bots in asked.items()
            for bot in bots
        ]

    def _part(self, arm: Arm, bots: Sequence[str], pairs: tuple[str, ...], number: int) -> _Part:
        results = self.userdir / "backtest_results" / f"{arm}-{number}"
        results.mkdir(parents=True, exist_ok=True)
        return _Part(arm=arm, bots=tuple(bots), pairs=pairs, number=number, results=results)

    def _finish(self, part: _Part, overlay: dict[str, Any], shown: str) -> float:
        """Make sure that the results of a part are there; return the seconds freqtrade took for them."""
        asked, note = self._asked(part), part.results / "asked.json"
        known = json.loads(note.read_text(encoding="utf-8")) if self.resume and note.is_file() else {}
        what = f"{self.market.name}, {part.arm}: {', '.join(part.bots)} on {plural(len(part.pairs), 'pair')}"
        if known.get("asked") == asked:
            self.tell(f"{what}: taken from an earlier run ({shown})")
            return float(known["seconds"])
        note.unlink(missing_ok=True)
        seconds = self._freqtrade(part, overlay)
        note.write_text(json.dumps({"asked": asked, "seconds": seconds}), encoding="utf-8")
        self.tell(f"{what}: {seconds:.0f} s ({shown})")
        return seconds

    def _reading(self, bot: str, parts: Sequence[_Part]) -> Reading:
        """Return the trades of a bot on all pairs."""
        strategy = self.settings.bots[bot].strategy
        exports = [open_backtest(one.results) for one in parts]
        trades = [trade for one in exports for trade in one.trades_by_strategy[strategy]]
        return BacktestExport(exports[0].path, {strategy: trades}).read(strategy, bot=bot)

    def _freqtrade(self, part: _Part, overlay: dict[str, Any]) -> float:
        market = self.market
        done = run_freqtrade(
            [
                "backtesting",
                # The bots' configs are alike but for names; a test compares.
                "--config", str(self.userdir / "config" / f"{part.bots[0].lower()}.json"),
                "--config", str(self._overlay_file(part, overlay)),
                "--strategy-list", *(self.settings.bots[bot].strategy for bot in part.bots),
                "--datadir", str(market.datadir.resolve()),
                "--timerange", f"{market.starts_at:%Y%m%d}-{market.ends_at:%Y%m%d}",
                "--fee", str(self.settings.costs.fee),
                "--export", "trades",
                "--backtest-directory", str(part.results),
                "--cache", "none",
            ],
            self.userdir,
            env={
                "PYTHONPATH": str(ROOT / "user_data" / "services"),
                "FREQFLEET_RUNTIME__PARAMETERS": "defaults" if part.arm is Arm.DEFAULTS else "book",
                "FREQFLEET_STORE__URL": self.store_url(part.arm),
            },
            timeout_seconds=TIMEOUT_SECONDS,
        )  # fmt: skip
        (part.results / "freqtrade.log").write_text(done.stderr, encoding="utf-8")
        if done.returncode != 0:
            raise FreqfleetError(f"{', '.join(part.bots)}, {part.arm}: {done.tail(5)}")
        return done.seconds

    def _overlay_file(self, part: _Part, overlay: dict[str, Any]) -> Path:
        overlay["exchange"] |= {"pair_whitelist": list(part.pairs), "pair_blacklist": []}
        overlay |= {
            "max_open_trades": len(part.pairs),
            "stake_amount": STAKE_QUOTE,
            "dry_run_wallet": WALLET_QUOTE,
            "futures_funding_rate": 0,  # where there is no funding history
        }
        file = part.results / OVERLAY_FILE
        file.write_text(json.dumps(overlay, indent=1) + "\n", encoding="utf-8")
        return file

    def _asked(self, part: _Part) -> dict[str, Any]:
        """Return what a result depends on, but for the program itself."""
        market = self.market
        versions: list[str] = []
        bins = ""
        if part.arm is not Arm.DEFAULTS:
            with closing(SqlStore(self.store_url(part.arm))) as store:
                versions = sorted(one.version_id for one in store.parameter_versions())
                bins = _digest(store.bin_records())
        return {
            "bots": list(part.bots),
            "pairs": list(part.pairs),
            "time": [iso(market.starts_at), iso(market.ends_at)],
            "versions": versions,
            "bins": bins,
        }


def _digest(records: Sequence[BinRecord]) -> str:
    text = json.dumps([one.to_dict() for one in records], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest() if records else ""
