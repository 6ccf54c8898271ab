"""`freqfleet demo`: the whole loop, offline, with a report at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from freqfleet.cli.program import Invocation

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
@click.pass_obj
def demo(invocation: Invocation, market: Path | None, out: Path) -> None:
    """Three bots trade, the fleet learns, BOT3 trades what it learned; ends with a report.

    The learning store is made below --out. With `freqfleet --store URL demo` it is that one: give it an empty
    database, because the demo learns from all it holds.
    """
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
        store = invocation.settings().store if invocation.store_url is not None else None
        run = run_demo(market, out, steps, store=store)
        steps.finish()
    page = demo_page(
        run, created_at=SystemClock().now(), commands=_commands(market, out, invocation.store_url)
    )
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


def _commands(market: Path | None, out: Path, store_url: str | None) -> list[str]:
    program = "freqfleet" if store_url is None else f"freqfleet --store '{store_url}'"
    given = f" --market {market}" if market is not None else ""
    make = (
        [] if store_url is not None else ["make demo" + (f" MARKET={market}" if market is not None else "")]
    )
    userdir = out / "user_data"
    return [
        *make,
        f"{program} demo{given} --out {out}",
        f"{program} --userdir {userdir} params list",
        f"{program} --userdir {userdir} params explain BTC/USDT:USDT --side long --leverage 3",
    ]
