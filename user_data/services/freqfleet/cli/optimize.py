"""`freqfleet optimize`: learn exit parameters per pair and side, and publish what holds."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.learner_beat import give_beat
from freqfleet.cli.program import Invocation
from freqfleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from freqfleet.learning.optimizer import Optimizer, OptimizerRun
    from freqfleet.learning.pair_work import PairOutcome
    from freqfleet.learning.seed_config import SeedConfig
    from freqfleet.learning.standings import Standings
    from freqfleet.learning.study import Study
    from freqfleet.learning.workers import Workers
    from freqfleet.market.candles import CandleFiles
    from freqfleet.settings import Settings
    from freqfleet.store.one_at_a_time import OneAtATime

TRIAL_LOG = Path("user_data") / "logs" / "optuna_optimizer.log"
LOCK = Path("user_data") / "heartbeats" / "optimize.lock"
SERVICE = "optimize"


@click.command("optimize")
@click.option("--pairs", "pairs", multiple=True, metavar="PAIR…", help="These pairs only.")
@click.argument("more_pairs", nargs=-1, metavar="")
@click.option("--days-back", type=click.IntRange(min=1), help="Learn from the trades of so many days.")
@click.option("--as-of", metavar="TIME", help="Know nothing later; publish as of this time (UTC).")
@click.option(
    "--search",
    metavar="NAME",
    help="exact (default), tpe, gp, cmaes, qmc, random or grid; of managed exits lattice (default).",
)
@click.option(
    "--exits",
    type=click.Choice(["plain", "managed"]),
    default="plain",
    show_default=True,
    help="managed: learn trailing, giveback, break-even and regime exits upon what is in force.",
)
@click.option("--trials", type=click.IntRange(min=1), help="Proposals per pair and side.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, help="Worker processes; the answer is the same."
)
@click.option("--scheduler", metavar="URL", help="The workers of a Dask cluster instead: tcp://HOST:PORT.")
@click.option(
    "--resume", is_flag=True, help="Go on with a run that was cut off; finished pairs stay as they are."
)
@click.option("--study", metavar="NAME", help="The run's name; without it DAY-SEARCH-SEED.")
@click.option(
    "--study-storage",
    metavar="URL",
    help="Keep the study in a database, for several machines: postgresql+psycopg://HOST/DATABASE.",
)
@click.option(
    "--importance", is_flag=True, help="Say which parameter mattered; doubles the time of a search."
)
@click.option("--dry-run", is_flag=True, help="Decide and show, publish nothing.")
@click.option(
    "--reasons",
    "every_reason",
    is_flag=True,
    help="Print every reason in full; else many of one cause are a table.",
)
@click.option(
    "--config",
    "seed_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="An optuna_config.json; config/optuna_config.json of the userdir is read where it is.",
)
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the decisions as CSV.",
)
@click.option(
    "--report",
    "report_folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a report card: DIR/card.html and DIR/card.json.",
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
    exits: str,
    trials: int | None,
    jobs: int,
    scheduler: str | None,
    resume: bool,
    study: str | None,
    study_storage: str | None,
    importance: bool,
    dry_run: bool,
    every_reason: bool,
    seed_file: Path | None,
    csv_file: Path | None,
    report_folder: Path | None,
    json_target: str | None,
) -> None:
    """Learn exit parameters per pair and side, and publish what beats the ones in force.

    Replays every closed trade of the fleet under other exits. Ends with 1 where nothing was published or
    inherited. Of two runs on one userdir the second is refused, unless it is a --dry-run or an --as-of.

    freqfleet optimize --pairs BTC/USDT:USDT ETH/USDT:USDT --dry-run
    """
    from freqfleet.learning.optimizer import Optimizer
    from freqfleet.learning.outcome import to_document
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.learning.pending import PENDING_FILE, PendingParameters
    from freqfleet.learning.study import open_study
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.leverage_tiers import load_leverage_tiers
    from freqfleet.wiring import open_store

    if more_pairs and not pairs:
        raise click.UsageError(f"give pairs after --pairs: --pairs {' '.join(more_pairs)}")
    if scheduler is not None and jobs != 1:
        raise click.UsageError("--jobs starts processes here, --scheduler uses those of a cluster: give one")
    chosen_search = _chosen(ctx, exits, search)
    if chosen_search is None:
        assert search is not None
        _compare(ctx, search, as_of, seed_file, days_back, trials, (*pairs, *more_pairs), json_target)
    moment = _as_of(as_of)
    settings, seed = _settings(ctx.find_object(Invocation), seed_file, days_back, trials)
    if chosen_search in ("exact", PATH_SEARCH) and (trials is not None or seed is not None):
        click.echo(
            f"trials = {settings.optimizer.trials} is for searches that sample; the {chosen_search} one "
            "replays its whole grid",
            err=True,
        )
    CandleFiles(settings.datadir, settings.market.timeframe).pairs()  # raises before anything is made
    if not dry_run and moment is None:
        ctx.with_resource(_alone(settings))
    ctx.with_resource(_log_file(settings, seed))
    with closing(open_store(settings)) as store:
        opened = open_study(
            settings,
            search=chosen_search,
            name=study,
            storage=study_storage,
            as_of=moment,
            resume=resume,
            dry_run=dry_run,
        )
        _tell(ctx.with_resource(closing(opened.record)).name, opened)
        if study_storage is None:
            _prune(settings, opened.record.name)
        known = opened.as_of if opened.point_in_time else None
        optimizer = Optimizer(
            store=store,
            candles=CandleFiles(settings.datadir, settings.market.timeframe, as_of=known),
            settings=settings,
            clock=opened.clock,
            as_of=opened.as_of,
            search=chosen_search,
            dry_run=dry_run,
            pending=None if opened.point_in_time else PendingParameters(settings.path(PENDING_FILE)),
            workers=_workers(jobs, scheduler),
            record=opened.record,
            resumed=opened.resumed,
            importance=importance,
            tiers=load_leverage_tiers(),
            detail=_detail(settings, chosen_search, known),
            standings=_standings(settings, chosen_search, point_in_time=opened.point_in_time),
        )
        asked: Sequence[str] = (*pairs, *more_pairs)
        if not asked:
            asked = optimizer.pairs if seed is None else seed.choose(optimizer.pairs)
        run = _run(optimizer, asked)
    if not dry_run and not opened.point_in_time:
        give_beat(settings, SERVICE, run.line)
    if csv_file is not None:
        from freqfleet.learning.decisions_csv import write_decisions

        write_decisions(csv_file, run)
    if json_target is not None:
        write_json(json_target, to_document(run))
    if json_target != STDOUT:
        from freqfleet.cli.optimize_tables import print_run

        print_run(run, every_reason=every_reason)
    if report_folder is not None:
        _report(report_folder, run, settings)
    from freqfleet.domain.decisions import Verdict

    ctx.exit(0 if run.count(Verdict.PUBLISHED) or run.count(Verdict.INHERITED) else 1)


_OF_RUNS_THAT_DECIDE = (
    "jobs", "scheduler", "resume", "every_reason", "study", "study_storage", "importance", "csv_file",
    "report_folder",
)  # fmt: skip


def _chosen(ctx: click.Context, exits: str, search: str | None) -> str | None:
    """Return the search of a run that decides; None for one that compares what a sampler finds."""
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.learning.search import DEFAULT_SEARCH, checked_search

    if exits == "plain":
        if search == PATH_SEARCH:
            raise click.UsageError(f"--search {PATH_SEARCH} is of --exits managed")
        return checked_search(search or DEFAULT_SEARCH)
    if search not in (None, DEFAULT_SEARCH, PATH_SEARCH):
        return None
    _refuse_given(ctx, ("importance",), f"--exits managed --search {PATH_SEARCH}")
    return PATH_SEARCH


def _compare(
    ctx: click.Context,
    search: str,
    as_of: str | None,
    seed_file: Path | None,
    days_back: int | None,
    trials: int | None,
    pairs: tuple[str, ...],
    json_target: str | None,
) -> NoReturn:
    """Show what a search finds managed exits to be worth, and end with 1: nothing is published."""
    from freqfleet.cli.optimize_managed import show_managed

    _refuse_given(ctx, _OF_RUNS_THAT_DECIDE, f"--exits managed --search {search}")
    settings, _ = _settings(ctx.find_object(Invocation), seed_file, days_back, trials)
    show_managed(
        settings,
        search=search,
        as_of=_as_of(as_of),
        pairs=pairs,
        json_target=json_target,
    )
    ctx.exit(1)


def _refuse_given(ctx: click.Context, options: Collection[str], beside: str) -> None:
    given = [
        one.opts[0]
        for one in ctx.command.params
        if one.name in options
        and ctx.get_parameter_source(one.name) is not click.core.ParameterSource.DEFAULT
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)} cannot be given with {beside}")


def _report(folder: Path, run: OptimizerRun, settings: Settings) -> None:
    import shlex
    import sys

    from freqfleet.clock import SystemClock
    from freqfleet.report.card_page import write_card
    from freqfleet.report.card_run import report_card

    command = shlex.join(["freqfleet", *sys.argv[1:]])
    page, _ = write_card(
        report_card(run, settings, created_at=SystemClock().now(), commands=[command]), folder
    )
    click.echo(f"report card: {page}", err=True)


def _as_of(text: str | None) -> datetime | None:
    from freqfleet.clock import SystemClock, iso, parse_time

    if text is None:
        return None
    moment, now = parse_time(text), SystemClock().now()
    if moment > now:
        raise InputError(f"--as-of {iso(moment)} lies in the future; it is {iso(now)}")
    return moment


def _detail(settings: Settings, search: str, as_of: datetime | None) -> CandleFiles | None:
    """Return where finer candles are; a path is followed candle by candle of the strategy, as bots do."""
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.market.candles import CandleFiles

    timeframe = settings.market.detail_timeframe
    if timeframe == "none" or search == PATH_SEARCH:
        return None
    return CandleFiles(settings.datadir, timeframe, as_of=as_of)


def _standings(settings: Settings, search: str, *, point_in_time: bool) -> Standings | None:
    """Return the paper accounts of this fleet; a run about the past opens none and leaves these alone."""
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.learning.standings import PATH_STANDINGS_FILE, STANDINGS_FILE, StandingsFile

    file = PATH_STANDINGS_FILE if search == PATH_SEARCH else STANDINGS_FILE
    return None if point_in_time else StandingsFile(settings.path(file))


def _alone(settings: Settings) -> OneAtATime:
    """Return the lock of what a run reads at its begin and writes at its end: accounts, waiting results."""
    from freqfleet.clock import SystemClock
    from freqfleet.store.one_at_a_time import OneAtATime

    return OneAtATime(settings.path(LOCK), "`freqfleet optimize`", SystemClock().now())


def _workers(jobs: int, scheduler: str | None) -> Workers:
    from freqfleet.learning.workers import Cluster, InProcess, Processes

    if scheduler is not None:
        return Cluster(scheduler)
    return InProcess() if jobs == 1 else Processes(jobs)


def _prune(settings: Settings, current: str) -> None:
    from freqfleet.learning.old_studies import prune_studies
    from freqfleet.learning.run_record import STUDY_FOLDER

    keep = settings.studies.keep
    pruned = prune_studies(settings.path(STUDY_FOLDER), keep=keep, current=current)
    if pruned.removed:
        names = ", ".join(pruned.removed[:3]) + (", ..." if len(pruned.removed) > 3 else "")
        click.echo(
            f"old studies removed: {len(pruned.removed)} ({names}); the newest {keep} stay, "
            "see [studies] keep",
            err=True,
        )
    for name, reason in pruned.left.items():
        click.echo(f"old study {name} stays: {reason}", err=True)


def _tell(name: str, study: Study) -> None:
    from freqfleet.clock import iso

    if study.resumed:
        click.echo(f"study {name} goes on, as of {iso(study.as_of)}", err=True)
    elif study.replaced:
        click.echo(f"study {name} starts anew; it was cut off, --resume would have gone on with it", err=True)


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
def _log_file(settings: Settings, seed: SeedConfig | None) -> Iterator[None]:
    """Write our log, with a line for every trial, to a file while this lasts."""
    from freqfleet.learning.seed_config import LoggingSection

    chosen = LoggingSection() if seed is None else seed.logging
    file = settings.path(chosen.file or TRIAL_LOG)
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
    ours.setLevel(chosen.level)
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
            click.echo(
                f"{len(done)} of {len(pairs)} pairs decided, {stored} versions published; "
                "--resume goes on from here",
                err=True,
            )
            raise
