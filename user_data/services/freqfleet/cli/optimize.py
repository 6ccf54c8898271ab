"""`freqfleet optimize`: learn exit parameters per pair and side, and publish what holds."""

from __future__ import annotations

from contextlib import closing
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

    from freqfleet.learning.optimizer_run import OptimizerRun
    from freqfleet.learning.seed_config import SeedConfig
    from freqfleet.settings import Settings

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
    from freqfleet.cli.optimize_run import (
        alone,
        bring_in_waiting,
        make_optimizer,
        run_with_bar,
        workers_of,
    )
    from freqfleet.cli.optimize_study import begin_study
    from freqfleet.cli.trial_log import trial_log
    from freqfleet.domain.decisions import Verdict
    from freqfleet.learning.outcome import to_document
    from freqfleet.learning.path_lattice import PATH_SEARCH
    from freqfleet.market.candles import CandleFiles
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
        ctx.with_resource(alone(settings))
    ctx.with_resource(trial_log(settings, seed))
    with closing(open_store(settings)) as store:
        notes = bring_in_waiting(settings, store, dry_run=dry_run) if moment is None else ()
        opened = begin_study(
            settings,
            search=chosen_search,
            name=study,
            storage=study_storage,
            as_of=moment,
            resume=resume,
            dry_run=dry_run,
        )
        ctx.with_resource(closing(opened.record))
        optimizer = make_optimizer(
            settings,
            store,
            opened,
            search=chosen_search,
            dry_run=dry_run,
            importance=importance,
            workers=workers_of(jobs, scheduler),
            notes=notes,
        )
        asked: Sequence[str] = (*pairs, *more_pairs)
        if not asked:
            asked = optimizer.pairs if seed is None else seed.choose(optimizer.pairs)
        run = run_with_bar(optimizer, asked)
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
        _report(report_folder, run, settings, study_storage)
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


def _report(folder: Path, run: OptimizerRun, settings: Settings, study_storage: str | None) -> None:
    """Write the report card, with the command that makes it again; a password in it is masked."""
    import shlex
    import sys

    from freqfleet.clock import SystemClock
    from freqfleet.learning.trial_diary import shown_url
    from freqfleet.report.card_page import write_card
    from freqfleet.report.card_run import report_card

    words = sys.argv[1:]
    if study_storage is not None:
        words = [one.replace(study_storage, shown_url(study_storage)) for one in words]
    command = shlex.join(["freqfleet", *words])
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
