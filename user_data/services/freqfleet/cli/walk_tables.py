"""What `freqfleet walk-forward` prints: one line a step."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from freqfleet.clock import iso
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.walk_forward import Step
from freqfleet.report.formats import as_count, as_seconds, as_time, plural

TABLE_COLUMNS = 120


def print_walk(steps: Sequence[Step]) -> None:
    """Print the steps of a walk to stdout for people."""
    console = Console(highlight=False, width=max(TABLE_COLUMNS, shutil.get_terminal_size().columns))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("As of", no_wrap=True)
    titles = ("Trades", *(verdict.value.capitalize() for verdict in Verdict), "Retracted", "Seconds")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Bins", justify="right", no_wrap=True)
    table.add_column("Bin exits", justify="right", no_wrap=True)
    table.add_column("Stored before", justify="right", no_wrap=True)
    for step in steps:
        table.add_row(
            as_time(step.as_of),
            as_count(step.trades),
            *(as_count(step.run.count(verdict)) for verdict in Verdict),
            as_count(len(step.versions) - len(step.taken)),
            as_seconds(step.run.elapsed_seconds + step.cycle.wall_seconds),
            as_count(len(step.records)),
            as_count(step.cycle.exits.published if step.cycle.exits is not None else 0),
            f"{step.stored_before} of {len(step.versions) + len(step.records)}"
            if step.stored_before
            else "-",
        )
    console.print(table)
    notes = Counter(note for step in steps for note in step.notes)
    for note, count in notes.items():
        console.print(f"note, in {plural(count, 'step')}: {note}", markup=False)
    versions = sum(len(step.versions) for step in steps)
    records = sum(len(step.records) for step in steps)
    console.print(
        f"{plural(versions, 'version')} and {plural(records, 'bin record')} in {plural(len(steps), 'step')}, "
        "each learned from what was known at its time"
    )
    if not versions and steps:
        last = iso(steps[-1].as_of)
        console.print(
            f"no exits were published: `freqfleet optimize --dry-run --as-of {last}` says why", markup=False
        )
