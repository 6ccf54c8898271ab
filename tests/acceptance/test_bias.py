"""freqtrade's own searches for look-ahead and for indicators that depend on where the history begins.

The bots trade on a book that changes every twelve hours, as a walk-forward published it.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fleet_runs import BOTS, Stretch, fleet_userdir, host_configs
from freqfleet.exchange.freqtrade_runs import Completed, run_freqtrade
from freqfleet.exchange.loopback import LoopbackExchange
from walked_books import seeded_trades, walk_through

pytestmark = pytest.mark.acceptance

STARTUP_CANDLES = 600  # the strategies' own
TOO_FEW_CANDLES = 250  # the trend feeder abstains: shows that the search sees what differs
DIFFERENCE_PERCENT = 0.1
BOOK_IN_USE = "Loaded Optuna params for 2 pairs"
NO_LOOKAHEAD = "No lookahead bias on indicators found."


@pytest.fixture(scope="module")
def week(real_or_sample: Stretch) -> Stretch:
    """The last days of two pairs."""
    starts_at = real_or_sample.ends_at - timedelta(days=6)
    return replace(real_or_sample, pairs=real_or_sample.pairs[:2], starts_at=starts_at)


@pytest.fixture(scope="module")
def lookahead(week: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, dict[str, str]]:
    """What lookahead-analysis found, by strategy."""
    with LoopbackExchange(week.datadir) as exchange:
        userdir = fleet_userdir(tmp_path_factory.mktemp("lookahead"), exchange, week.pairs)
        publish_book(userdir, week)
        found = userdir / "lookahead.csv"
        args = ["lookahead-analysis", *host_configs(userdir, "BOT3"), "--strategy-list", *BOTS.values()]
        args += ["--datadir", str(week.datadir), "--timerange", week.timerange]
        args += ["--minimum-trade-amount", "10", "--targeted-trade-amount", "15"]
        done = run_freqtrade([*args, "--lookahead-analysis-exportfilename", str(found)], userdir)
    assert done.returncode == 0, done.tail()
    assert BOOK_IN_USE in done.stderr
    assert found.is_file(), done.tail()  # freqtrade leaves out strategies with too few trades
    with found.open(encoding="utf-8", newline="") as file:
        return {row["strategy"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def recursive(week: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Completed:
    """What recursive-analysis said of the three strategies; it has no option for several."""
    with LoopbackExchange(week.datadir) as exchange:
        userdir = fleet_userdir(tmp_path_factory.mktemp("recursive"), exchange, week.pairs)
        publish_book(userdir, week)
        three = userdir / "config" / "three.json"
        three.write_text(json.dumps({"strategy_list": list(BOTS.values())}), encoding="utf-8")
        args = ["recursive-analysis", *host_configs(userdir, "BOT3"), "-c", str(three)]
        args += ["--datadir", str(week.datadir), "--timerange", week.timerange, "-p", week.pairs[0]]
        counts = [str(count) for count in (TOO_FEW_CANDLES, STARTUP_CANDLES, 2000)]
        done = run_freqtrade([*args, "--startup-candle", *counts], userdir)
    assert done.returncode == 0, done.tail()
    assert BOOK_IN_USE in done.stderr
    return done


def publish_book(userdir: Path, week: Stretch) -> None:
    """Give the bots a book whose parameters change inside the week."""
    trades = seeded_trades(week, before=week.ends_at)
    versions = walk_through(userdir / "learning.sqlite", week, trades, until=week.ends_at)
    inside = [one for one in versions if week.starts_at < one.recorded_at < week.ends_at]
    assert len({one.recorded_at for one in inside}) >= 2
    assert {one.key.pair for one in versions} == set(week.pairs)


@pytest.mark.parametrize("strategy", BOTS.values())
def test_no_entry_exit_or_indicator_knows_the_future(
    strategy: str, lookahead: Mapping[str, dict[str, str]]
) -> None:
    found = lookahead[strategy]

    assert int(found["total_signals"]) > 10
    assert found["has_bias"] == "False", found
    assert found["biased_indicators"] == ""


def test_indicators_alone_know_no_future_either(recursive: Completed) -> None:
    found = [line for line in recursive.stderr.splitlines() if "found lookahead" in line]

    assert found == []
    assert recursive.stderr.count(NO_LOOKAHEAD) == len(BOTS)


def test_the_startup_candles_of_the_strategies_are_enough(recursive: Completed) -> None:
    table = differences(recursive.stdout)

    enough = table[f"{STARTUP_CANDLES} (from strategy)"]
    too_few = table[str(TOO_FEW_CANDLES)]
    assert too_few.count("-25.000%") == 2 * len(BOTS)  # voters, long and short: three of four
    assert [cell for cell in enough if not is_small(cell)] == []
    assert [cell for cell in table["2000"] if not is_small(cell)] == []


def is_small(cell: str) -> bool:
    """`-` is no difference; `nan%` stands where one of two values is 0 or unknown, and is not small."""
    return cell == "-" or abs(float(cell.removesuffix("%"))) < DIFFERENCE_PERCENT


def differences(stdout: str) -> dict[str, list[str]]:
    """Return the cells of the table by column: one row for each indicator that differs somewhere."""
    rows = [line.strip() for line in stdout.splitlines() if line.startswith(("┃", "│"))]
    assert rows, f"no table in: {stdout}"
    names, *cells = [[cell.strip() for cell in row.strip("┃│").replace("┃", "│").split("│")] for row in rows]
    return {name: list(column) for name, column in zip(names, zip(*cells, strict=True), strict=True)}
