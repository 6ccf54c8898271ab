"""The experiment's backtests: dealt out to processes, resumed, and the same trades whichever way."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the experiment lies beside the package, not in it

from experiment.backtests import Arm, Backtests
from experiment.markets import Market, open_market

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import load_settings
from freqfleet.skeleton import place_skeleton

pytestmark = pytest.mark.acceptance

BOTS = ("BOT1", "BOT3")


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Five pairs, of which one is listed two days late and one is gone a day before the end."""
    from freqfleet.market.sample import write_sample  # imports freqtrade

    shared = tmp_path_factory.mktemp("shared")
    datadir = shared / "market" / "bench" / "binance"
    write_sample(datadir, pairs=5, days=10)
    late, gone = CandleFiles(datadir).pairs()[1:3]
    day = timedelta(days=1)
    for pair, after, before in ((late, 2 * day, 0 * day), (gone, 0 * day, day)):
        file = CandleFiles(datadir).path(pair)
        candles = pd.read_feather(file)
        first, last = candles["date"].iloc[0] + after, candles["date"].iloc[-1] - before
        candles[candles["date"].between(first, last)].reset_index(drop=True).to_feather(file)
    found = open_market(shared, "bench", shared / "links", most_pairs=None, most_days=None)
    assert found.whole == set(found.pairs) - {late, gone}
    return found


def backtests(market: Market, folder: Path, *, at_once: int, resume: bool = False) -> Backtests:
    folder.mkdir(exist_ok=True)
    made = Backtests(
        market=market, folder=folder, settings=load_settings(Path("nowhere")), at_once=at_once, resume=resume
    )
    made.prepare()
    return made


def told(trade: ClosedTrade) -> tuple[object, ...]:
    return (
        trade.pair, trade.side, trade.opened_at, trade.closed_at, trade.open_rate, trade.close_rate,
        trade.profit_quote, trade.leverage, trade.exit_reason, trade.enter_tag,
    )  # fmt: skip


def test_pairs_in_parts_trade_as_all_in_one_and_a_finished_part_is_not_run_again(
    market: Market, tmp_path: Path
) -> None:
    one = backtests(market, tmp_path / "one", at_once=1)
    two = backtests(market, tmp_path / "two", at_once=2)
    lines: list[str] = []
    two.tell = lines.append

    together = one.run({Arm.DEFAULTS: BOTS})
    apart = two.run({Arm.DEFAULTS: BOTS})
    resumed = backtests(market, tmp_path / "two", at_once=2, resume=True)
    again = resumed.run({Arm.DEFAULTS: BOTS})

    assert [run.bot for run in apart] == list(BOTS)
    for whole, parts in zip(together, apart, strict=True):
        assert len(whole.trades) > 20
        assert {trade.pair for trade in whole.trades} == set(market.pairs)
        assert [told(trade) for trade in parts.trades] == [told(trade) for trade in whole.trades]
    assert len(lines) == 2
    assert "bench, defaults: BOT1, BOT3 on 3 pairs" in "".join(lines)
    assert [run.trades for run in again] == [run.trades for run in apart]
    assert resumed.seconds == two.seconds > 0.0


def test_the_bots_configs_are_alike_but_for_names(tmp_path: Path) -> None:
    place_skeleton(tmp_path)

    configs = []
    for bot in ("bot1", "bot2", "bot3"):
        config = json.loads((tmp_path / "config" / f"{bot}.json").read_text(encoding="utf-8"))
        configs.append({name: config[name] for name in config.keys() - {"bot_name", "strategy", "db_url"}})

    assert configs[0] == configs[1] == configs[2]
