"""`python -m bench`: measure, print, write docs/benchmarks.md; ends with 1 where a bar is missed."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from bench.machine import surroundings
from bench.measure import ROOT, BenchError
from bench.page import write_parts
from bench.sections import FULL, QUICK, Bench
from bench.table import Section, conclude, not_measured

PAGE = ROOT / "docs" / "benchmarks.md"
PARTS = ("work", "start_up", "peers", "growth", "overhead", "walk", "controller")
SHARED = Path(os.environ.get("FREQFLEET_SHARED", ROOT.parent / "shared"))


@click.command()
@click.option("--quick", is_flag=True, help="A small run that shows that everything works; no bar is judged.")
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="These parts only.")
@click.option("--date", metavar="DAY", help="The day to write on the page; today where not given.")
@click.option(
    "--shared",
    type=click.Path(path_type=Path, file_okay=False),
    default=SHARED,
    help="A folder with market/bench and market/okx-2022; without one a synthetic sample is made.",
)
@click.option("--sample", is_flag=True, help="Take a synthetic sample in any case.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Which page gets these parts; docs/benchmarks.md where not given, none for a quick run.",
)
def main(
    quick: bool,
    parts: tuple[str, ...],
    date: str | None,
    shared: Path,
    sample: bool,
    seed: int,
    out: Path | None,
) -> None:
    """Measure freqfleet against its bars, and against other engines on the same trades."""
    day = date or f"{datetime.now(UTC):%Y-%m-%d}"
    target = out or (None if quick else PAGE)
    with tempfile.TemporaryDirectory(prefix="freqfleet-bench-") as folder:
        try:
            bench = Bench(
                QUICK if quick else FULL,
                Path(folder),
                shared=None if sample else shared,
                seed=seed,
                tell=lambda text: click.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True),
            )
            sections: list[Section] = []
            for part in parts or PARTS:
                where = surroundings(day, bench.all.described)
                sections.append(_measured(bench, part))
                if target is not None:  # after every part: an hour's work must not be lost to one Ctrl-C
                    write_parts(target, sections[-1:], where)
        except BenchError as error:
            click.echo(f"bench: {error}", err=True)
            sys.exit(1)
    sys.exit(conclude(sections, target))


def _measured(bench: Bench, part: str) -> Section:
    """Return a part; one that fails is a row that has not held, and the others go on."""
    try:
        section: Section = getattr(bench, part)()
    except BenchError as error:
        click.echo(f"bench: {part}: {error}", err=True)
        return Section(title=part, rows=(not_measured(part, "", str(error).splitlines()[-1]),))
    return section


if __name__ == "__main__":
    main()
