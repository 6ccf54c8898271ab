from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccalls import waits
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.store.rows import trade_row
from freqfleet.testing.bot_database import _freqtrade, write_bot_database
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.freqtrade_db import FreqtradeDatabase
from freqfleet.trades.host_trade import UNKNOWN_INSTANCE, closed_trade_of


@pytest.mark.parametrize(
    "trade",
    [
        closed_trade(parameter_version="abc"),
        closed_trade(side=Side.SHORT, leverage=1.0, enter_tag=None, mode=TradeMode.LIVE),
        closed_trade(closed_at=datetime(2025, 11, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
    ],
    ids=["long", "short", "microseconds"],
)
def test_a_trade_in_freqtrades_memory_is_the_one_its_database_tells_later(tmp_path: Path, trade: ClosedTrade):
    from freqtrade.persistence import Trade

    file = tmp_path / "bot.sqlite"
    write_bot_database(file, [trade], started_at=datetime(2025, 10, 1, tzinfo=UTC))
    (read,) = FreqtradeDatabase(f"sqlite:///{file}", bot="BOT1").read().trades

    with _freqtrade(file):
        host = Trade.session.get(Trade, 1)
        made = closed_trade_of(host, bot="BOT1", mode=trade.mode, parameter_version=trade.parameter_version)
        told = waits(lambda: closed_trade_of(host, bot="BOT1", mode=trade.mode, parameter_version=None))

    assert made.instance == UNKNOWN_INSTANCE
    assert trade_row(read) | {"instance": "", "content_hash": ""} == trade_row(made) | {
        "instance": "",
        "content_hash": "",
    }
    assert told == set()


def test_a_trade_that_is_still_open_is_refused(tmp_path: Path):
    from freqtrade.persistence import Trade

    file = tmp_path / "bot.sqlite"
    write_bot_database(file, open_trades=[closed_trade()])

    with _freqtrade(file), pytest.raises(TradeSourceError, match="no close date"):
        closed_trade_of(
            Trade.session.get(Trade, 1), bot="BOT1", mode=TradeMode.DRY_RUN, parameter_version=None
        )
