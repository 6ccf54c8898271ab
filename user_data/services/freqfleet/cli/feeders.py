"""`freqfleet feeders`: train those that learn, see what they are worth, ask them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation

if TYPE_CHECKING:
    from freqfleet.learning.feeder_training.trainer import FeederTrainer
    from freqfleet.settings import Settings

CACHE_FOLDER = "features"
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1)}


@click.group()
def feeders() -> None:
    """Train the feeders that learn, see what they showed out of fold, ask them about a pair."""


@feeders.command()
@click.option(
    "--from",
    "first",
    metavar="T",
    help="A history, whose first version is valid from then; else one version.",
)
@click.option("--to", "last", metavar="T", help="The last version is valid from then; the newest candle.")
@click.option(
    "--every", default="14d", show_default=True, metavar="PERIOD", help="Time between versions, 14d or 12h."
)
@click.option(
    "--pairs",
    multiple=True,
    metavar="PAIR",
    help="Only these (repeatable, or separated by commas); every pair there are candles of.",
)
@click.option("--again", is_flag=True, help="Train versions that are already there once more.")
@json_option
@click.pass_obj
def train(
    invocation: Invocation,
    first: str | None,
    last: str | None,
    every: str,
    pairs: tuple[str, ...],
    again: bool,
    json_target: str | None,
) -> None:
    """Train a version of the feeder bank, or a history of versions.

    A version only knows what was known when it becomes valid. Bots see it when it is written; they need
    no restart. With --from, versions follow each other as if they had been trained at those times.
    """

    def moments(trainer: FeederTrainer) -> list[datetime]:
        return _moments(trainer, first, last, every)

    named = [one.strip() for words in pairs for one in words.split(",") if one.strip()]
    written, skipped = train_versions(
        invocation.settings(), moments, pairs=named if pairs else None, again=again
    )
    if json_target is not None:
        write_json(json_target, {"versions": written, "skipped_pairs": skipped})


def train_versions(
    settings: Settings,
    moments: Callable[[FeederTrainer], Sequence[datetime]],
    *,
    pairs: Sequence[str] | None = None,
    again: bool = False,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Train the versions of the bank that are valid from these moments, and say how far it is on stderr.

    moments : asked once the candles are read. pairs : None means all that have candles. again : versions
    that are there already, too. Returns what was written, for JSON, and the pairs that were skipped with the
    reasons, which are said, too.

    Raises InputError for a moment beyond the newest candle, and what the trainer raises.
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from freqfleet.clock import iso
    from freqfleet.learning.feeder_training.versions import write_version
    from freqfleet.wiring import feeder_bank

    bank = feeder_bank(settings)
    written: list[dict[str, Any]] = []
    columns = (SpinnerColumn(finished_text="ok"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("features")

        def tell(text: str) -> None:
            progress.update(task, description=text)

        trainer = _trainer(settings, pairs, tell)
        there = set() if again else {version.valid_from for version in bank.versions()}
        for moment in moments(trainer):
            _refuse_the_unknown(moment, trainer)
            if moment in there:
                progress.console.print(
                    f"{iso(moment)} is already there; feeders train --again does it once more"
                )
                continue
            fits = []
            for fit in trainer.fit(moment):
                tell(f"{iso(moment)}: {fit.recipe.name} trained")
                fits.append(fit.trained)
            folder = write_version(bank.folder, fits)
            written.append(
                {
                    "version": folder.name,
                    "valid_from": iso(moment),
                    "feeders": {
                        one.certificate.feeder: sorted(side.value for side in one.models) for one in fits
                    },
                }
            )
            progress.console.print(f"{folder}: {len(fits)} feeders")
        tell("trained")
    for pair, reason in trainer.skipped.items():
        click.echo(f"skipped {pair}: {reason}", err=True)
    return written, trainer.skipped


@feeders.command("list", short_help="Rank the feeders by what their votes earned out of fold.")
@json_option
@click.pass_context
def list_(context: click.Context, json_target: str | None) -> None:
    """Rank the feeders of the newest models by what their votes earned out of fold, after costs.

    Ends with 1 where the bank holds no model.
    """
    from freqfleet.learning.feeder_training.standing import standings
    from freqfleet.signals.feeders.registry import FEEDERS
    from freqfleet.signals.models.bank import newest_models
    from freqfleet.wiring import chosen_recipes, feeder_bank

    settings = context.obj.settings()
    recipes, bank = chosen_recipes(settings), feeder_bank(settings)
    models = newest_models(bank, recipes)
    found = standings(model.certificate for model in models.values())
    untrained = [recipe.name for recipe in recipes if recipe.name not in models]
    rules = [feeder.name for feeder in FEEDERS]
    if json_target is not None:
        from freqfleet.cli.feeders_tables import standing_values

        write_json(
            json_target,
            {
                "bank": str(bank.folder),
                "versions": len(bank.versions()),
                "feeders": [standing_values(one) for one in found],
                "untrained": untrained,
                "rules": rules,
                "problems": {str(file): why for file, why in bank.problems.items()},
            },
        )
    if json_target != STDOUT:
        from freqfleet.cli.feeders_tables import print_standings

        ideas = {recipe.name: recipe.idea for recipe in recipes}
        print_standings(found, ideas, bank, untrained=untrained, rules=rules)
    if not models:
        context.exit(1)


@feeders.command(short_help="Show what every feeder says of the last closed candle.")
@click.argument("pairs", nargs=-1, required=True)
@click.option("--at", metavar="T", help="The last candle that has closed by then; the newest one.")
@json_option
@click.pass_obj
def score(invocation: Invocation, pairs: tuple[str, ...], at: str | None, json_target: str | None) -> None:
    """Show what every feeder says of the last closed candle of PAIRS."""
    import pandas as pd

    from freqfleet.clock import iso, parse_time
    from freqfleet.errors import MarketError
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.features.source import FeatureSource
    from freqfleet.wiring import make_ensemble

    settings = invocation.settings()
    until = None if at is None else parse_time(at)
    ensemble = make_ensemble(settings, newest=1)
    source = FeatureSource(CandleFiles(settings.datadir, settings.market.timeframe))
    answers = []
    for pair in pairs:
        frame = source.frame(pair)
        if until is not None:
            closes = frame["date"] + pd.Timedelta(milliseconds=source.files.timeframe_ms)
            frame = frame[closes <= pd.Timestamp(until)].reset_index(drop=True)
        if frame.empty:
            raise MarketError(f"{pair}: no candle has closed by {at}; give --at a later time")
        row = frame.join(ensemble.columns(frame)).iloc[-1]
        said = ensemble.detail(row)
        opened: datetime = row["date"].to_pydatetime()
        tags = {side: str(row[f"tag_{side}"]) for side in ("long", "short")}
        answers.append({"pair": pair, "candle": iso(opened), "tags": tags, **said})
    if json_target is not None:
        write_json(json_target, {"scores": answers})
    if json_target != STDOUT:
        from freqfleet.cli.feeders_tables import print_scores

        print_scores(answers, [feeder.name for feeder in ensemble.feeders])


def _trainer(settings: Settings, pairs: Sequence[str] | None, tell: Any) -> FeederTrainer:
    from freqfleet.clock import SystemClock
    from freqfleet.learning.feeder_training.plan import TrainingPlan
    from freqfleet.learning.feeder_training.trainer import FeederTrainer
    from freqfleet.market.candles import CandleFiles
    from freqfleet.market.features.cache import FeatureFiles
    from freqfleet.market.features.source import FeatureSource
    from freqfleet.signals.feeders.registry import FEEDERS
    from freqfleet.wiring import chosen_recipes

    asked, costs = settings.feeders, settings.costs
    cache = FeatureFiles(settings.path(Path("user_data/cache")) / CACHE_FOLDER)
    return FeederTrainer(
        FeatureSource(CandleFiles(settings.datadir, settings.market.timeframe), cache=cache),
        recipes=chosen_recipes(settings),
        rules=FEEDERS,
        plan=TrainingPlan(
            window=timedelta(days=asked.window_days),
            cost_ratio=2.0 * (costs.fee + costs.slippage),
            vote_share=asked.vote_share,
            seed=asked.seed,
        ),
        clock=SystemClock(),
        pairs=pairs,
        tell=tell,
    )


def _moments(trainer: FeederTrainer, first: str | None, last: str | None, every: str) -> list[datetime]:
    """Return when versions become valid; never later than the newest candle."""
    from freqfleet.clock import parse_time
    from freqfleet.learning.feeder_training.trainer import history_moments

    step = _step(every)
    until = trainer.last_close() if last is None else parse_time(last)
    _refuse_the_unknown(until, trainer)
    if first is None:
        return [until]
    return history_moments(parse_time(first), until, step)


def _refuse_the_unknown(moment: datetime, trainer: FeederTrainer) -> None:
    from freqfleet.clock import iso
    from freqfleet.errors import InputError

    newest = trainer.last_close()
    if moment > newest:
        raise InputError(f"--to {iso(moment)} lies beyond the newest candle, {iso(newest)}")


def _step(every: str) -> timedelta:
    from freqfleet.errors import InputError

    unit = _UNITS.get(every[-1:])
    try:
        step = float(every[:-1]) * unit if unit is not None else timedelta(0)
    except ValueError:
        step = timedelta(0)
    if step <= timedelta(0):
        raise InputError(f"--every must be days or hours like 14d or 12h, was {every!r}")
    return step
