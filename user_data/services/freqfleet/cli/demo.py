"""`freqfleet demo`: the whole loop, offline, with a report at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REPORT_FILE = "report.html"
JSON_FILE = "report.json"


@click.command()
@click.option(
    "--market",
    type=click.Path(path_type=Path, file_okay=False),
    help="freqtrade's datadir of an exchange; default: a seeded synthetic sample.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo-out"),
    show_default=True,
    help="Where everything of the run goes; an earlier demo there is replaced.",
)
def demo(market: Path | None, out: Path) -> None:
    """Three bots trade, the fleet learns, BOT3 trades what it learned; ends with a report."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from freqfleet.clock import SystemClock
    from freqfleet.demo.loop import run_demo
    from freqfleet.demo.page import demo_page
    from freqfleet.report.page import write_json, write_page
    from freqfleet.report.terminal import print_report

    console = Console(stderr=True)
    columns = (SpinnerColumn(finished_text="ok"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        steps = _Steps(progress)
        run = run_demo(market, out, steps)
        steps.finish()
    page = demo_page(run, created_at=SystemClock().now(), commands=_commands(market, out))
    write_page(page, out / REPORT_FILE)
    write_json(page, out / JSON_FILE)
    print_report(page)
    click.echo(f"\nReport: {out / REPORT_FILE}  (as JSON: {out / JSON_FILE})")


class _Steps:
    """Shows the demo's steps, one line each."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._name = ""
        self._task: TaskID | None = None
        self._decided = 0

    def step(self, name: str) -> None:
        self.finish()
        self._name = name
        self._task = self._progress.add_task(name, total=None)

    def decided(self, pair: str, pairs: int) -> None:
        self._decided += 1
        if self._task is not None:
            text = f"{self._name}: {self._decided} of {pairs} pairs, {pair}"
            self._progress.update(self._task, description=text)

    def finish(self) -> None:
        if self._task is not None:
            self._progress.update(self._task, description=self._name, total=1, completed=1)


def _commands(market: Path | None, out: Path) -> list[str]:
    make = "make demo" + (f" MARKET={market}" if market is not None else "")
    verb = "freqfleet demo" + (f" --market {market}" if market is not None else "") + f" --out {out}"
    userdir = out / "user_data"
    return [
        make,
        verb,
        f"freqfleet --userdir {userdir} params list",
        f"freqfleet --userdir {userdir} params explain BTC/USDT:USDT --side long --leverage 3",
    ]
