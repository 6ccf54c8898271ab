"""`freqfleet sync`: closed trades into the learning store, exactly once."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation
from freqfleet.errors import InputError, StoreError, TradeSourceError, UnreachableError

if TYPE_CHECKING:
    from freqfleet.settings import Settings
    from freqfleet.store.promise import LearningStore
    from freqfleet.trades.reading import Reading
    from freqfleet.trades.sync import SyncReport

_REASONS_SHOWN = 5
_PIPE_WIDTH = 180  # a table in a file or a pipe is not squeezed into 80 columns


@dataclass(frozen=True, slots=True)
class Skipped:
    """A bot whose database could not be read, and why."""

    bot: str
    source: str
    reason: str


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
@json_option
@click.pass_obj
def sync(
    invocation: Invocation, bots: tuple[str, ...], exports: tuple[Path, ...], json_target: str | None
) -> None:
    """Copy closed trades into the learning store, exactly once.

    Without --from-backtest: from the database of every bot. A bot that cannot be read is skipped with the
    reason; ends with 3 where none could be read. A backtest's trades go to the bot with its strategy, or
    to the one that --bot names.
    """
    from freqfleet.wiring import open_store

    settings = invocation.settings()
    chosen = _chosen_bots(settings, bots)
    readings = list(_backtests(settings, exports, bots))  # a wrong file stops us before the first change
    skipped: list[Skipped] = []
    with closing(open_store(settings)) as store:
        if exports:
            reports = _record(store, readings)
        else:
            reports, skipped = _sync_databases(store, settings, chosen)
    if json_target is not None:
        write_json(
            json_target,
            {
                "synced": [one.to_dict() for one in reports],
                "skipped": [{"bot": one.bot, "source": one.source, "reason": one.reason} for one in skipped],
            },
        )
    if json_target != STDOUT:
        _print(reports, skipped)
    if skipped and not reports:
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


def _sync_databases(
    store: LearningStore, settings: Settings, bots: Iterable[str]
) -> tuple[list[SyncReport], list[Skipped]]:
    from rich.console import Console

    from freqfleet.trades.freqtrade_db import FreqtradeDatabase
    from freqfleet.trades.sync import sync_bot

    reports: list[SyncReport] = []
    skipped: list[Skipped] = []
    with Console(stderr=True, markup=False).status("") as status:
        for bot in bots:
            url = settings.database_url(settings.bots[bot].db_url)
            try:
                source = FreqtradeDatabase(url, bot=bot)
                status.update(f"{bot}: {source.description}")
                reports.append(sync_bot(store, source))
            except StoreError:
                raise
            except (TradeSourceError, UnreachableError) as error:
                skipped.append(Skipped(bot, _url_without_secret(url), str(error)))
    return reports, skipped


def _url_without_secret(url: str) -> str:
    """Return how messages name a database URL; one that is no URL is left out."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    from freqfleet.trades.read_only import describe

    try:
        return describe(make_url(url))
    except ArgumentError:
        return "not a URL"


def _backtests(settings: Settings, exports: Sequence[Path], bots: Sequence[str]) -> Iterable[Reading]:
    from freqfleet.trades.backtest_export import open_backtest

    if exports and len(set(bots)) > 1:
        raise InputError(f"--from-backtest takes one --bot, were {', '.join(bots)}")
    by_strategy = {one.strategy: name for name, one in settings.bots.items()}
    for path in exports:
        export = open_backtest(path)
        for strategy in export.strategies:
            bot = bots[0] if bots else by_strategy.get(strategy)
            if bot is None:
                raise InputError(
                    f"{export.path}: no bot has the strategy {strategy}, only {', '.join(by_strategy)}; "
                    f"say whose trades they are with --bot {next(iter(settings.bots), 'NAME')}"
                )
            yield export.read(strategy, bot=bot)


def _record(store: LearningStore, readings: Iterable[Reading]) -> list[SyncReport]:
    from freqfleet.trades.sync import sync_reading

    return [sync_reading(store, reading) for reading in readings]


def _print(reports: Sequence[SyncReport], skipped: Sequence[Skipped]) -> None:
    from rich.console import Console
    from rich.table import Table

    from freqfleet.report.formats import as_count

    table = Table("Bot", "Source", box=None, pad_edge=False)
    for title in ("Read", "New", "Amended", "Known", "Rejected", "Dropped"):
        table.add_column(title, justify="right")
    table.columns[1].overflow = "fold"
    for one in reports:
        counts = (one.read, one.accepted, one.amended, one.duplicate, len(one.rejected), len(one.dropped))
        table.add_row(one.bot, one.source, *(as_count(count) for count in counts))
    console = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    if reports:
        console.print(table)
    for report in reports:
        _print_reasons("rejected", report.rejected)
        _print_reasons("dropped", report.dropped)
    for one_skipped in skipped:
        click.echo(f"{one_skipped.bot} skipped: {one_skipped.reason}")


def _print_reasons(word: str, reasons: Sequence[str]) -> None:
    for reason in reasons[:_REASONS_SHOWN]:
        click.echo(f"  {word}: {reason}")
    if len(reasons) > _REASONS_SHOWN:
        click.echo(f"  {word}: {len(reasons) - _REASONS_SHOWN} more; --json FILE lists them all")
