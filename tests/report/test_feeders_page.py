"""The feeders' report: figures for every feeder, and a verdict that the numbers allow."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.clock import FixedClock
from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.evidence import head_evidence, likeness
from freqfleet.learning.feeder_training.plan import TrainingPlan
from freqfleet.learning.feeder_training.standing import standings
from freqfleet.learning.feeder_training.trainer import FeederTrainer
from freqfleet.market.candles import CandleFiles
from freqfleet.market.features.source import FeatureSource
from freqfleet.report.feeders_page import FeedersPage, controls, render_feeders, verdict
from freqfleet.signals.feeders.registry import RECIPES
from freqfleet.signals.feeders.trend import Trend
from freqfleet.testing.candle_frames import START
from freqfleet.testing.candle_tables import write_candles
from freqfleet.testing.taught_feeders import made_up_market
from freqfleet.validation.blocks import Interval

DAYS = 20
PLAN = TrainingPlan(window=timedelta(days=DAYS), folds=2, min_rows=300, embargo=timedelta(hours=6), rounds=20)
SHOWN = [recipe for recipe in RECIPES if recipe.name in {"shape", "stretch"}]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> FeedersPage:
    """Two feeders trained on two markets without memory: nothing to be found."""
    files = CandleFiles(tmp_path_factory.mktemp("candles"))
    for seed, pair in enumerate(("AAA/USDT:USDT", "BTC/USDT:USDT")):
        write_candles(files.path(pair), made_up_market(seed, pair, DAYS * 288).candles)
    until = START + timedelta(days=DAYS)
    trainer = FeederTrainer(
        FeatureSource(files), recipes=SHOWN, rules=[Trend()], plan=PLAN, clock=FixedClock(until)
    )
    fits = list(trainer.fit(until))
    return FeedersPage(
        created_at=datetime(2025, 2, 1, tzinfo=UTC),
        market="Two made-up markets.",
        command="make feeders-report",
        cpu_seconds=1.0,
        standings=tuple(standings(fit.trained.certificate for fit in fits)),
        evidence={(fit.recipe.name, side): head_evidence(fit, side, PLAN) for fit in fits for side in Side},
        ideas={recipe.name: recipe.idea for recipe in SHOWN},
    )


def test_shuffled_labels_show_nothing(page):
    for one in page.evidence.values():
        assert one.shuffled_auc.holds(0.5)


def test_every_feature_is_ranked_by_what_is_lost_without_it(page):
    for (name, _side), one in page.evidence.items():
        recipe = next(recipe for recipe in SHOWN if recipe.name == name)
        lost = [value for _, value in one.importance]

        assert {feature for feature, _ in one.importance} == set(recipe.features)
        assert lost == sorted(lost, reverse=True)


def test_a_head_is_like_itself_and_two_that_share_no_hour_cannot_be_compared(page):
    one = page.evidence["shape", Side.LONG]

    assert likeness(one, one) == pytest.approx(1.0)
    assert likeness(one, replace(one, hourly={})) != likeness(one, replace(one, hourly={}))  # NaN


def test_the_page_has_a_figure_of_everything_and_loads_nothing(page):
    html = render_feeders(page)

    assert html.count("<svg ") == 4 + 2 * len(SHOWN)
    assert not re.findall(r'(?:src|href)="(?!#)', html)
    for recipe in SHOWN:
        assert recipe.idea in html


def test_a_market_without_memory_gets_no_praise(page):
    assert "none of them shows an edge after costs" in verdict(page)


def test_an_edge_is_named_with_the_warning_that_many_were_looked_at(page):
    first = page.standings[0]
    paid = Interval(value=9.0, low=2.0, high=16.0)
    rich = replace(first.heads[0], abstains=None, return_bps=paid, rule=None)
    better = replace(page, standings=(replace(first, heads=(rich, *first.heads[1:])), *page.standings[1:]))

    said = verdict(better)

    assert f"1 show an edge after costs ({first.certificate.feeder} long)" in said
    assert "by chance" in said


def test_a_leak_is_not_called_nothing(page):
    leaking = replace(
        page.evidence["shape", Side.LONG], shuffled_auc=Interval(value=0.6, low=0.55, high=0.65)
    )

    assert "Nothing leaks" in controls(page)
    assert "Something may leak" in controls(
        replace(page, evidence={**page.evidence, ("shape", Side.LONG): leaking})
    )
