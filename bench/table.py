"""The results as rows, for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bench.machine import Surroundings

TITLE = "# Benchmarks"
ABOUT = (
    "Written by `make bench`; do not edit. CPU seconds of a process and its children, or ratios of CPU "
    "seconds formed within one round, so that a busy machine disturbs both sides alike. Candle files were "
    "written just before and come from the page cache. Kernels were compiled before, except where a row "
    "says cold."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. bar : what was promised; empty where nothing was. held : None where there is no bar."""

    work: str
    measured: str
    bar: str = ""
    held: bool | None = None

    @property
    def verdict(self) -> str:
        """How the table says it."""
        return "" if self.held is None else ("yes" if self.held else "NO")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table with its title, and what a reader should know beside it."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def at_most(work: str, value: float, bar: float, unit: str, *, more: str = "") -> Row:
    """Return a row that holds where the value does not exceed the bar."""
    return Row(
        work=work, measured=f"{_short(value)} {unit}{more}", bar=f"<= {bar:g} {unit}", held=value <= bar
    )


def at_least_times(work: str, ratio: float, bar: float, *, more: str = "") -> Row:
    """Return a row that holds where the ratio reaches the bar."""
    return Row(work=work, measured=f"x{ratio:,.0f}{more}", bar=f">= x{bar:,.0f}", held=ratio >= bar)


def not_measured(work: str, bar: str, reason: str) -> Row:
    """Return a row for what could not be measured: a bar that nobody looked at has not held."""
    return Row(work=work, measured=f"not measured: {reason}", bar=bar, held=False)


def missed(sections: Sequence[Section]) -> list[Row]:
    """Return the rows whose bar did not hold."""
    return [row for section in sections for row in section.rows if row.held is False]


def conclude(sections: Sequence[Section], page: Path | None, *, judged: bool = True) -> int:
    """Print everything, and the bars that were missed; return the exit code.

    page : where it was written. judged : False says nothing about bars, as after a small run.
    """
    show(sections)
    if page is not None:
        click.echo(f"written: {page}", err=True)
    lost = missed(sections) if judged else []
    for row in lost:
        click.echo(f"missed: {row.work}: {row.measured}, bar {row.bar}", err=True)
    return 1 if lost else 0


def show(sections: Sequence[Section]) -> None:
    """Print every section to the terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    for section in sections:
        table = Table(title=section.title, title_justify="left")
        for name in ("work", "measured", "bar", "held"):
            table.add_column(name, overflow="fold")
        for row in section.rows:
            style = "red" if row.held is False else None
            table.add_row(row.work, row.measured, row.bar, row.verdict, style=style)
        console.print(table)
        for note in section.notes:
            console.print(f"  {note}", highlight=False, markup=False)


def to_markdown(sections: Sequence[Section], surroundings: Surroundings) -> str:
    """Return the page."""
    lines = [TITLE, "", ABOUT, "", *(f"- {name}: {text}" for name, text in surroundings.lines()), ""]
    return "\n".join(lines + table_lines(sections)).rstrip() + "\n"


def table_lines(sections: Sequence[Section]) -> list[str]:
    """Return the tables of a page, line by line."""
    lines: list[str] = []
    for section in sections:
        lines += [f"## {section.title}", "", "| work | measured | bar | held |", "|---|---|---|---|"]
        lines += [f"| {row.work} | {row.measured} | {row.bar} | {row.verdict} |" for row in section.rows]
        lines += ["", *(f"- {note}" for note in section.notes)] + ([""] if section.notes else [])
    return lines


def _short(value: float) -> str:
    return f"{value:.2f}" if value < 100.0 else f"{value:.0f}"
