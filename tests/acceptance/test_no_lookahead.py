"""What comes later changes nothing that came before, by freqtrade's own backtests: parameters, bins, trades.

Two worlds are the same up to a moment. After it, candles run backwards in one of them, trades are others or
never were, and versions and bin records say nonsense. Up to that moment everything must be the same, to the
last bit. Bots choose leverage and stake by bins here.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet_runs import BOTS, Stretch, backtest, fleet_userdir
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.market.candles import CandleFiles
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.sql import SqlStore
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import version
from walked_books import EVERY, seeded_trades, walk_through

pytestmark = pytest.mark.acceptance

LEVERAGES = (1.5, 3.0, 4.0, 6.0, 9.0)
LEARNED_REASONS = {"stop_loss_optuna", "roi_optuna"}


@dataclass(frozen=True, slots=True)
class World:
    """What was published in a world, and what the three bots traded in it."""

    versions: list[ParameterVersion]
    records: list[BinRecord]
    trades: dict[str, tuple[ClosedTrade, ...]]


@dataclass(frozen=True, slots=True)
class Worlds:
    """The same world up to `moment`, twice."""

    moment: datetime
    whole: World
    scrambled: World


@pytest.fixture(scope="module")
def worlds(sample_stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    stretch = replace(sample_stretch, pairs=sample_stretch.pairs[:3])
    moment = stretch.starts_at + 6 * EVERY
    trades = _over_all_bins(seeded_trades(stretch, before=stretch.ends_at))
    folder = tmp_path_factory.mktemp("worlds")
    other = replace(stretch, datadir=folder / "candles")
    shutil.copytree(stretch.datadir, other.datadir)
    for pair in other.pairs:
        _run_backwards(CandleFiles(other.datadir).path(pair), moment)
    return Worlds(
        moment=moment,
        whole=_world(folder / "whole", stretch, trades),
        scrambled=_world(folder / "scrambled", other, _scrambled(trades, moment), nonsense_from=moment),
    )


def _world(
    folder: Path, stretch: Stretch, trades: list[ClosedTrade], *, nonsense_from: datetime | None = None
) -> World:
    with LoopbackExchange(stretch.datadir, pairs=stretch.pairs) as exchange:
        folder.mkdir()
        userdir = fleet_userdir(folder, exchange, stretch.pairs)
        file = userdir / "learning.sqlite"
        versions = walk_through(file, stretch, trades, until=stretch.ends_at)
        records = _records(file)
        if nonsense_from is not None:
            _publish_nonsense(file, stretch, nonsense_from)
        runs = backtest(
            userdir, stretch, list(BOTS.values()), env={"FREQFLEET_RUNTIME__STAKE_BY_EVIDENCE": "true"}
        )
    return World(versions=versions, records=records, trades=runs)


def _over_all_bins(trades: list[ClosedTrade]) -> list[ClosedTrade]:
    """Spread trades over the bins and let those of one side pay, so that evidence raises leverage."""
    better = {Side.LONG: 0.004, Side.SHORT: 0.0}
    return [
        replace(
            one,
            leverage=leverage,
            margin_profit_ratio=leverage * (one.position_profit_ratio + better[one.side]),
        )
        for number, one in enumerate(trades)
        for leverage in [LEVERAGES[number % len(LEVERAGES)]]
    ]


def _records(file: Path) -> list[BinRecord]:
    with closing(SqlStore(f"sqlite:///{file}")) as store:
        return store.bin_records()


def _run_backwards(file: Path, moment: datetime) -> None:
    """Turn the order of the candles from `moment` on; the same prices, so the same price steps."""
    candles = pd.read_feather(file)
    later = (candles["date"] >= moment).to_numpy()
    columns = ["open", "high", "low", "close", "volume"]
    candles.loc[later, columns] = candles.loc[later, columns].to_numpy()[::-1]
    candles.to_feather(file)


def _scrambled(trades: list[ClosedTrade], moment: datetime) -> list[ClosedTrade]:
    rng = np.random.default_rng(11)
    known = [one for one in trades if one.closed_at < moment]
    later = [one for one in trades if one.closed_at >= moment and rng.random() < 0.6]
    return known + [replace(one, margin_profit_ratio=float(rng.normal()), leverage=9.0) for one in later]


def _publish_nonsense(file: Path, stretch: Stretch, moment: datetime) -> None:
    """Publish stops that end every position and bins that pay like nothing else.

    All of it is recorded after the moment; the stops are meant from the beginning, the bins learned then.
    """
    with closing(SqlStore(f"sqlite:///{file}")) as store:
        for side in Side:
            for pair in stretch.pairs:
                one = version(
                    pair=pair, side=side, stop_loss=-0.005, take_profit=0.006, recorded_at=moment,
                    valid_from=stretch.starts_at,
                )  # fmt: skip
                assert store.publish_parameters([one]).accepted == 1
                dream = bin_record(
                    pair=pair, side=side, lower_bound_bps=400.0, recorded_at=moment + timedelta(minutes=1),
                    learned_until=stretch.starts_at,
                )  # fmt: skip
                assert store.record_bins([dream]).accepted == 1


def test_parameters_known_before_the_moment_are_the_same(worlds: Worlds) -> None:
    def known(world: World) -> list[ParameterVersion]:
        return [one for one in world.versions if one.recorded_at <= worlds.moment]

    assert len({one.recorded_at for one in known(worlds.whole)}) >= 3
    assert known(worlds.scrambled) == known(worlds.whole)


def test_bin_records_known_before_the_moment_are_the_same(worlds: Worlds) -> None:
    def known(world: World) -> list[BinRecord]:
        return [one for one in world.records if one.recorded_at <= worlds.moment]

    assert len({one.recorded_at for one in known(worlds.whole)}) >= 3
    assert known(worlds.scrambled) == known(worlds.whole)
    assert worlds.scrambled.records != worlds.whole.records


def test_bots_chose_leverage_and_stake_by_the_bins_before_the_moment_and_by_others_after_it(
    worlds: Worlds,
) -> None:
    def chosen(world: World, *, before: bool) -> set[tuple[float, float]]:
        return {
            (one.leverage, one.stake_quote)
            for one in world.trades[BOTS["BOT3"]]
            if (one.opened_at < worlds.moment) is before
        }

    assert len({leverage for leverage, _ in chosen(worlds.whole, before=True)}) >= 3
    assert len({round(stake) for _, stake in chosen(worlds.whole, before=True)}) >= 3
    assert chosen(worlds.whole, before=False) != chosen(worlds.scrambled, before=False)


@pytest.mark.parametrize("strategy", BOTS.values())
def test_trades_before_the_moment_are_the_same(worlds: Worlds, strategy: str) -> None:
    def closed(world: World) -> list[ClosedTrade]:
        own = [one for one in world.trades[strategy] if one.closed_at < worlds.moment]
        return [replace(one, instance="", trade_id=0) for one in own]  # which come from the whole export

    assert len(closed(worlds.whole)) >= 10
    assert closed(worlds.scrambled) == closed(worlds.whole)


@pytest.mark.parametrize("strategy", BOTS.values())
def test_entries_before_the_moment_are_the_same(worlds: Worlds, strategy: str) -> None:
    def entered(world: World) -> list[tuple[object, ...]]:
        return [
            (one.pair, one.side, one.opened_at, one.open_rate, one.leverage, one.stake_quote, one.enter_tag)
            for one in world.trades[strategy]
            if one.opened_at < worlds.moment
        ]

    assert entered(worlds.scrambled) == entered(worlds.whole)


def test_bots_trade_on_what_the_walk_published_and_the_worlds_part_after_the_moment(worlds: Worlds) -> None:
    for strategy in BOTS.values():
        before = {one.exit_reason for one in worlds.whole.trades[strategy] if one.closed_at < worlds.moment}
        after = [
            [one for one in world.trades[strategy] if one.opened_at >= worlds.moment + timedelta(hours=1)]
            for world in (worlds.whole, worlds.scrambled)
        ]

        assert before & LEARNED_REASONS
        assert after[0] != after[1]
    assert worlds.whole.versions != worlds.scrambled.versions
