"""How a trade that a bot closes reaches the store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freqfleet.clock import SystemClock
from freqfleet.errors import UnreachableError
from freqfleet.settings import Settings
from freqfleet.wiring.stores import existing_store

if TYPE_CHECKING:
    from freqfleet.store.outbox import Outbox
    from freqfleet.trades.freqtrade_db import FreqtradeDatabase
    from freqfleet.trades.host_trade import ClosingTrade

logger = logging.getLogger(__name__)
_running: dict[tuple[Path, str], Outbox] = {}  # one of a file in a process, also when a bot is reloaded


def on_close_of(
    bot: str, settings: Settings, host: Mapping[str, Any]
) -> Callable[[ClosingTrade, str], None] | None:
    """Return what takes a closed trade to the store; None where only `sync` can tell whose it is."""
    from sqlalchemy.engine import make_url

    from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
    from freqfleet.trades.freqtrade_db import FreqtradeDatabase
    from freqfleet.trades.host_trade import closed_trade_of

    url = str(host.get("db_url", ""))
    if not url or make_url(url).database in (None, "", ":memory:"):
        logger.warning("%s: its database is in memory, so its trades do not reach the learning store", bot)
        return None
    outbox = running_outbox(bot, settings, FreqtradeDatabase(url, bot=bot))
    mode = TradeMode.LIVE if str(host["runmode"]) == "live" else TradeMode.DRY_RUN

    passed: dict[int, ClosedTrade] = {}

    def on_close(trade: ClosingTrade, version: str) -> None:
        closed = closed_trade_of(trade, bot=bot, mode=mode, parameter_version=version)
        # freqtrade tells of a close again, in every loop, while it does not know the fee of the exit.
        if passed.get(closed.trade_id) != closed:
            passed[closed.trade_id] = closed
            outbox.put(closed)

    return on_close


def running_outbox(bot: str, settings: Settings, database: FreqtradeDatabase) -> Outbox:
    """Start the outbox of a bot; a bot that is reloaded goes on with the one that runs."""
    import atexit
    from dataclasses import replace

    from freqfleet.domain.closed_trade import ClosedTrade
    from freqfleet.store.deadline_store import DeadlineStore
    from freqfleet.store.outbox import Outbox
    from freqfleet.store.outbox_file import OUTBOXES, Item
    from freqfleet.trades.freqtrade_db import EMPTY_INSTANCE
    from freqfleet.trades.host_trade import UNKNOWN_INSTANCE

    file = settings.path(OUTBOXES) / f"{bot}.sqlite"
    key = (file.resolve(), settings.store.url)
    if key in _running:
        return _running[key]
    known: list[str] = []

    def prepare(item: Item) -> Item:
        if not isinstance(item, ClosedTrade) or item.instance != UNKNOWN_INSTANCE:
            return item
        if not known:
            instance = database.inventory().instance
            if instance == EMPTY_INSTANCE:
                raise UnreachableError(f"{database.description} does not hold the closed trade yet")
            known.append(instance)
        return replace(item, instance=known[0])

    store = DeadlineStore(lambda: existing_store(settings), seconds=settings.store.deadline_seconds)
    outbox = Outbox(file, store, clock=SystemClock(), prepare=prepare)
    outbox.start()
    atexit.register(outbox.close, timeout_seconds=2.0)
    _running[key] = outbox
    return outbox
