"""`freqfleet init`: the fleet beside what people already have."""

from __future__ import annotations

from pathlib import Path

import click

from freqfleet.cli.program import Invocation
from freqfleet.settings import USERDIR_NAME
from freqfleet.skeleton import place_skeleton

_SAID = {
    "written": "written",
    "same": "already there",
    "kept": "KEPT YOURS, differs from ours; --force replaces it",
}


@click.command()
@click.option(
    "--userdir",
    type=click.Path(path_type=Path, file_okay=False),
    help="The freqtrade userdir; default: the global --userdir.",
)
@click.option("--force", is_flag=True, help="Replace files that differ.")
@click.pass_obj
def init(invocation: Invocation, userdir: Path | None, force: bool) -> None:
    """Put strategies and configs into a freqtrade userdir; overwrites nothing without --force."""
    target = userdir if userdir is not None else invocation.userdir
    placed = place_skeleton(target, force=force)
    for one in placed:
        click.echo(f"{one.file}: {_SAID[one.outcome]}")
    config = target / "config"
    # The configs say user_data/bot1.sqlite, which freqtrade looks for below the folder it is started in.
    elsewhere = target.resolve() != Path(USERDIR_NAME).resolve()
    database = f" --db-url sqlite:///{target.resolve() / 'bot1.sqlite'}" if elsewhere else ""
    click.echo(
        f"\nNext: set your pairs in {config}/bot1.json, bot2.json, bot3.json (one sub-account a bot), then"
        f"\n  freqfleet --userdir {target} doctor"
        f"\n  freqtrade trade --userdir {target} -c {config}/bot1.json --strategy BOT1LongStrategy{database}"
    )
