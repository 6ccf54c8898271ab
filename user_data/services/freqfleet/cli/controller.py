"""`freqfleet controller`: what closed trades say of every leverage bin, again and again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.learner_beat import give_beat
from freqfleet.cli.program import Invocation
from freqfleet.errors import InputError, MarketError

if TYPE_CHECKING:
    from freqfleet.learning.bin_exits import BinExits
    from freqfleet.learning.controller import Controller
    from freqfleet.settings import Settings
    from freqfleet.store.promise import LearningStore

STANDINGS = Path("user_data") / "controller" / "standings.json"
LOCK = Path("user_data") / "heartbeats" / "controller.lock"
SERVICE = "controller"


@click.command("controller")
@click.option("--once", is_flag=True, help="One cycle; what is done where --every is not given.")
@click.option(
    "--every",
    "every_seconds",
    type=click.FloatRange(min=1.0),
    metavar="S",
    help="Again every S seconds, until SIGTERM or Ctrl-C: one line a cycle, and a heartbeat.",
)
@json_option
@click.pass_obj
def controller(
    invocation: Invocation, once: bool, every_seconds: float | None, json_target: str | None
) -> None:
    """Learn from closed trades by leverage bin, and record what bots choose leverage and stake by.

    It writes to the learning store alone and never places an order. Of two controllers on one userdir the
    second is refused.
    """
    if every_seconds is not None and (once or json_target is not None):
        raise InputError("--every runs as a service; leave --once and --json out")
    settings = invocation.settings()
    from freqfleet.clock import SystemClock
    from freqfleet.store.one_at_a_time import OneAtATime

    with ExitStack() as stack:
        stack.enter_context(OneAtATime(settings.path(LOCK), SERVICE, SystemClock().now()))
        learner, close = _open(settings, warns=every_seconds is not None)
        stack.callback(close)
        if every_seconds is not None:
            _serve(settings, learner, every_seconds)
        else:
            _once(settings, learner, json_target)


def _open(settings: Settings, *, warns: bool) -> tuple[Controller, Callable[[], None]]:
    from freqfleet.clock import SystemClock
    from freqfleet.learning.controller import Controller
    from freqfleet.store.deadline_store import DeadlineStore
    from freqfleet.wiring import open_store_to_write

    seconds = settings.store.deadline_seconds
    store = DeadlineStore(lambda: open_store_to_write(settings), seconds=seconds)
    exits = _exits(settings, store)
    learner = Controller(store=store, settings=settings, clock=SystemClock(), exits=exits, warns=warns)
    return learner, store.close


def _exits(settings: Settings, store: LearningStore) -> BinExits | None:
    """Return what judges stops and targets; None, said aloud, where there are no candles to replay."""
    from freqfleet.clock import SystemClock
    from freqfleet.learning.bin_exits import BinExits
    from freqfleet.learning.standings import StandingsFile
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.leverage_tiers import load_leverage_tiers

    candles = CandleFiles(settings.datadir, settings.market.timeframe)
    try:
        candles.pairs()
    except MarketError as error:
        click.echo(f"stops and targets are left alone: {error}", err=True)
        return None
    detail = settings.market.detail_timeframe
    return BinExits(
        store=store,
        candles=candles,
        settings=settings,
        clock=SystemClock(),
        standings=StandingsFile(settings.path(STANDINGS)),
        detail=None if detail == "none" else CandleFiles(settings.datadir, detail),
        tiers=load_leverage_tiers(),
    )


def _once(settings: Settings, learner: Controller, json_target: str | None) -> None:
    from freqfleet.cli.controller_tables import cycle_to_dict, print_cycle

    cycle = learner.cycle()
    give_beat(settings, SERVICE, cycle.line)
    if json_target is not None:
        write_json(json_target, cycle_to_dict(cycle))
    if json_target != STDOUT:
        print_cycle(cycle)


def _serve(settings: Settings, learner: Controller, every_seconds: float) -> None:
    """Learn until SIGTERM or Ctrl-C; a store that is away is asked again in the next cycle."""
    from freqfleet.clock import SystemClock
    from freqfleet.store.heartbeat import HEARTBEATS
    from freqfleet.store.service import Service

    def cycle() -> str:
        return learner.cycle().line

    service = Service(
        SERVICE,
        cycle,
        every_seconds=every_seconds,
        heartbeats=settings.path(HEARTBEATS),
        say=click.echo,
        clock=SystemClock(),
        beats_when_failing=False,
    )
    service.stopping.ask_on_signals()
    service.run()
