"""Runs that follow each other: paper accounts, the weekly bar, retraction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.lattice import Lattice
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.outcome import to_document
from freqfleet.learning.standings import Remembered, StandingsFile, StandingsInMemory
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import Stage
from freqfleet.settings import (
    DefaultSettings,
    GateSettings,
    LatticeSettings,
    OptimizerSettings,
    load_settings,
)
from freqfleet.store.series import DECAY_Z
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

PAIR = "BTC/USDT:USDT"
WAVES_A_DAY = 6
DAYS = 45
KEY = f"{PAIR} long"


def settings_for(*, days_back=90, take_profit=(0.015, 0.20), **gate):
    return load_settings(
        Path("nowhere"),
        optimizer=OptimizerSettings(time_limit_minutes=(240,), days_back=days_back, take_profit=take_profit),
        defaults=DefaultSettings(time_limit_minutes=240),
        gate=GateSettings(**gate),
    )


def market(peaks):
    """Return candles and one trade a wave, closed before the next wave."""
    candles, trades = waves(peaks, pair=PAIR)
    return candles, trades


def heights(seed, mean, days):
    return np.random.default_rng(seed).normal(mean, 0.02, days * WAVES_A_DAY).clip(0.005, 0.15)


def day_of(number):
    """Return the morning of a day, counted from the first."""
    return after(5 * WAVE_CANDLES * WAVES_A_DAY * number)


def run_on(day, store, candles, standings, settings, **options):
    """Run as of the morning of a day."""
    return Optimizer(
        store=store,
        candles=FakeCandleFiles(candles),
        settings=settings,
        clock=FixedClock(day_of(day)),
        standings=standings,
        **options,
    ).run()


def store_with(trades):
    store = MemoryStore()
    store.record_closed_trades(trades)
    return store


def long_of(run):
    return next(one for one in run.findings if one.decision.side is Side.LONG)


def test_an_account_grows_on_a_real_edge_and_publishes_where_the_gate_alone_would_not():
    candles, trades = market(heights(3, 0.07, 75))
    settings = settings_for(fdr=1e-300)  # the gate itself certifies nothing
    store, standings = store_with(trades), StandingsInMemory()

    wealth, published_on = [], None
    for day in range(14, 73, 4):
        finding = long_of(run_on(day, store, candles, standings, settings))
        wealth.append(finding.decision.evidence.e_value or 1.0)
        if finding.decision.verdict is Verdict.PUBLISHED:
            published_on = day
            break

    assert published_on is not None
    assert wealth[0] == 1.0
    assert wealth[-1] >= 20.0
    (version,) = store.parameter_versions()
    assert version.evidence.certified_by == "account"
    assert version.evidence.e_value == wealth[-1]


def test_on_a_market_without_an_edge_the_account_stays_small():
    candles, trades = market(heights(5, 0.02, DAYS))  # neither target is worth waiting for
    settings = settings_for(fdr=1e-300)
    store, standings = store_with(trades), StandingsInMemory()

    for day in range(14, DAYS - 2, 3):
        run_on(day, store, candles, standings, settings)

    record = standings.read(Lattice(settings.optimizer, settings.gate.lattice)).records[KEY]
    assert record.standing.candidate.wealth < 20.0
    assert store.parameter_versions() == []


def test_a_day_is_judged_by_what_was_believed_before_it():
    candles, trades = market(heights(3, 0.06, DAYS))
    settings = settings_for(fdr=1e-300)
    lattice = Lattice(settings.optimizer, settings.gate.lattice)
    one_by_one, late = StandingsInMemory(), StandingsInMemory()
    store = store_with(trades)
    for day in (20, 21, 22, 23, 24, 25, 26):
        run_on(day, store, candles, one_by_one, settings)
    run_on(20, store, candles, late, settings)
    run_on(26, store, candles, late, settings)

    daily, weekly = (book.read(lattice).records[KEY] for book in (one_by_one, late))
    assert daily.booked_until == weekly.booked_until
    assert daily.standing.candidate.trades == weekly.standing.candidate.trades
    assert len(daily.choices) > len(weekly.choices) == 2


def test_what_was_taken_back_by_hand_is_not_published_again_within_a_week():
    candles, trades = market(heights(3, 0.07, DAYS))
    settings, standings = settings_for(), StandingsInMemory()
    first = run_on(20, store_with(trades), candles, standings, settings)
    taken_back = store_with(trades)  # as if the version had been retired: the defaults are in force

    verdicts = {}
    for day in (21, 24, 27, 28, 29):
        finding = long_of(run_on(day, taken_back, candles, standings, settings))
        verdicts[day] = finding.decision.verdict
        if day == 24:
            assert "changed 3 days ago, and changes at most once in 7 days" in finding.decision.reason

    assert long_of(first).decision.verdict is Verdict.PUBLISHED
    assert [verdicts[day] for day in (21, 24, 27)] == [Verdict.KEPT] * 3
    assert verdicts[28] is Verdict.PUBLISHED
    assert verdicts[29] is Verdict.KEPT


def test_a_run_that_is_killed_while_it_publishes_publishes_when_it_is_made_again():
    class KilledOnce(MemoryStore):
        alive = False

        def publish_parameters(self, versions):
            if not self.alive:
                self.alive = True
                raise KeyboardInterrupt
            return super().publish_parameters(versions)

    candles, trades = market(heights(3, 0.07, DAYS))
    store, standings = KilledOnce(), StandingsInMemory()
    store.record_closed_trades(trades)
    with pytest.raises(KeyboardInterrupt):
        run_on(20, store, candles, standings, settings_for())

    again = long_of(run_on(20, store, candles, standings, settings_for()))

    assert again.decision.verdict is Verdict.PUBLISHED
    assert again.decision.version == store.parameter_versions()[-1].version_id


def test_where_accounts_cannot_be_kept_nothing_is_published():
    class Unwritable(StandingsInMemory):
        def write(self, records, lattice):
            raise InputError("cannot write standings.json: the disk is full")

    candles, trades = market(heights(3, 0.07, DAYS))
    store = store_with(trades)

    with pytest.raises(InputError, match="the disk is full"):
        run_on(20, store, candles, Unwritable(), settings_for())

    assert store.parameter_versions() == []


def test_a_champion_that_earns_less_than_what_it_replaced_is_retracted_by_their_account():
    candles, trades = market(heights(3, 0.05, DAYS))
    settings = settings_for(take_profit=(0.2, 0.3), e_publish=2.0)  # no wave rises to where the gate looks
    store, standings = store_with(trades), StandingsInMemory()
    greedy = version(
        pair=PAIR, recorded_at=day_of(10), stop_loss=-0.04, take_profit=0.15, time_limit_minutes=240
    )
    store.publish_parameters([greedy])

    for day in range(14, DAYS - 2, 4):
        assert store.parameter_versions() == [greedy]
        decision = long_of(run_on(day, store, candles, standings, settings)).decision

    assert day == 42
    assert decision.reason.startswith("retracted: the paper account of what it replaced stands at 2.")
    assert decision.parameters == settings.defaults.parameters()
    assert store.parameter_versions()[-1].stage is Stage.RETIRED


def test_a_champion_whose_edge_vanishes_is_retracted_and_says_why():
    # First the peaks reach far beyond the default target, then they end before it.
    candles, trades = market(np.concatenate([heights(3, 0.07, 20), heights(4, 0.03, 25)]))
    settings = settings_for()
    store, standings = store_with(trades), StandingsInMemory()

    first = long_of(run_on(20, store, candles, standings, settings))
    assert first.decision.verdict is Verdict.PUBLISHED
    nothing_new = settings_for(claim_min_bps=1e6)
    for day in range(28, 44, 3):
        finding = long_of(run_on(day, store, candles, standings, nothing_new))
        if store.parameter_versions()[-1].stage is Stage.RETIRED:
            break

    last = store.parameter_versions()[-1]
    assert last.stage is Stage.RETIRED
    assert finding.decision.reason.startswith("retracted: ")
    book = ParameterBook(store.parameter_versions(), defaults=settings.defaults.parameters())
    assert book.resolve(PAIR, Side.LONG, 3.0, last.recorded_at).source is ExitSource.DEFAULT


def test_a_dry_run_books_nothing():
    candles, trades = market(heights(3, 0.06, DAYS))
    standings = StandingsInMemory()

    run_on(20, store_with(trades), candles, standings, settings_for(), dry_run=True)

    lattice = Lattice(settings_for().optimizer, settings_for().gate.lattice)
    assert standings.read(lattice) == Remembered()


def test_records_in_a_file_come_back_as_they_were(tmp_path):
    candles, trades = market(heights(3, 0.06, DAYS))
    settings = settings_for(fdr=1e-300)
    lattice = Lattice(settings.optimizer, settings.gate.lattice)
    memory, file = StandingsInMemory(), StandingsFile(tmp_path / "standings.json")
    store = store_with(trades)
    for day in (20, 24):
        run_on(day, store, candles, memory, settings)
        run_on(day, store, candles, file, settings)

    assert file.read(lattice) == memory.read(lattice)
    coarser = replace(lattice, settings=lattice.settings.model_copy(update={"stop_losses": 5}))
    assert file.read(coarser) == memory.read(coarser) == Remembered(dropped=1)


def test_accounts_against_defaults_with_a_giveback_are_found_again(tmp_path):
    candles, trades = market(heights(3, 0.06, DAYS))
    defaults = DefaultSettings(time_limit_minutes=240, giveback=0.5)
    settings = settings_for(fdr=1e-300).model_copy(update={"defaults": defaults})
    file = StandingsFile(tmp_path / "standings.json")

    run_on(20, store_with(trades), candles, file, settings)

    (record,) = file.read(Lattice(settings.optimizer, settings.gate.lattice)).records.values()
    assert record.in_force == defaults.parameters()
    assert record.in_force.giveback_ratio == 0.5


def test_a_run_on_another_lattice_says_that_the_accounts_start_anew(tmp_path):
    candles, trades = market(heights(3, 0.06, DAYS))
    store, file = store_with(trades), StandingsFile(tmp_path / "standings.json")
    run_on(20, store, candles, file, settings_for(fdr=1e-300))
    coarser = LatticeSettings(stop_losses=5)

    changed = run_on(24, store, candles, file, settings_for(fdr=1e-300, lattice=coarser))
    again = run_on(28, store, candles, file, settings_for(fdr=1e-300, lattice=coarser))

    note = "1 paper accounts were kept on another lattice of exits; they start anew"
    assert note in changed.notes
    assert note not in again.notes


def test_how_a_champion_fares_is_in_the_run_in_its_evidence_and_in_the_store():
    candles, trades = market(np.concatenate([heights(3, 0.07, 20), heights(4, 0.03, 25)]))
    store, standings = store_with(trades), StandingsInMemory()
    run_on(20, store, candles, standings, settings_for())

    fresh = run_on(24, store, candles, standings, settings_for(claim_min_bps=1e6))

    assert fresh.decay is not None
    (unit,) = fresh.decay.units
    assert unit.key == KEY
    assert unit.z > 0.0
    assert unit.learned_bps > unit.since_bps
    assert unit.trades == pytest.approx(4 * WAVES_A_DAY, abs=3)
    assert long_of(fresh).decision.evidence.decay_z == unit.z
    assert [(one.key, one.at, one.value) for one in store.series(DECAY_Z)] == [
        (KEY, fresh.as_of, unit.z),
        ("all", fresh.as_of, fresh.decay.pooled.z),
    ]
    found = to_document(fresh)
    assert found["decay"]["units"][0]["z"] == unit.z
    assert found["decisions"][0]["decay_z"] == unit.z


def test_a_dry_run_stores_no_decay_and_a_store_without_series_is_said_aloud():
    candles, trades = market(np.concatenate([heights(3, 0.07, 20), heights(4, 0.03, 25)]))
    store, standings = store_with(trades), StandingsInMemory()
    run_on(20, store, candles, standings, settings_for())
    nothing_new = settings_for(claim_min_bps=1e6)

    run_on(24, store, candles, standings, nothing_new, dry_run=True)
    plain = run_on(24, WithoutSeries(store), candles, standings, nothing_new)

    assert store.series(DECAY_Z) == []
    assert plain.notes == ("this learning store keeps no series: the decay of this run is not stored",)


class WithoutSeries:
    """The learning store that a body of somebody else's may be: it keeps no numbers over time."""

    def __init__(self, body: MemoryStore) -> None:
        self.trade_columns = body.trade_columns
        self.parameter_versions = body.parameter_versions
        self.publish_parameters = body.publish_parameters


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "optimizer").write_text("in the way")
    settings = settings_for()

    with pytest.raises(InputError, match=r"cannot write .*standings\.json"):
        StandingsFile(tmp_path / "optimizer" / "standings.json").write(
            {}, Lattice(settings.optimizer, settings.gate.lattice)
        )


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 99}', '{"schema": 1, "lattice": "x"'])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path, text):
    file = tmp_path / "standings.json"
    file.write_text(text)
    settings = settings_for()

    with pytest.raises(InputError, match=r"standings\.json cannot be read .*; move it away"):
        StandingsFile(file).read(Lattice(settings.optimizer, settings.gate.lattice))

    assert file.read_text() == text
