"""`freqfleet optimize --exits managed` with a search that samples: runs the comparison and shows it."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, write_json
from freqfleet.clock import SystemClock, iso
from freqfleet.domain.known import known
from freqfleet.learning.managed_run import ManagedOutcome, ManagedRun, compare_managed
from freqfleet.report.formats import plural
from freqfleet.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress


def show_managed(
    settings: Settings,
    *,
    search: str,
    as_of: datetime | None,
    pairs: tuple[str, ...],
    json_target: str | None,
) -> None:
    """Compare and print; nothing is written but the JSON document."""
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.leverage_tiers import load_leverage_tiers
    from freqfleet.wiring import open_store

    with closing(open_store(settings)) as store, _progress() as progress:
        task = progress.add_task("pair sides", total=None)
        run = compare_managed(
            store,
            CandleFiles(settings.datadir, settings.market.timeframe, as_of=as_of),
            settings,
            search=search,
            as_of=as_of or SystemClock().now(),
            pairs=pairs,
            tiers=load_leverage_tiers(),
            on_outcome=lambda one: progress.update(
                task, advance=1, description=f"{one.pair} {one.side.value}"
            ),
        )
    if json_target is not None:
        write_json(json_target, to_document(run))
    if json_target != STDOUT:
        for line in lines(run):
            click.echo(line)


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def lines(run: ManagedRun) -> list[str]:
    """Return what a person reads, the best gain first."""
    compared = sorted(run.compared, key=_gain, reverse=True)
    said = [f"{one.pair} {one.side.value}: {one.finding.text}" for one in compared if one.finding is not None]
    left = Counter(one.reason for one in run.outcomes if one.finding is None)
    said += [f"not compared: {plural(count, 'pair side')}, {reason}" for reason, count in left.items()]
    of_all = f"{run.helped} of {plural(len(compared), 'pair side')}"
    return [
        *said,
        f"following the path stands clear of chance for {of_all}; where it is worth nothing it would for "
        f"{run.helped_by_chance:.1f}",
        f"nothing is published: --search {run.search} chose by looking at trades, which the publication gate "
        "does not certify; --search lattice lets the gate choose, and publishes what holds",
    ]


def to_document(run: ManagedRun) -> dict[str, Any]:
    """Return the run as plain values."""
    return {
        "as_of": iso(run.as_of),
        "exits": "managed",
        "search": run.search,
        "trials": run.trials,
        "helped": run.helped,
        "helped_by_chance": round(run.helped_by_chance, 2),
        "pair_sides": [_row(one) for one in run.outcomes],
    }


def _row(one: ManagedOutcome) -> dict[str, Any]:
    row: dict[str, Any] = {"pair": one.pair, "side": one.side.value}
    found = one.finding
    if found is None:
        return {**row, "reason": one.reason}
    plain, managed = found.plain.best, found.managed.best
    return {
        **row,
        "gain_bps": known(found.gain * 1e4),
        "standard_error_bps": known(found.standard_error * 1e4),
        "helps": found.helps,
        "held_out_trades": found.held_out_trades,
        "ambiguous_trades": found.ambiguous_trades,
        "plain": None if plain is None else plain.to_dict(),
        "managed": None if managed is None else managed.to_dict(),
    }


def _gain(one: ManagedOutcome) -> float:
    gain = math.nan if one.finding is None else one.finding.gain
    return gain if math.isfinite(gain) else -math.inf
