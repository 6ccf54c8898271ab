"""`freqfleet optimize`: learn exit parameters per pair and side, and publish what holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation
from freqfleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from freqfleet.clock import Clock
    from freqfleet.learning.optimizer import Optimizer, OptimizerRun, PairOutcome
    from freqfleet.learning.seed_config import SeedConfig
    from freqfleet.settings import Settings


@click.command("optimize")
@click.option("--pairs", "pairs", multiple=True, metavar="PAIR…", help="These pairs only.")
@click.argument("more_pairs", nargs=-1, metavar="")
@click.option("--days-back", type=click.IntRange(min=1), help="Learn from the trades of so many days.")
@click.option("--as-of", metavar="TIME", help="Know nothing later; publish as of this time (UTC).")
@click.option("--search", metavar="NAME", help="tpe (default), gp, cmaes, qmc, random or grid.")
@click.option("--trials", type=click.IntRange(min=1), help="Proposals per pair and side.")
@click.option("--dry-run", is_flag=True, help="Decide and show, publish nothing.")
@click.option(
    "--config",
    "seed_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An optuna_config.json; config/optuna_config.json of the userdir is read where it is.",
)
@json_option
@click.pass_context
def optimize(
    ctx: click.Context,
    pairs: tuple[str, ...],
    more_pairs: tuple[str, ...],
    days_back: int | None,
    as_of: str | None,
    search: str | None,
    trials: int | None,
    dry_run: bool,
    seed_file: Path | None,
    json_target: str | None,
) -> None:
    """Learn exit parameters per pair and side, and publish what beats the ones in force.

    Replays every closed trade of the fleet under other exits. Ends with 1 where nothing was published.

    freqfleet optimize --pairs BTC/USDT:USDT ETH/USDT:USDT --dry-run
    """
    from freqfleet.learning.optimizer import Optimizer
    from freqfleet.learning.outcome import to_document
    from freqfleet.learning.pending import PENDING_FILE, PendingParameters
    from freqfleet.learning.search import DEFAULT_SEARCH, checked_search
    from freqfleet.market.candles import CandleFiles
    from freqfleet.wiring import open_store

    if more_pairs and not pairs:
        raise click.UsageError(f"give pairs after --pairs: --pairs {' '.join(more_pairs)}")
    chosen_search = checked_search(search or DEFAULT_SEARCH)
    clock = _clock(as_of)
    settings, seed = _settings(ctx.find_object(Invocation), seed_file, days_back, trials)
    if seed is not None and seed.logging.file is not None:
        ctx.with_resource(_log_file(settings.path(seed.logging.file), seed.logging.level))
    with closing(open_store(settings)) as store:
        optimizer = Optimizer(
            store=store,
            candles=CandleFiles(settings.datadir, settings.market.timeframe),
            settings=settings,
            clock=clock,
            search=chosen_search,
            dry_run=dry_run,
            pending=PendingParameters(settings.path(PENDING_FILE)) if as_of is None else None,
        )
        asked: Sequence[str] = (*pairs, *more_pairs)
        if not asked:
            asked = optimizer.pairs if seed is None else seed.choose(optimizer.pairs)
        run = _run(optimizer, asked)
    if json_target is not None:
        write_json(json_target, to_document(run))
    if json_target != STDOUT:
        from freqfleet.cli.optimize_tables import print_run

        print_run(run)
    from freqfleet.domain.decisions import Verdict

    ctx.exit(0 if run.count(Verdict.PUBLISHED) else 1)


def _clock(as_of: str | None) -> Clock:
    from freqfleet.clock import FixedClock, SystemClock, iso, parse_time

    if as_of is None:
        return SystemClock()
    moment, now = parse_time(as_of), SystemClock().now()
    if moment > now:
        raise InputError(f"--as-of {iso(moment)} lies in the future; it is {iso(now)}")
    return FixedClock(moment)


def _settings(
    invocation: Invocation | None, seed_file: Path | None, days_back: int | None, trials: int | None
) -> tuple[Settings, SeedConfig | None]:
    """Return the settings: fleet.toml, under the seed's file, under the options of this call."""
    from freqfleet.learning.seed_config import SEED_CONFIG_FILE, read_seed_config

    assert invocation is not None
    settings = invocation.settings()
    found = seed_file if seed_file is not None else settings.path(SEED_CONFIG_FILE)
    seed = None
    if seed_file is not None or found.is_file():
        seed = read_seed_config(found)
        settings = seed.over(settings)
        click.echo(f"settings of {found} are in use", err=True)
    given = {"days_back": days_back, "trials": trials}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return settings.model_copy(update={"optimizer": settings.optimizer.model_copy(update=changes)}), seed


@contextmanager
def _log_file(file: Path, level: str) -> Iterator[None]:
    """Write our log to a file too, while this lasts."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot log to {file}: {error.strerror or error}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s: %(message)s"))
    ours, root = logging.getLogger("freqfleet"), logging.getLogger()
    before, terminals = ours.level, {terminal: terminal.level for terminal in root.handlers}
    for terminal in terminals:  # the terminal keeps its own level
        terminal.setLevel(max(terminal.level, root.level))
    ours.addHandler(handler)
    ours.setLevel(level)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)
        handler.close()
        for terminal, terminal_level in terminals.items():
            terminal.setLevel(terminal_level)


def _run(optimizer: Optimizer, pairs: Sequence[str]) -> OptimizerRun:
    """Run with a progress bar on stderr; an interrupted run says how far it came."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    done: list[PairOutcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("pairs", total=len(pairs))

        def advance(outcome: PairOutcome) -> None:
            done.append(outcome)
            progress.update(task, advance=1, description=outcome.pair)

        try:
            return optimizer.run(pairs, advance)
        except KeyboardInterrupt:
            stored = sum(one.decision.version is not None for outcome in done for one in outcome.findings)
            click.echo(f"{len(done)} of {len(pairs)} pairs decided, {stored} versions published", err=True)
            raise
