"""Breakers and kill switch in freqtrade's own backtest: there with --enable-protections, and only then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet_runs import BOTS, Stretch, backtest, fleet_userdir, log_of
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles

pytestmark = pytest.mark.acceptance

Trades = tuple[ClosedTrade, ...]
BOT1, BOT3 = BOTS["BOT1"], BOTS["BOT3"]
ENTRIES, COOLDOWN = 3, timedelta(minutes=90)
DAILY_LOSS, LOSSES, PAUSE = 0.02, 5, timedelta(hours=2)
DRAWDOWN, DRAWDOWN_PAUSE = 0.10, timedelta(days=1)
WALLET = 10_000.0
# One position at a time, which is lost more often than not: a quarter of a percent of the wallet.
ONE_BY_ONE = {
    "max_open_trades": 1, "dry_run_wallet": WALLET, "tradable_balance_ratio": 0.99, "stake_amount": 2_500
}  # fmt: skip
SMALL_LOSSES = {
    "FREQFLEET_RUNTIME__PARAMETERS": "defaults",
    "FREQFLEET_RUNTIME__MIN_VOTES": "1",
    "FREQFLEET_DEFAULTS__STOP_LOSS": "-0.0025",
    "FREQFLEET_DEFAULTS__TAKE_PROFIT": "0.05",
    "FREQFLEET_DEFAULTS__TIME_LIMIT_MINUTES": "60",
    "FREQFLEET_KILL_SWITCH__YELLOW_DRAWDOWN": "0",
    "FREQFLEET_KILL_SWITCH__RED_DRAWDOWN": "0",
}
BREAKERS = ("DAILY_LOSS", "DRAWDOWN", "CONSECUTIVE_LOSSES", "TRADES_PER_DAY", "COOLDOWN_MINUTES")


def breakers(**on: float) -> dict[str, str]:
    """Return the settings that switch these breakers on and the others off."""
    listed = {f"FREQFLEET_BREAKERS__{name}": str(on.get(name.lower(), 0)) for name in BREAKERS}
    return {"FREQFLEET_BREAKERS__ENABLED": "true", **listed}


@pytest.fixture(scope="module")
def exchange(sample_stretch: Stretch) -> Iterator[LoopbackExchange]:
    with LoopbackExchange(sample_stretch.datadir) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def runs(
    sample_stretch: Stretch, exchange: LoopbackExchange, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Trades]:
    """The same bot on the same candles under different breakers; `free` has none."""
    counted = breakers(trades_per_day=ENTRIES, cooldown_minutes=COOLDOWN // timedelta(minutes=1))
    lossy = breakers(daily_loss=DAILY_LOSS, consecutive_losses=LOSSES)
    asked = {
        "free": (counted, {}, []),
        "counted": (counted, {}, ["--enable-protections"]),
        "lossy": (lossy, {}, ["--enable-protections"]),
        "drawn": (breakers(drawdown=DRAWDOWN), {"stake_amount": 7_000}, ["--enable-protections"]),
    }
    found = {}
    for name, (chosen, host, options) in asked.items():
        folder = tmp_path_factory.mktemp(name)
        userdir = fleet_userdir(folder, exchange, sample_stretch.pairs, **{**ONE_BY_ONE, **host})
        env = {**SMALL_LOSSES, **chosen}
        found[name] = backtest(userdir, sample_stretch, [BOT3], *options, env=env)[BOT3]
    return found


def test_entries_of_a_day_end_at_the_limit(runs: dict[str, Trades]) -> None:
    by_day = {name: Counter(one.opened_at.date() for one in trades) for name, trades in runs.items()}

    assert max(by_day["counted"].values()) == ENTRIES
    assert max(by_day["free"].values()) > ENTRIES


def test_a_pair_cools_down_after_an_exit(runs: dict[str, Trades]) -> None:
    pauses = {name: shortest_pause(trades) for name, trades in runs.items()}

    assert pauses["counted"] >= COOLDOWN
    assert pauses["free"] < COOLDOWN


def test_nothing_is_opened_after_a_daily_loss_of_two_percent(runs: dict[str, Trades]) -> None:
    days_that_tripped = [day for day, lost in lost_by_day(runs["lossy"]).items() if lost >= DAILY_LOSS]

    assert entries_after_a_daily_loss(runs["free"]) > 0
    assert entries_after_a_daily_loss(runs["lossy"]) == 0
    assert len(days_that_tripped) >= 2  # the next day traded again


def test_five_losses_in_a_row_pause_entries_for_two_hours(runs: dict[str, Trades]) -> None:
    assert entries_after_losses_in_a_row(runs["free"], within=PAUSE) > 0
    assert entries_after_losses_in_a_row(runs["lossy"], within=PAUSE) == 0
    # It ends by itself: there is an entry on the same day.
    assert entries_after_losses_in_a_row(runs["lossy"], within=timedelta(hours=4)) > 0


def test_a_drawdown_of_ten_percent_pauses_entries_for_a_day(runs: dict[str, Trades]) -> None:
    tripped = [one.closed_at for one in drawn_down(runs["drawn"])]

    assert tripped
    after_the_first = [
        one for one in runs["free"] if tripped[0] < one.opened_at < tripped[0] + DRAWDOWN_PAUSE
    ]
    assert after_the_first
    assert [one for one in runs["drawn"] if inside_a_pause(one.opened_at, tripped, DRAWDOWN_PAUSE)] == []
    assert [one for one in runs["drawn"] if one.opened_at >= tripped[0] + DRAWDOWN_PAUSE]


@pytest.fixture(scope="module")
def slide(sample_stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Stretch:
    """The sample, falling by 30 % within ten hours of its third day."""
    datadir = tmp_path_factory.mktemp("slide") / "binance"
    (datadir / "futures").mkdir(parents=True)
    begins = sample_stretch.starts_at + timedelta(days=2)
    for pair in sample_stretch.pairs:
        candles = pd.read_feather(CandleFiles(sample_stretch.datadir).path(pair))
        fallen = ((candles["date"] - begins) / timedelta(hours=10)).clip(0.0, 1.0).to_numpy()
        for name in ("open", "high", "low", "close"):
            decimals = int(np.ceil(-np.log10(sample_stretch.tick(pair, begins))))
            candles[name] = (candles[name] * np.exp(fallen * np.log(0.7))).round(decimals)
        candles.to_feather(CandleFiles(datadir).path(pair))
    ends = begins + timedelta(days=2)
    return Stretch(datadir, sample_stretch.pairs, sample_stretch.starts_at, ends)


def test_a_drawdown_turns_a_bot_yellow_then_red_and_red_closes_everything(
    slide: Stretch, tmp_path: Path
) -> None:
    env = {
        **SMALL_LOSSES,
        "FREQFLEET_RUNTIME__LEVERAGE": "2",
        "FREQFLEET_DEFAULTS__STOP_LOSS": "-0.29",
        "FREQFLEET_DEFAULTS__TAKE_PROFIT": "0.5",
        "FREQFLEET_DEFAULTS__TIME_LIMIT_MINUTES": "480",
        "FREQFLEET_KILL_SWITCH__YELLOW_DRAWDOWN": "0.05",
        "FREQFLEET_KILL_SWITCH__RED_DRAWDOWN": "0.10",
        **breakers(),
    }
    with LoopbackExchange(slide.datadir) as exchange:
        userdir = fleet_userdir(tmp_path, exchange, slide.pairs, dry_run_wallet=WALLET, stake_amount=1_000)
        free = backtest(userdir, slide, [BOT1], bot="BOT1", env=env)[BOT1]
        longs = backtest(userdir, slide, [BOT1], "--enable-protections", bot="BOT1", env=env)[BOT1]
        said = log_of(userdir)

    closed = [one for one in longs if one.exit_reason == "kill_switch"]
    assert len({one.closed_at for one in closed}) == 1  # all in one candle
    red_at = closed[0].closed_at
    assert [one for one in longs if one.opened_at >= red_at] == []
    assert {one.exit_reason for one in longs if one.closed_at == red_at} == {"kill_switch"}
    assert "no entry, kill switch, BOT1 is YELLOW: 5." in said
    assert "kill switch, BOT1 is RED: drawdown limit reached" in said
    assert [one for one in free if one.opened_at >= red_at]
    assert "kill_switch" not in {one.exit_reason for one in free}


def shortest_pause(trades: Trades) -> timedelta:
    """Return the shortest time between an exit and the next entry of the same pair."""
    by_pair: dict[str, list[ClosedTrade]] = {}
    for one in sorted(trades, key=lambda one: one.opened_at):
        by_pair.setdefault(one.pair, []).append(one)
    return min(
        later.opened_at - earlier.closed_at
        for listed in by_pair.values()
        for earlier, later in pairwise(listed)
    )


def lost_by_day(trades: Trades) -> dict[datetime, float]:
    """Return what each day lost of the equity at 00:00, counting closed trades."""
    found, equity = {}, WALLET
    for day in sorted({midnight(one.closed_at) for one in trades}):
        earned = sum(one.profit_quote for one in trades if midnight(one.closed_at) == day)
        found[day] = -earned / equity
        equity += earned
    return found


def entries_after_a_daily_loss(trades: Trades) -> int:
    """Return how many positions were opened when their day had lost its share already."""
    began_with = {}
    for day in {midnight(one.opened_at) for one in trades}:
        began_with[day] = WALLET + sum(one.profit_quote for one in trades if one.closed_at < day)
    late = 0
    for entry in trades:
        day = midnight(entry.opened_at)
        earned = sum(one.profit_quote for one in trades if day <= one.closed_at < entry.opened_at)
        late += -earned >= DAILY_LOSS * began_with[day]
    return late


def entries_after_losses_in_a_row(trades: Trades, *, within: timedelta) -> int:
    """Return how many positions were opened `within` so long after the last of five losses in a row."""
    late = 0
    for entry in trades:
        before = sorted((one for one in trades if one.closed_at < entry.opened_at), key=closed_at)[-LOSSES:]
        in_a_row = len(before) == LOSSES and all(one.profit_quote < 0.0 for one in before)
        late += in_a_row and entry.opened_at < before[-1].closed_at + within
    return late


def drawn_down(trades: Trades) -> Trades:
    """Return the trades at whose close the wallet was a tenth or more below its peak."""
    found, equity, peak = [], WALLET, WALLET
    for one in sorted(trades, key=closed_at):
        equity += one.profit_quote
        peak = max(peak, equity)
        if equity <= (1.0 - DRAWDOWN) * peak:
            found.append(one)
    return tuple(found)


def inside_a_pause(moment: datetime, begins: list[datetime], pause: timedelta) -> bool:
    return any(one < moment < one + pause for one in begins)


def closed_at(trade: ClosedTrade) -> datetime:
    return trade.closed_at


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
