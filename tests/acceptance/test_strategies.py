"""The three strategies as freqtrade loads and backtests them, with nothing published yet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fleet_runs import BOTS, Stretch, backtest, fleet_userdir, replayed_exit
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.exits import effective_barriers
from freqfleet.domain.sides import Side
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.replay.exit_rule import ExitKind
from freqfleet.settings import DefaultSettings
from freqfleet.signals.tags import parse_tag
from freqfleet.skeleton import place_skeleton

pytestmark = pytest.mark.acceptance

DEFAULTS = DefaultSettings().parameters()
NAMED = {
    "cutloss_fallback": ExitKind.STOP,
    "roi_fallback": ExitKind.TARGET,
    "time_limit": ExitKind.TIME_LIMIT,
}
HOSTS_OWN = {"force_exit", "liquidation"}  # the backtest ended, or the margin did

Runs = Mapping[str, tuple[ClosedTrade, ...]]


@pytest.fixture(scope="module")
def runs(stretch: Stretch, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Trades of the three bots; there is no learning store."""
    folder = tmp_path_factory.mktemp("defaults")
    with LoopbackExchange(stretch.datadir) as exchange:
        userdir = fleet_userdir(folder, exchange, stretch.pairs)
        by_strategy = backtest(userdir, stretch, list(BOTS.values()))
    return {bot: by_strategy[strategy] for bot, strategy in BOTS.items()}


@pytest.mark.parametrize(
    ("bot", "can_short"),
    [("BOT1", False), ("BOT2", True), ("BOT3", True)],
)
def test_freqtrade_resolves_the_strategy_from_its_file(bot: str, can_short: bool, tmp_path: Path) -> None:
    from freqtrade.resolvers import StrategyResolver

    place_skeleton(tmp_path)

    strategy = StrategyResolver.load_strategy(
        {"strategy": BOTS[bot], "user_data_dir": tmp_path, "trading_mode": "futures"}
    )

    assert strategy.get_strategy_name() == BOTS[bot]
    assert (strategy.timeframe, strategy.can_short) == ("5m", can_short)
    assert strategy.use_custom_stoploss
    assert strategy.use_custom_roi


def test_bots_trade_their_sides(runs: Runs) -> None:
    sides = {bot: {trade.side for trade in trades} for bot, trades in runs.items()}

    assert sides == {"BOT1": {Side.LONG}, "BOT2": {Side.SHORT}, "BOT3": {Side.LONG, Side.SHORT}}


def test_exits_are_named_after_the_defaults(runs: Runs) -> None:
    for trades in runs.values():
        reasons = {trade.exit_reason for trade in trades}

        assert {"cutloss_fallback", "roi_fallback"} <= reasons <= set(NAMED) | HOSTS_OWN


def test_tags_say_who_spoke_for_the_side(runs: Runs) -> None:
    for trade in every(runs):
        tag = parse_tag(trade.enter_tag)

        assert tag is not None, trade.enter_tag
        assert tag.side is trade.side
        assert tag.votes is not None
        assert tag.votes >= 2


def test_leverage_is_the_configured_one(runs: Runs) -> None:
    assert {trade.leverage for trade in every(runs)} == {3.0}


def test_trades_leave_where_the_replay_says(runs: Runs, stretch: Stretch) -> None:
    for trade in every(runs):
        barriers = effective_barriers(DEFAULTS, open_rate=trade.open_rate, side=trade.side, atr_ratio=None)
        found, candle_opened = replayed_exit(stretch, trade, barriers, DEFAULTS.time_limit_minutes)

        if trade.exit_reason in HOSTS_OWN:
            assert candle_opened >= trade.closed_at
            continue
        assert candle_opened == trade.closed_at
        assert NAMED[trade.exit_reason] is found.kind
        tick = stretch.tick(trade.pair, trade.opened_at)
        assert trade.close_rate == pytest.approx(found.rate, abs=tick, rel=0.0)


@pytest.mark.parametrize("stretch", ["sample"], indirect=True)  # the real candles hold no such jump
def test_a_jumped_barrier_is_left_at_the_open(runs: Runs, stretch: Stretch) -> None:
    jumped = {"cutloss_fallback": 0, "roi_fallback": 0}
    for trade in every(runs):
        barriers = effective_barriers(DEFAULTS, open_rate=trade.open_rate, side=trade.side, atr_ratio=None)
        if trade.closed_at == trade.opened_at or trade.exit_reason not in jumped:
            continue
        opened = stretch.candles(trade.pair).open[stretch.index_at(trade.pair, trade.closed_at)]
        if barriers.stop_crossed(opened, trade.side) or barriers.target_crossed(opened, trade.side):
            assert trade.close_rate == opened
            jumped[trade.exit_reason] += 1

    assert min(jumped.values()) > 0, jumped


def every(runs: Runs) -> list[ClosedTrade]:
    return [trade for trades in runs.values() for trade in trades]
