"""`freqfleet demo` as people run it: offline, on a small sample, and what the other verbs say after it."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freqfleet.clock import iso
from freqfleet.demo.loop import MARKER
from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.sides import Side
from freqfleet.exchange.freqtrade_runs import Completed, run_command
from freqfleet.market.sample_pairs import SAMPLE_PAIRS
from freqfleet.report.demo_page import DemoPage, Phase, from_json
from freqfleet.settings import load_settings
from freqfleet.signals.feeders.registry import FEEDERS
from freqfleet.store.sql import SqlStore
from network_namespace import isolation

pytestmark = pytest.mark.acceptance

PROGRAM = [sys.executable, "-c", "from freqfleet.cli import main; main()"]
PAIRS = [one.pair for one in SAMPLE_PAIRS[:4]]
DAYS = 20
# So few days hold too few trades for the settings that ship; the loop is the same.
ENVIRONMENT = {"FREQFLEET_OPTIMIZER__MIN_TRADES": "5", "FREQFLEET_OPTIMIZER__TRIALS": "15"}
STRATEGIES = {"BOT1": "BOT1LongStrategy", "BOT2": "BOT2ShortStrategy", "BOT3": "BOT3MetaStrategyAdaptive"}
DECISION_KEYS = {
    "pair", "side", "verdict", "reason", "stop_loss", "take_profit", "volatility_multiplier", "trades",
    "effective_trades", "claim_bps", "p_value", "e_value", "train_profit", "test_profit",
    "incumbent_test_profit", "version",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that has ended."""

    out: Path
    done: Completed
    isolated: bool
    stale: Path

    @property
    def userdir(self) -> Path:
        return self.out / "user_data"

    def page(self) -> DemoPage:
        return from_json(json.loads((self.out / "report.json").read_text(encoding="utf-8")))

    def freqfleet(self, *arguments: str) -> Completed:
        command = [*PROGRAM, "--userdir", str(self.userdir), *arguments]
        return run_command(command, cwd=self.out.parent, env=ENVIRONMENT)

    def exported(self, bot: str, phase: Phase) -> list[dict[str, Any]]:
        """Return what freqtrade itself wrote into its result file."""
        folder = self.userdir / "backtest_results" / f"{bot.lower()}-{phase}"
        (file,) = folder.glob("*.zip")
        with zipfile.ZipFile(file) as archive:
            result = json.loads(archive.read(f"{file.stem}.json"))
        return list(result["strategy"][STRATEGIES[bot]]["trades"])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run it once, where an earlier demo was, without a network where this machine can take it away."""
    from freqfleet.market.sample import write_sample  # imports freqtrade

    folder = tmp_path_factory.mktemp("demo")
    write_sample(folder / "market", pairs=len(PAIRS), days=DAYS)
    out = folder / "out"
    stale = out / "user_data" / "backtest_results" / "bot1-learning" / "yesterday.zip"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"the result of an earlier demo")
    (out / MARKER).write_text("", encoding="utf-8")
    prefix, _ = isolation()
    command = [*PROGRAM, "demo", "--market", str(folder / "market"), "--out", str(out)]
    done = run_command(_with_loopback_only(prefix, command), cwd=folder, env=ENVIRONMENT)
    return Demo(out=out, done=done, isolated=bool(prefix), stale=stale)


def _with_loopback_only(prefix: Sequence[str], command: Sequence[str]) -> list[str]:
    if not prefix:
        return list(command)
    return [*prefix, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]


def test_it_ends_well_and_leaves_a_report(demo: Demo) -> None:
    assert demo.done.returncode == 0, demo.done.tail()
    assert str(demo.out / "report.html") in demo.done.stdout
    html = (demo.out / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert all(pair.partition("/")[0] in html for pair in PAIRS)
    assert demo.page().market.synthetic


def test_it_needs_no_network(demo: Demo) -> None:
    if not demo.isolated:
        pytest.skip(f"the demo ran with a network: {isolation()[1]}")

    assert demo.done.returncode == 0, demo.done.tail()


def test_an_earlier_demo_in_the_same_folder_was_replaced(demo: Demo) -> None:
    assert not demo.stale.exists()
    assert (demo.out / MARKER).is_file()  # so that the next one may, too


def test_every_bot_traded_its_own_side_before_the_split_and_bot3_after_it(demo: Demo) -> None:
    page = demo.page()

    runs = {(one.bot, one.phase): one for one in page.bots}
    assert set(runs) == {
        *((bot, Phase.LEARNING) for bot in STRATEGIES),
        ("BOT3", Phase.DEFAULTS),
        ("BOT3", Phase.LEARNED),
        ("BOT3", Phase.FEEDERS),
    }
    assert all(one.trades > 0 for one in runs.values())
    assert runs["BOT1", Phase.LEARNING].shorts == runs["BOT2", Phase.LEARNING].longs == 0
    for (bot, phase), run in runs.items():
        trades = demo.exported(bot, phase)
        assert run.trades == len(trades)
        opened = [one["open_timestamp"] / 1000 for one in trades]
        split = page.market.split_at.timestamp()
        assert max(opened) < split if phase is Phase.LEARNING else min(opened) >= split


def test_trained_feeders_vote_in_their_own_run_and_rules_in_all_others(demo: Demo) -> None:
    rules = {feeder.name for feeder in FEEDERS}

    for run in demo.page().bots:
        learned = run.phase is Phase.FEEDERS
        assert rules.isdisjoint(run.entry_feeders) if learned else set(run.entry_feeders) <= rules
    assert "out of fold" in str(demo.page().feeders).lower()


def test_every_exported_trade_is_in_the_store_once_and_the_second_sync_added_none(demo: Demo) -> None:
    store = SqlStore(f"sqlite:///{demo.userdir / 'learning.sqlite'}")
    stored = store.closed_trades()
    store.close()

    for line in demo.page().sync:
        exported = demo.exported(line.bot, Phase.LEARNING)
        of_bot = [one for one in stored if one.bot == line.bot]
        assert line.exported == line.stored == line.duplicate_second_run == len(exported) > 0
        assert sorted(
            _fact(one.pair, one.side, one.opened_at.timestamp(), one.profit_quote) for one in of_bot
        ) == sorted(
            _fact(
                one["pair"],
                Side.of(is_short=one["is_short"]),
                one["open_timestamp"] / 1000,
                one["profit_abs"],
            )
            for one in exported
        )
    assert {one.bot for one in stored} == set(STRATEGIES)
    assert {one.mode for one in stored} == {TradeMode.BACKTEST}


def _fact(pair: str, side: Side, opened: float, profit_quote: float) -> tuple[str, str, int, float]:
    return pair, side.value, round(opened), round(profit_quote, 8)


def test_there_is_a_decision_for_every_pair_and_side_and_some_were_searched(demo: Demo) -> None:
    decisions = demo.page().decisions

    assert [(one.pair, one.side) for one in decisions] == [
        (pair, side) for pair in sorted(PAIRS) for side in Side
    ]
    assert all(one.reason for one in decisions)
    # The environment reached the optimizer: with the 60 trades of the settings that ship, none would be.
    assert any(one.evidence.candidates for one in decisions)


def test_the_bots_ran_on_the_same_settings_as_the_optimizer(demo: Demo) -> None:
    wanted = load_settings(demo.userdir).runtime.leverage

    leverages = {one["leverage"] for bot in STRATEGIES for one in demo.exported(bot, Phase.LEARNING)}

    assert leverages == {wanted}


def test_the_book_can_be_explained_afterwards(demo: Demo) -> None:
    told = demo.freqfleet("params", "explain", "BTC/USDT:USDT", "--side", "long", "--leverage", "2.2")

    assert told.returncode == 0, told.tail()
    words = " ".join(told.stdout.split())
    assert "BTC/USDT:USDT long" in words
    links = [words.index(link) for link in ("pair BTC/USDT:USDT long:", "inherited", "default")]
    assert links == sorted(links)  # the chain, nearest first
    assert "at 2.2x" in words
    assert "closed after" in words


def test_the_run_can_be_repeated_from_the_command_line(demo: Demo) -> None:
    split = iso(demo.page().market.split_at)
    datadir = {"FREQFLEET_MARKET__DATADIR": str(demo.out.parent / "market")}

    asked = run_command(
        [*PROGRAM, "--userdir", str(demo.userdir), "optimize", "--as-of", split, "--dry-run", "--json", "-"],
        cwd=demo.out.parent,
        env={**ENVIRONMENT, **datadir},
    )

    document = json.loads(asked.stdout)
    decided = {(one["pair"], one["side"]): one for one in document["decisions"]}
    assert asked.returncode in (0, 1), asked.tail()
    assert (document["schema"], document["as_of"], document["dry_run"]) == (1, split, True)
    assert set(decided) == {(pair, side.value) for pair in PAIRS for side in Side}
    assert all(set(one) >= DECISION_KEYS for one in decided.values())
    for one in demo.page().decisions:
        assert decided[one.pair, one.side.value]["trades"] == one.evidence.trades
