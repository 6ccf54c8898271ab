"""What `freqfleet walk-forward` prints: one line a step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from freqfleet.cli.screen import TABLE_COLUMNS, fitting, name_left_out, screen
from freqfleet.clock import iso
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.walk_forward import Step
from freqfleet.report.formats import as_count, as_seconds, as_time, plural

_NUMBERS = (
    "Trades", *(verdict.value.capitalize() for verdict in Verdict),
    "Retracted", "Seconds", "Bins", "Bin exits", "Stored before",
)  # fmt: skip
_MOST_NEEDED = frozenset({"Trades", "Published", "Inherited", "Kept", "Skipped", "Bins"})


def print_walk(steps: Sequence[Step]) -> None:
    """Print the steps of a walk to stdout for people."""
    console = screen()
    shown = fitting(console, _NUMBERS, _MOST_NEEDED)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("As of", no_wrap=True)
    for title in shown:
        table.add_column(title, justify="right", no_wrap=True)
    for step in steps:
        cells = dict(zip(_NUMBERS, _numbers(step), strict=True))
        table.add_row(as_time(step.as_of), *(cells[title] for title in shown))
    screen(at_least=TABLE_COLUMNS).print(table)
    name_left_out(console, _NUMBERS, shown)
    notes = Counter(note for step in steps for note in step.notes)
    for note, count in notes.items():
        console.print(f"note, in {plural(count, 'step')}: {note}")
    versions = sum(len(step.versions) for step in steps)
    records = sum(len(step.records) for step in steps)
    console.print(
        f"{plural(versions, 'version')} and {plural(records, 'bin record')} in {plural(len(steps), 'step')}, "
        "each learned from what was known at its time"
    )
    if not versions and steps:
        last = iso(steps[-1].as_of)
        console.print(f"no exits were published: `freqfleet optimize --dry-run --as-of {last}` says why")


def _numbers(step: Step) -> tuple[str, ...]:
    made = len(step.versions) + len(step.records)
    return (
        as_count(step.trades),
        *(as_count(step.run.count(verdict)) for verdict in Verdict),
        as_count(len(step.versions) - len(step.taken)),
        as_seconds(step.run.elapsed_seconds + step.cycle.wall_seconds),
        as_count(len(step.records)),
        as_count(step.cycle.exits.published if step.cycle.exits is not None else 0),
        f"{step.stored_before} of {made}" if step.stored_before else "-",
    )
