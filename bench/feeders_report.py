"""`python -m bench.feeders_report`: train on real candles, judge out of fold, write the page in docs."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from bench.measure import ROOT
from freqfleet.clock import SystemClock
from freqfleet.domain.sides import Side
from freqfleet.errors import FreqfleetError
from freqfleet.learning.feeder_training.evidence import HeadEvidence, head_evidence
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.standing import standings
from freqfleet.learning.feeder_training.trainer import FeederTrainer
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.cache import FeatureFiles
from freqfleet.market.features.source import FeatureSource
from freqfleet.report.feeders_page import FeedersPage, write_feeders
from freqfleet.signals.feeders.registry import FEEDERS, RECIPES

PAGE = ROOT / "docs" / "feeders-report.html"


@click.command()
@click.option("--datadir", type=click.Path(path_type=Path, file_okay=False, exists=True), required=True)
@click.option("--days", type=click.IntRange(min=10), default=150, show_default=True)
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--pairs", help="Only these, separated by commas.")
@click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False), help="Where feature tables are kept."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), default=PAGE)
def main(datadir: Path, days: int, folds: int, pairs: str | None, cache: Path | None, out: Path) -> None:
    """Train every feeder on the candles of DATADIR and write what they showed out of fold."""
    plan = TrainingPlan(window=timedelta(days=days), folds=folds)
    with tempfile.TemporaryDirectory(prefix="freqfleet-features-") as folder:
        try:
            page = _page(datadir, plan, FeatureFiles(cache or Path(folder)), pairs)
        except FreqfleetError as error:
            click.echo(f"feeders-report: {error}", err=True)
            sys.exit(1)
    write_feeders(page, out)
    click.echo(f"written: {out}", err=True)


def _page(datadir: Path, plan: TrainingPlan, cache: FeatureFiles, pairs: str | None) -> FeedersPage:
    trainer = FeederTrainer(
        FeatureSource(CandleFiles(datadir), cache=cache),
        recipes=RECIPES,
        rules=FEEDERS,
        plan=plan,
        clock=SystemClock(),
        pairs=None if pairs is None else pairs.split(","),
    )
    until = trainer.last_close().replace(hour=0, minute=0)
    evidence: dict[tuple[str, Side], HeadEvidence] = {}
    certificates = []
    for fit in trainer.fit(until):
        click.echo(f"{datetime.now(UTC):%H:%M:%S} {fit.recipe.name}: {len(fit.samples):,} rows", err=True)
        certificates.append(fit.trained.certificate)
        for side in Side:
            evidence[fit.recipe.name, side] = head_evidence(fit, side, plan)
    return FeedersPage(
        created_at=datetime.now(UTC),
        market=f"{len(trainer.pairs)} pairs of 5m candles, {plan.window.days} days until {until:%Y-%m-%d}, "
        f"{plan.folds} walk-forward folds.",
        command="make feeders-report",
        cpu_seconds=time.process_time(),
        standings=tuple(standings(certificates)),
        evidence=evidence,
        ideas={recipe.name: recipe.idea for recipe in RECIPES},
    )


if __name__ == "__main__":
    main()
