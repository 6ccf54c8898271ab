"""The three bots on a bank of trained feeders, backtested by freqtrade on real candles."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from fleet_runs import BOTS, Stretch, backtest, fleet_userdir
from freqfleet.clock import FixedClock
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.trainer import FeederTrainer
from freqfleet.learning.feeder_training.versions import write_version
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.source import FeatureSource
from freqfleet.signals.feeders.registry import FEEDERS, RECIPES
from freqfleet.signals.tags import parse_tag
from realdata import market_dir

pytestmark = pytest.mark.acceptance

VALID_FROM = datetime(2025, 10, 22, tzinfo=UTC)
PAIRS = tuple(f"{coin}/USDT:USDT" for coin in ("SOL", "WLD", "DOGE", "ENA", "ARB", "BTC"))

Runs = Mapping[str, tuple[ClosedTrade, ...]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Trades of the three bots; the bank's only version becomes valid two days after the backtest begins."""
    datadir = market_dir("ci")
    begins = VALID_FROM - timedelta(days=2)
    stretch = Stretch(datadir, PAIRS, begins, VALID_FROM + timedelta(days=6))
    trainer = FeederTrainer(
        FeatureSource(CandleFiles(datadir)),
        recipes=RECIPES,
        rules=FEEDERS,
        plan=TrainingPlan(window=timedelta(days=30), folds=2),
        clock=FixedClock(VALID_FROM),
        pairs=PAIRS,
        until=VALID_FROM,
    )
    folder = tmp_path_factory.mktemp("bank")
    with LoopbackExchange(datadir) as exchange:
        userdir = fleet_userdir(folder, exchange, PAIRS)
        write_version(userdir / "feeders", [fit.trained for fit in trainer.fit(VALID_FROM)])
        by_strategy = backtest(userdir, stretch, list(BOTS.values()))
    return {bot: by_strategy[strategy] for bot, strategy in BOTS.items()}


def test_bots_trade_their_sides(runs: Runs) -> None:
    sides = {bot: {trade.side for trade in trades} for bot, trades in runs.items()}

    assert sides == {"BOT1": {Side.LONG}, "BOT2": {Side.SHORT}, "BOT3": {Side.LONG, Side.SHORT}}


def test_every_trade_says_which_learned_feeder_spoke_how_sure_and_with_how_many(runs: Runs) -> None:
    learned = {recipe.name for recipe in RECIPES}
    for trade in (trade for trades in runs.values() for trade in trades):
        tag = parse_tag(trade.enter_tag)

        assert tag is not None, trade.enter_tag
        assert tag.side is trade.side
        assert tag.feeder in learned
        assert tag.votes is not None
        assert tag.voters is not None
        assert 3 <= tag.votes <= tag.voters <= len(learned)
        assert tag.confidence >= 0.5


def test_nobody_trades_on_a_model_that_was_not_valid_yet(runs: Runs) -> None:
    assert min(trade.opened_at for trades in runs.values() for trade in trades) > VALID_FROM
