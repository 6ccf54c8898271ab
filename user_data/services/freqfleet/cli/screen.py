"""How wide what a verb prints may be: a terminal has its width, a pipe gets one that tables need."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Collection, Sequence

from rich.console import Console

# What whole tables need. A narrower terminal shows some of their columns and names the others.
TABLE_COLUMNS = 120


def screen(*, pipe: int = TABLE_COLUMNS, at_least: int = 0) -> Console:
    """Return the console on stdout; texts are printed as they are, never as markup.

    pipe : the width where stdout is no terminal. at_least : in a terminal with fewer columns a line goes on
    in the next one; nothing is cut.
    """
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else pipe
    return Console(highlight=False, markup=False, width=max(columns, at_least))


def fitting(console: Console, titles: Sequence[str], most_needed: Collection[str]) -> list[str]:
    """Return the titles of a table's columns that fit; `most_needed` are those that fit 80 columns."""
    return [title for title in titles if console.width >= TABLE_COLUMNS or title in most_needed]


def name_left_out(console: Console, titles: Sequence[str], shown: Collection[str]) -> None:
    """Say which columns a wider terminal shows, where some are left out."""
    if left_out := [title for title in titles if title not in shown]:
        console.print(f"{TABLE_COLUMNS} columns, or a pipe, also show: {', '.join(left_out)}", style="dim")
