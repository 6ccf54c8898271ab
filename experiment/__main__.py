"""`python -m experiment`: run the learning experiment and write docs/experiment.md."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from experiment import ROOT
from experiment.backtests import Backtests
from experiment.markets import SETS, open_market
from experiment.page import write_page
from experiment.study import run_study
from freqfleet.errors import FreqfleetError
from freqfleet.settings import load_settings

SHARED = Path(os.environ.get("FREQFLEET_SHARED", ROOT.parent / "shared"))
PAGE = ROOT / "docs" / "experiment.md"


@click.command()
@click.option(
    "--shared",
    type=click.Path(path_type=Path, file_okay=False),
    default=SHARED,
    help="A folder with market/bench and market/okx-2022.",
)
@click.option("--set", "sets", multiple=True, type=click.Choice(list(SETS)), help="These sets only.")
@click.option("--pairs", "pair_counts", multiple=True, type=click.IntRange(min=1), help="Of each set; all.")
@click.option("--days", type=click.IntRange(min=30), help="The first so many days; all.")
@click.option("--every", "every_days", type=click.IntRange(min=1), default=7, show_default=True)
@click.option(
    "--at-once", type=click.IntRange(min=1), default=2, show_default=True, help="freqtrade processes at once."
)
@click.option("--resume", is_flag=True, help="Take the backtests of --work that were asked the same.")
@click.option(
    "--work",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "experiment-out",
    help="Where userdirs, stores and results go.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=PAGE, help="The page.")
def main(
    shared: Path,
    sets: tuple[str, ...],
    pair_counts: tuple[int, ...],
    days: int | None,
    every_days: int,
    at_once: int,
    resume: bool,
    work: Path,
    out: Path,
) -> None:
    """Backtest the fleet with defaults and with what a learner would have published; write it down."""

    def tell(text: str) -> None:
        click.echo(f"{datetime.now(UTC):%H:%M:%S} {text}", err=True)

    chosen = sets or tuple(SETS)
    if len(pair_counts) not in (0, len(chosen)):
        raise click.UsageError(f"give --pairs once for each of {', '.join(chosen)}, or not at all")
    settings = load_settings(Path("nowhere"))
    began, studies = time.monotonic(), []
    try:
        for number, name in enumerate(chosen):
            folder = work / name
            market = open_market(
                shared,
                name,
                folder / "market",
                most_pairs=pair_counts[number] if pair_counts else None,
                most_days=days,
            )
            backtests = Backtests(
                market=market, folder=folder, settings=settings, at_once=at_once, resume=resume, tell=tell
            )
            studies.append(run_study(backtests, every=timedelta(days=every_days), tell=tell))
        write_page(out, studies, every_days=every_days)
    except FreqfleetError as error:
        click.echo(f"experiment: {error}", err=True)
        sys.exit(error.exit_code)
    tell(f"written: {out}, after {(time.monotonic() - began) / 60:.0f} min")


if __name__ == "__main__":
    main()
