"""What a strategy delegates to: one bot, built from freqtrade's configuration and fleet.toml."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freqfleet.errors import SettingsError
from freqfleet.settings import load_settings
from freqfleet.wiring.books import book_keeper, book_line
from freqfleet.wiring.caution import caution_of, protections_by_host
from freqfleet.wiring.feeders import later_voters, make_ensemble
from freqfleet.wiring.host_exits import check_exits_are_asked
from freqfleet.wiring.leverage import check_stoploss, leverage_rule
from freqfleet.wiring.outboxes import on_close_of

if TYPE_CHECKING:
    from freqfleet.runtime.bot import FleetBot

logger = logging.getLogger(__name__)

_LIVE_CANDLES = 3  # an entry is decided on the last two; one more where a loop was late
_TRADING_MODES = frozenset({"live", "dry_run"})
_TIMEFRAME = timedelta(minutes=5)


def open_bot(
    bot: str,
    *,
    host: Mapping[str, Any],
    protections: Iterable[dict[str, Any]],
    dissent_allowed: bool = True,
) -> FleetBot:
    """Build what a strategy delegates to.

    host : freqtrade's configuration.
    protections : the strategy's own; its StoplossGuard entries are served by runtime/stop_guard.py.
    dissent_allowed : False refuses an entry while any feeder votes for the other side.
    Raises SettingsError for a bot that fleet.toml does not know, and for a configuration of freqtrade that
    defeats a plan's exits; that stops freqtrade's start.
    """
    from freqfleet.runtime.bot import FleetBot
    from freqfleet.runtime.entries import EntryPolicy
    from freqfleet.runtime.path_ledger import PathLedger
    from freqfleet.runtime.plans import PlanLedger
    from freqfleet.runtime.sizing import Sizing

    settings = load_settings(Path(host["user_data_dir"]))
    if bot not in settings.bots:
        raise SettingsError(f"fleet.toml has no [bots.{bot}]; it knows {', '.join(settings.bots)}")
    trading = str(host["runmode"]) in _TRADING_MODES
    books = book_keeper(bot, settings, trading=trading)
    books.start()
    logger.info("%s: %s", bot, book_line(books, settings))
    leverage = leverage_rule(settings, host.get("stake_amount"))
    check_stoploss(bot, float(host["stoploss"]), leverage)
    check_exits_are_asked(bot, host)
    guarded = trading or bool(host.get("enable_protections"))
    ensemble = make_ensemble(settings, newest=_LIVE_CANDLES if trading else None)
    every = min(_TIMEFRAME, timedelta(seconds=settings.refresh.parameters_seconds))
    later = later_voters(settings, newest=_LIVE_CANDLES, every=every) if trading else None
    if later is not None:
        logger.info("%s: a feeder bank is taken when there is one, looked for at every candle", bot)
        later.start()
    return FleetBot(
        bot,
        ensemble=ensemble,
        policy=EntryPolicy(
            sides=settings.bots[bot].sides,
            min_votes=ensemble.min_votes,
            dissent_allowed=dissent_allowed,
            weighted=not dissent_allowed,
        ),
        books=books,
        ledger=PlanLedger(persistent=trading),
        paths=PathLedger(timeframe=_TIMEFRAME, persistent=trading),
        sizing=Sizing(
            leverage=leverage,
            stake_by_evidence=settings.runtime.stake_by_evidence,
            tighten_open_trades=settings.runtime.tighten_open_trades,
        ),
        caution=caution_of(bot, settings, protections, trading=trading, guarded=guarded),
        host_protections=protections_by_host(settings) if guarded else (),
        persistent=trading,
        later=later,
        on_close=on_close_of(bot, settings, host) if trading else None,
    )
