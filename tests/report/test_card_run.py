"""A whole run before the gate, and the card it becomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.sides import Side
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.report.card import ReportCard
from freqfleet.report.card_page import render_card
from freqfleet.report.card_run import report_card
from freqfleet.settings import DefaultSettings, OptimizerSettings, Settings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.validation.clustered import MeanTest
from freqfleet.validation.decay import Decay, DecayReport
from freqfleet.validation.publication import FamilyRuling
from freqfleet.validation.selection import KEEP
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

WAVES = 80
END = after(5 * WAVE_CANDLES * (WAVES + 2))
PAIRS = ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")
FEW = "XRP/USDT:USDT"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(
        Path("nowhere"),
        optimizer=OptimizerSettings(time_limit_minutes=(240,)),
        defaults=DefaultSettings(time_limit_minutes=240),
    )


@pytest.fixture(scope="module")
def run(settings: Settings) -> OptimizerRun:
    rng = np.random.default_rng(1)
    candles, trades = [], []
    for number, pair in enumerate((*PAIRS, FEW)):
        peaks = rng.normal(0.06 if number < 2 else 0.03, 0.02, WAVES).clip(0.005, 0.15)
        one, own = waves(peaks, pair=pair)
        candles.append(one)
        own = own[:5] if pair == FEW else own
        trades += [replace(trade, trade_id=trade.trade_id + 1000 * (number + 1)) for trade in own]
    store = MemoryStore()
    store.record_closed_trades(trades)
    return Optimizer(
        store=store, candles=FakeCandleFiles(*candles), settings=settings, clock=FixedClock(END)
    ).run()


@pytest.fixture(scope="module")
def card(run: OptimizerRun, settings: Settings) -> ReportCard:
    return report_card(run, settings, created_at=END, commands=("freqfleet optimize --report out",))


def test_every_finding_has_its_card_with_the_decision_of_the_run(run, card):
    assert [one.decision for one in card.pairs] == [one.decision for one in run.findings]
    assert card.verdicts() == {verdict: run.count(verdict) for verdict in Verdict}


def test_what_stood_before_the_gate_has_a_surface_and_what_the_seed_would_have_done(card):
    shown = next(
        one for one in card.pairs if one.decision.pair == PAIRS[0] and one.decision.side is Side.LONG
    )

    assert shown.surface is not None
    assert np.isfinite(shown.surface.profit_bps).any()
    assert shown.seed_gate is not None
    assert shown.seed_gate.test_trades == round(0.3 * shown.decision.evidence.trades)
    assert shown.monte_carlo is not None
    assert shown.monte_carlo.trades == shown.decision.evidence.trades
    assert shown.overfitting is not None


def test_the_surface_is_the_mean_of_the_replayed_trades_by_their_weights(run, card, settings):
    assert run.gathering is not None
    judged = next(one for one in run.gathering.certified if one.selected != KEEP)
    decided = {(one.decision.pair, one.decision.side): one for one in card.pairs}
    shown = decided[judged.candidacy.pair, judged.candidacy.side]
    assert shown.surface is not None
    assert shown.surface.plateau is not None
    assert shown.candidate is not None
    row = shown.surface.stop_losses.index(shown.candidate.stop_loss)
    column = shown.surface.take_profits.index(shown.candidate.take_profit)

    profits = Lattice(settings.optimizer, settings.gate.lattice).profits(judged.candidacy.events)
    chosen_bps = np.average(profits[:, judged.selected], weights=judged.candidacy.weights) * 1e4

    # Estimates are float32, and the best of the other axes may lie above the cell that was chosen.
    assert chosen_bps - 0.01 <= shown.surface.profit_bps[row, column] <= profits.max() * 1e4
    assert shown.surface.plateau[row, column]


def test_too_few_trades_have_a_reason_and_no_surface(card):
    few = [one for one in card.pairs if one.decision.pair == FEW]

    assert few
    assert all(one.surface is None and one.decision.verdict is Verdict.SKIPPED for one in few)


def test_the_funnel_only_narrows_and_ends_with_what_was_published(run, card):
    counts = [step.count for step in card.funnel]

    assert counts[0] == len(run.findings)
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == run.count(Verdict.PUBLISHED)


def test_families_carry_what_the_gate_measured(run, card):
    assert run.gathering is not None
    shown = {one.name: one for one in card.families}
    assert shown.keys() == {one.name for one in run.gathering.families}
    for ruling in run.gathering.families:
        one = shown[ruling.name]
        assert (one.members, one.p_value, one.fires) == (ruling.units, ruling.p_value, ruling.fires)
        if ruling.test is None:
            assert one.t_value is one.improvement_bps is None


def test_a_pooled_family_has_its_error_t_and_degrees_of_freedom(run, settings):
    test = MeanTest(
        mean=0.002, standard_error=0.001, t=2.0, effective_df=14.0, p_value=0.03, trades=90, days=15
    )
    ruling = FamilyRuling(name="long", units=3, test=test, fires=False)
    gathering = replace(run.gathering, families=(ruling,))

    (shown,) = report_card(replace(run, gathering=gathering), settings, created_at=END).families

    assert (shown.name, shown.members, shown.trades, shown.p_value) == ("long", 3, 90, 0.03)
    assert shown.improvement_bps == pytest.approx(20.0)
    assert shown.standard_error_bps == pytest.approx(10.0)
    assert (shown.t_value, shown.effective_df) == (2.0, 14.0)


def test_decay_has_a_line_for_all_pairs_and_one_each(run, settings):
    unit = Decay(key="BTC/USDT:USDT long", learned_bps=40.0, since_bps=-5.0, z=2.5, p_value=0.006, trades=30)
    unknown = replace(unit, key="ETH/USDT:USDT long", z=float("nan"), p_value=1.0, unsure="too few days")
    decay = DecayReport(
        pooled=replace(unit, key="all", z=1.0), decayed=False, units=(unit, unknown), flagged=(unit.key,)
    )

    lines = report_card(replace(run, decay=decay), settings, created_at=END).decay

    assert [(one.name, one.z, one.flagged) for one in lines] == [
        ("all pairs", 1.0, False),
        ("BTC/USDT:USDT long", 2.5, True),
        ("ETH/USDT:USDT long", None, False),
    ]


def test_evidence_of_the_tested_has_a_q_value_and_no_smaller_one_than_its_p(run):
    tested = [one.decision.evidence for one in run.findings if one.decision.evidence.q_value is not None]

    assert len(tested) >= len(PAIRS)
    assert all(one.p_value <= one.q_value <= 1.0 for one in tested)


def test_the_same_run_gives_the_same_page(run, card, settings):
    again = report_card(run, settings, created_at=END, commands=card.commands)

    assert render_card(again) == render_card(card)


def test_pairs_that_no_gate_has_seen_have_their_decision_and_no_surface(run, settings):
    ungated = report_card(replace(run, gathering=None), settings, created_at=END)

    assert [one.decision for one in ungated.pairs] == [one.decision for one in run.findings]
    assert all(one.surface is None for one in ungated.pairs)
    assert '<canvas class="map"' not in render_card(ungated)
