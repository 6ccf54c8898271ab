"""`python -m bench.store`: the learning store against its bars; writes docs/benchmarks-store.md.

Each part is a function that returns a Section; PARTS lists them in the order of the page.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.machine import Surroundings, surroundings
from bench.measure import ROOT, BenchError
from bench.page import write_parts
from bench.store_bulk import as_of, backfill, relearn
from bench.store_faults import crashes, look_up, never_wait, reconcile, six_processes
from bench.table import Section, conclude, not_measured, table_lines

PAGE = ROOT / "docs" / "benchmarks-store.md"
TITLE = "# Benchmarks of the learning store"
ABOUT = (
    "Written by `make bench-store`; do not edit. CPU seconds are those of our process. Servers are real ones "
    "on 127.0.0.1, started for this run. Wall times of a shared machine vary."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBench:
    """What every part gets. folder : of its own. quick : a small run, no bar is judged. tell : progress."""

    folder: Path
    quick: bool
    tell: Callable[[str], None]


Part = Callable[[StoreBench], Section]
PARTS: dict[str, Part] = {
    "backfill": lambda bench: backfill(bench.folder, quick=bench.quick, tell=bench.tell),
    "relearn": lambda bench: relearn(bench.folder, quick=bench.quick, tell=bench.tell),
    "as-of": lambda bench: as_of(bench.folder, quick=bench.quick, tell=bench.tell),
    "look-up": lambda bench: look_up(quick=bench.quick, tell=bench.tell),
    "reconcile": lambda bench: reconcile(bench.folder, tell=bench.tell),
    "never-wait": lambda bench: never_wait(bench.folder, quick=bench.quick, tell=bench.tell),
    "six": lambda bench: six_processes(bench.folder, quick=bench.quick, tell=bench.tell),
    "crashes": lambda bench: crashes(bench.folder, quick=bench.quick, tell=bench.tell),
}


@click.command()
@click.option("--quick", is_flag=True, help="A small run that shows that everything works; no bar is judged.")
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), help="These parts only.")
@click.option("--date", metavar="DAY", help="The day to write on the page; today where not given.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Which page gets these parts; docs/benchmarks-store.md where not given, none for a quick run.",
)
def main(quick: bool, parts: tuple[str, ...], date: str | None, out: Path | None) -> None:
    """Measure the learning store on SQLite, PostgreSQL and InfluxDB."""
    target = out or (None if quick else PAGE)
    day = date or f"{datetime.now(UTC):%Y-%m-%d}"
    sections: list[Section] = []
    for name in parts or PARTS:
        where = surroundings(day, "seeded synthetic trades")
        with tempfile.TemporaryDirectory(prefix="freqfleet-bench-") as folder:
            bench = StoreBench(
                folder=Path(folder),
                quick=quick,
                tell=lambda text: click.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True),
            )
            sections.append(_measured(bench, name))
        if target is not None:  # after every part: an hour's work must not be lost to one Ctrl-C
            write_parts(target, sections[-1:], where, write=_page)
    sys.exit(conclude(sections, target))


def _measured(bench: StoreBench, name: str) -> Section:
    """Return a part; one that fails is a row that has not held, and the others go on."""
    try:
        return PARTS[name](bench)
    except BenchError as error:
        click.echo(f"bench: {name}: {error}", err=True)
        return Section(title=name, rows=(not_measured(name, "", str(error).splitlines()[-1]),))


def _page(sections: Sequence[Section], where: Surroundings) -> str:
    wanted = [(name, text) for name, text in where.lines() if "peers" not in name]
    lines = [TITLE, "", ABOUT, "", *(f"- {name}: {text}" for name, text in wanted), ""]
    return "\n".join(lines + table_lines(sections)).rstrip() + "\n"


if __name__ == "__main__":
    main()
