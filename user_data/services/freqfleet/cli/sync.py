"""`freqfleet sync`: closed trades into the learning store, exactly once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation
from freqfleet.cli.sync_tables import Skipped, cycle_line, print_reconciliations, print_sync, skips_to_dict
from freqfleet.errors import InputError, StoreError, TradeSourceError, UnreachableError

if TYPE_CHECKING:
    from freqfleet.settings import Settings
    from freqfleet.store.promise import LearningStore
    from freqfleet.trades.backtest_export import BacktestExport
    from freqfleet.trades.reading import Reading, TradeSource
    from freqfleet.trades.sync import SyncReport

T = TypeVar("T")


@click.command("sync")
@click.option("--bot", "bots", multiple=True, metavar="BOT", help="This bot only (repeatable).")
@click.option(
    "--from-backtest",
    "exports",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A backtest result of freqtrade's, or a folder of them (its newest); repeatable.",
)
@click.option(
    "--all",
    "every_result",
    is_flag=True,
    help="With --from-backtest FOLDER: every result in it, each entry once.",
)
@click.option(
    "--every",
    "every_seconds",
    type=click.FloatRange(min=1.0),
    metavar="S",
    help="Again every S seconds, until SIGTERM or Ctrl-C: one line a cycle, and a heartbeat.",
)
@click.option(
    "--reconcile",
    is_flag=True,
    help="Compare each bot's database with the store day by day, show what differs, and repair the store.",
)
@json_option
@click.pass_obj
def sync(
    invocation: Invocation,
    bots: tuple[str, ...],
    exports: tuple[Path, ...],
    every_result: bool,
    every_seconds: float | None,
    reconcile: bool,
    json_target: str | None,
) -> None:
    """Copy closed trades into the learning store, exactly once.

    Without --from-backtest: from the database of every bot. A bot that cannot be read is skipped with the
    reason; ends with 3 where none could be read. A backtest's trades go to the bot with its strategy, or
    to the one that --bot names; with --all, a strategy without a bot is skipped with the reason, too. With
    --reconcile it ends with 1 where a difference could not be repaired.
    """
    _refuse_combinations(exports, every_seconds, reconcile, json_target)
    if exports and len(set(bots)) > 1:
        raise InputError(f"--from-backtest takes one --bot, were {', '.join(bots)}")
    if every_result and not exports:
        raise InputError("--all takes every result of a folder; give it with --from-backtest FOLDER")
    settings = invocation.settings()
    chosen = _chosen_bots(settings, bots)
    if every_seconds is not None:
        _serve(settings, chosen, every_seconds)
    elif reconcile:
        _reconcile(settings, chosen, json_target)
    elif every_result:
        _sync_folders(settings, exports, bots, json_target)
    else:
        _sync_once(settings, chosen, list(_backtests(settings, exports, bots)), json_target)


def _refuse_combinations(
    exports: Sequence[Path], every_seconds: float | None, reconcile: bool, json_target: str | None
) -> None:
    if reconcile and exports:
        raise InputError("--reconcile compares bots' databases; leave --from-backtest out")
    if every_seconds is not None and (exports or reconcile or json_target is not None):
        raise InputError(
            "--every runs as a service; leave --from-backtest, --reconcile and --json out, "
            "and run `freqfleet sync --reconcile` beside it"
        )


def _sync_once(
    settings: Settings, bots: Sequence[str], readings: Sequence[Reading], json_target: str | None
) -> None:
    from freqfleet.trades.sync import sync_bot
    from freqfleet.wiring import write_to_store

    def work(store: LearningStore) -> tuple[list[SyncReport], list[Skipped]]:
        if readings:
            return _record(store, readings), []
        return _each_bot(settings, bots, lambda source: sync_bot(store, source))

    reports, skipped = write_to_store(settings, work, whole=True)
    _show(reports, skipped, json_target)
    _refuse_none_read(skipped, bool(reports))


def _sync_folders(
    settings: Settings, folders: Sequence[Path], bots: Sequence[str], json_target: str | None
) -> None:
    """Record what all results of some folders hold, each entry once."""
    from freqfleet.trades.backtest_folder import open_folder, record_entries_once
    from freqfleet.wiring import write_to_store

    readings: list[Reading] = []
    skipped: list[Skipped] = []
    strangers: list[InputError] = []
    for folder in folders:
        found = open_folder(folder)
        skipped.extend(Skipped(path.name, str(path), why) for path, why in found.unreadable.items())
        for export in found.exports:
            for strategy in export.strategies:
                try:
                    bot = _bot_of(settings, export, strategy, bots)
                except InputError as error:
                    strangers.append(error)
                    skipped.append(Skipped(strategy, str(export.path), str(error)))
                else:
                    readings.append(export.read(strategy, bot=bot))
    if not readings:
        raise strangers[0]
    reports = write_to_store(settings, lambda store: list(record_entries_once(store, readings)), whole=True)
    _show(reports, skipped, json_target)


def _show(reports: Sequence[SyncReport], skipped: Sequence[Skipped], json_target: str | None) -> None:
    if json_target is not None:
        synced = [one.to_dict() for one in reports]
        write_json(json_target, {"synced": synced, "skipped": skips_to_dict(skipped)})
    if json_target != STDOUT:
        print_sync(reports, skipped)


def _reconcile(settings: Settings, bots: Sequence[str], json_target: str | None) -> None:
    from freqfleet.trades.reconcile import reconcile_bot
    from freqfleet.wiring import write_to_store

    found, skipped = write_to_store(
        settings,
        lambda store: _each_bot(settings, bots, lambda source: reconcile_bot(store, source)),
        whole=True,
    )
    if json_target is not None:
        reconciled = [one.to_dict() for one in found]
        write_json(json_target, {"reconciled": reconciled, "skipped": skips_to_dict(skipped)})
    if json_target != STDOUT:
        print_reconciliations(found, skipped)
    _refuse_none_read(skipped, bool(found))
    if any(one.unrepaired for one in found):
        raise click.exceptions.Exit(1)


def _serve(settings: Settings, bots: Sequence[str], every_seconds: float) -> None:
    """Sync until SIGTERM or Ctrl-C; a store that is away is opened again in the next cycle."""
    from freqfleet.clock import SystemClock
    from freqfleet.store.heartbeat import HEARTBEATS
    from freqfleet.store.service import Service
    from freqfleet.trades.sync import Checkpoint, sync_bot
    from freqfleet.wiring import write_to_store

    checkpoint = Checkpoint()

    def cycle() -> str:
        reports, skipped = write_to_store(
            settings,
            lambda store: _each_bot(
                settings, bots, lambda source: sync_bot(store, source, checkpoint=checkpoint)
            ),
        )
        return cycle_line(reports, skipped)

    service = Service(
        "sync",
        cycle,
        every_seconds=every_seconds,
        heartbeats=settings.path(HEARTBEATS),
        say=click.echo,
        clock=SystemClock(),
    )
    service.stopping.ask_on_signals()
    service.run()


def _refuse_none_read(skipped: Sequence[Skipped], any_read: bool) -> None:
    if skipped and not any_read:
        raise UnreachableError(
            f"no trades could be read for {', '.join(one.bot for one in skipped)}; "
            "start the bots once, correct db_url under [bots] in fleet.toml, or give --from-backtest FILE"
        )


def _chosen_bots(settings: Settings, names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in settings.bots:
            nearest = difflib.get_close_matches(name.upper(), settings.bots, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(settings.bots)}"
            raise InputError(f"--bot {name}: there is no such bot; {hint}")
    return list(dict.fromkeys(names)) or list(settings.bots)


def _each_bot(
    settings: Settings, bots: Iterable[str], work: Callable[[TradeSource], T]
) -> tuple[list[T], list[Skipped]]:
    """Do `work` with the database of each bot; one that cannot be read is skipped with its reason."""
    from rich.console import Console

    from freqfleet.trades.freqtrade_db import FreqtradeDatabase

    done: list[T] = []
    skipped: list[Skipped] = []
    with Console(stderr=True, markup=False).status("") as status:
        for bot in bots:
            url = settings.database_url(settings.bots[bot].db_url)
            try:
                source = FreqtradeDatabase(url, bot=bot)
                status.update(f"{bot}: {source.description}")
                done.append(work(source))
            except StoreError:
                raise
            except (TradeSourceError, UnreachableError) as error:
                skipped.append(Skipped(bot, _url_without_secret(url), str(error)))
    return done, skipped


def _url_without_secret(url: str) -> str:
    """Return how messages name a database URL; one that is no URL is left out."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from freqfleet.trades.read_only import describe

    try:
        return describe(make_url(url))
    except (ArgumentError, ValueError):
        return "not a URL"


def _backtests(settings: Settings, exports: Sequence[Path], bots: Sequence[str]) -> Iterable[Reading]:
    from freqfleet.trades.backtest_export import open_backtest

    for path in exports:
        export = open_backtest(path)
        for strategy in export.strategies:
            yield export.read(strategy, bot=_bot_of(settings, export, strategy, bots))


def _bot_of(settings: Settings, export: BacktestExport, strategy: str, bots: Sequence[str]) -> str:
    """Return the bot whose trades those of a strategy are; raises InputError where no bot has it."""
    by_strategy = {one.strategy: name for name, one in settings.bots.items()}
    bot = bots[0] if bots else by_strategy.get(strategy)
    if bot is None:
        raise InputError(
            f"{export.path}: no bot has the strategy {strategy}, only {', '.join(by_strategy)}; "
            f"say whose trades they are with --bot {next(iter(settings.bots), 'NAME')}"
        )
    return bot


def _record(store: LearningStore, readings: Iterable[Reading]) -> list[SyncReport]:
    from freqfleet.trades.sync import sync_reading

    return [sync_reading(store, reading) for reading in readings]
