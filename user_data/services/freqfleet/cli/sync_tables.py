"""How `freqfleet sync` shows what it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from freqfleet.trades.reconcile import Reconciliation
    from freqfleet.trades.sync import SyncReport

_REASONS_SHOWN = 5
_IDS_SHOWN = 8
_PIPE_WIDTH = 180  # a table in a file or a pipe is not squeezed into 80 columns


@dataclass(frozen=True, slots=True)
class Skipped:
    """A bot whose database could not be read, or a result of a folder (its strategy or file), and why."""

    bot: str
    source: str
    reason: str


def skips_to_dict(skipped: Iterable[Skipped]) -> list[dict[str, str]]:
    """Return plain values for JSON."""
    return [{"bot": one.bot, "source": one.source, "reason": one.reason} for one in skipped]


def print_sync(reports: Sequence[SyncReport], skipped: Sequence[Skipped]) -> None:
    """Print a table of what was copied, with the reasons of what was not."""
    from rich.table import Table

    from freqfleet.cli.screen import screen
    from freqfleet.report.formats import as_count

    table = Table("Bot", "Source", box=None, pad_edge=False)
    for title in ("Read", "New", "Amended", "Known", "Rejected", "Dropped"):
        table.add_column(title, justify="right")
    table.columns[1].overflow = "fold"
    for one in reports:
        counts = (one.read, one.accepted, one.amended, one.duplicate, len(one.rejected), len(one.dropped))
        table.add_row(one.bot, one.source, *(as_count(count) for count in counts))
    if reports:
        screen(pipe=_PIPE_WIDTH).print(table)
    for report in reports:
        for what in report.noticed:
            click.echo(f"{report.bot}: {what}")
        _print_reasons("rejected", report.rejected)
        _print_reasons("dropped", report.dropped)
    _print_skipped(skipped)


def _print_reasons(word: str, reasons: Sequence[str]) -> None:
    for reason in reasons[:_REASONS_SHOWN]:
        click.echo(f"  {word}: {reason}")
    if len(reasons) > _REASONS_SHOWN:
        click.echo(f"  {word}: {len(reasons) - _REASONS_SHOWN} more; --json FILE lists them all")


def cycle_line(reports: Sequence[SyncReport], skipped: Sequence[Skipped]) -> str:
    """Return the one line of a service's cycle."""
    parts = []
    for one in reports:
        part = f"{one.bot} +{one.accepted}"
        if one.amended:
            part += f" ~{one.amended}"
        if one.rejected or one.dropped:
            part += f" not usable {len(one.rejected) + len(one.dropped)}"
        parts.append(part + "".join(f" ({what})" for what in one.noticed))
    parts.extend(f"{one.bot} skipped: {one.reason}" for one in skipped)
    return "; ".join(parts)


def print_reconciliations(found: Sequence[Reconciliation], skipped: Sequence[Skipped]) -> None:
    """Print what was compared, the days that differed, and what became of them."""
    from rich.table import Table

    from freqfleet.cli.screen import screen
    from freqfleet.report.formats import as_count

    table = Table("Bot", box=None, pad_edge=False)
    for title in ("Days", "Trades", "Days that differed", "Restored", "Amended", "Only in store"):
        table.add_column(title, justify="right")
    for one in found:
        counts = (one.days, one.trades, len(one.differences), one.restored, one.amended, one.only_in_store)
        table.add_row(one.bot, *(as_count(count) for count in counts))
    if found:
        screen(pipe=_PIPE_WIDTH).print(table)
    days = Table("Bot", "Day", "Trades: bot", "store", "Profit: bot", "store", box=None, pad_edge=False)
    for column in days.columns[2:]:
        column.justify = "right"
    days.add_column("Missing, changed, only in store (ids)", overflow="fold")
    for one in found:
        for day in one.differences:
            profits = (f"{day.source_profit_quote:.4f}", f"{day.store_profit_quote:.4f}")
            ids = [f"{word} {_ids(some)}" for word, some in (
                ("missing", day.missing), ("changed", day.changed), ("only in store", day.only_in_store)
            ) if some]  # fmt: skip
            trades = (as_count(day.source_trades), as_count(day.store_trades))
            days.add_row(one.bot, str(day.day), *trades, *profits, "; ".join(ids) or "hash of a stored row")
    if days.row_count:
        screen(pipe=_PIPE_WIDTH).print(days)
    for one in found:
        for instance, count in one.other_instances.items():
            click.echo(f"{one.bot}: {count} trades of {instance} are not of {one.instance}; not compared")
        for day_left in one.unrepaired:
            click.echo(f"{one.bot}: {day_left} still differs after the repair; see `freqfleet doctor`")
        _print_reasons("rejected", one.rejected)
        _print_reasons("dropped", one.dropped)
    _print_skipped(skipped)


def _print_skipped(skipped: Iterable[Skipped]) -> None:
    for one in skipped:
        click.echo(f"{one.bot} skipped: {one.reason}")


def _ids(ids: Sequence[int]) -> str:
    more = f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else ""
    return ", ".join(str(one) for one in ids[:_IDS_SHOWN]) + more
