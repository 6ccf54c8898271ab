"""`freqfleet data`: make a sample market, check candles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json

if TYPE_CHECKING:
    from freqfleet.cli.program import Invocation
    from freqfleet.market.quality import PairQuality
    from freqfleet.market.sample_truth import SampleTruth

NAMED_PAIRS = 4  # more pairs with the same remark are counted, not named
_STYLES = {"ok": "green", "usable": "yellow", "unusable": "bold red"}


@click.group()
def data() -> None:
    """Make a seeded sample market; check candles."""


@data.command(short_help="Make a SYNTHETIC market with known things to learn.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="The datadir to make, for example user_data/data/sample.",
)
@click.option("--pairs", default=12, show_default=True, help="How many pairs.")
@click.option("--days", default=78, show_default=True, help="How many days, ending 2025-11-01.")
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same candles.")
@click.option("--force", is_flag=True, help="Replace an earlier sample there.")
def sample(out: Path, pairs: int, days: int, seed: int, force: bool) -> None:
    """Make a SYNTHETIC market in freqtrade's layout, with known things to learn planted in it.

    Some pairs reward other exits than the default, some reward none; truth.json says which and how much.
    """
    from rich.console import Console

    from freqfleet.market.sample import write_sample

    stderr = Console(stderr=True, highlight=False)
    with stderr.status("starting") as status:  # shows itself on a terminal only
        show = status.update if stderr.is_terminal else stderr.print
        truth = write_sample(out, pairs, days, seed, force=force, progress=show)
    _print_truth(out, truth)


@data.command(short_help="Count gaps, duplicates and bad rows of every pair.")
@click.option(
    "--datadir",
    type=click.Path(path_type=Path),
    help="The candles to check; where not given, those of fleet.toml's [market].",
)
@json_option
@click.pass_obj
def check(invocation: Invocation, datadir: Path | None, json_target: str | None) -> None:
    """Count gaps, duplicates and bad rows of every pair; nothing is repaired.

    Ends with 1 when a pair cannot be used.
    """
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.quality import PairVerdict, check_datadir

    settings = invocation.settings()
    files = CandleFiles(datadir if datadir is not None else settings.datadir, settings.market.timeframe)
    qualities = check_datadir(files)
    strangers = files.strangers()
    if json_target is not None:
        write_json(json_target, _as_json(files.datadir, qualities, strangers))
    if json_target != STDOUT:
        _print_qualities(files.datadir, qualities, strangers)
    if any(quality.verdict is PairVerdict.UNUSABLE for quality in qualities):
        raise click.exceptions.Exit(1)


def _print_truth(out: Path, truth: SampleTruth) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("pair", "planted"):
        table.add_column(name, no_wrap=True)
    for name in ("best stop", "best target", "over the default"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in truth.pairs:
        table.add_row(
            one.pair,
            one.kind.value.replace("_", " "),
            _percent(one.best_stop_loss),
            _percent(one.best_take_profit),
            f"{one.improvement_bps:+.0f} ± {one.standard_error_bps:.0f} bps",
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(
        "Measured per trade before costs, for entries at random times, long and short. "
        f"Everything is in {out / 'truth.json'}.",
        soft_wrap=True,
    )
    console.print(
        f"{len(truth.pairs)} pairs, {truth.days} days, {truth.first} .. {truth.last}, seed {truth.seed}"
    )
    console.print(truth.notice, style="bold yellow")


def _print_qualities(datadir: Path, qualities: Sequence[PairQuality], strangers: Sequence[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from freqfleet.market.quality import common_window

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("pair", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("candles", "cover", "gaps", "bad"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("mark", "fund"):
        table.add_column(name, no_wrap=True)
    for one in qualities:
        table.add_row(
            one.pair,
            f"[{_STYLES[one.verdict]}]{one.verdict}[/]",
            f"{one.rows:,}",
            "-" if one.coverage_ratio is None else f"{one.coverage_ratio:.1%}",
            f"{one.gaps}",
            f"{sum(one.flaws.values()) + one.outside_rows}",
            one.mark or "-",
            one.funding or "-",
        )
    console = Console(highlight=False)
    console.print(f"Candles in {datadir}", soft_wrap=True)
    console.print(table)
    for one in qualities:
        if one.reason is not None:
            console.print(f"[{_STYLES['unusable']}]{one.pair} is unusable[/]: {one.reason}", soft_wrap=True)
    for remark, pairs in _grouped(qualities).items():
        console.print(f"{_some(pairs)}: {remark}", style=_STYLES["usable"])
    if strangers:
        console.print(f"not read, their names are no pairs: {', '.join(strangers)}", style="yellow")
    window = common_window(qualities)
    shared = "no time" if window is None else f"{window[0]:%Y-%m-%d %H:%M} .. {window[1]:%Y-%m-%d %H:%M}"
    counts = ", ".join(f"{sum(q.verdict == v for q in qualities)} {v}" for v in _STYLES)
    console.print(f"{len(qualities)} pairs: {counts}. All pairs share {shared}.")


def _grouped(qualities: Sequence[PairQuality]) -> dict[str, list[str]]:
    """Return the pairs of each remark: what holds for eighteen pairs is said once."""
    groups: dict[str, list[str]] = {}
    for one in qualities:
        for remark in one.remarks:
            groups.setdefault(remark, []).append(one.pair)
    return groups


def _some(pairs: Sequence[str]) -> str:
    if len(pairs) <= NAMED_PAIRS:
        return ", ".join(pairs)
    return f"{len(pairs)} pairs ({', '.join(pairs[: NAMED_PAIRS - 1])}, …; --json names all)"


def _as_json(datadir: Path, qualities: Sequence[PairQuality], strangers: Sequence[str]) -> dict[str, Any]:
    from dataclasses import asdict

    from freqfleet.clock import iso
    from freqfleet.market.quality import common_window

    window = common_window(qualities)
    return {
        "datadir": str(datadir),
        "common_window": None if window is None else [iso(window[0]), iso(window[1])],
        "not_read": list(strangers),
        "pairs": [
            {
                **asdict(one),
                "first": None if one.first is None else iso(one.first),
                "last": None if one.last is None else iso(one.last),
            }
            for one in qualities
        ],
    }


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:+.2%}"
