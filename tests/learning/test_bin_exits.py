"""BinExits: stops and targets of leverage bins pass the gate of everything else; else the pair speaks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.learning.bin_exits import BinExits, BinExitsRun
from freqfleet.learning.standings import StandingsFile, StandingsInMemory
from freqfleet.market.series import Candles
from freqfleet.market.trade_columns import TradeColumns
from freqfleet.parameters.book import ParameterBook
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

WAVES = 80
END = after(5 * WAVE_CANDLES * (WAVES + 2))
PAIR = "BTC/USDT:USDT"


def planted(mean_peak: float, leverages: list[float], seed: int = 3) -> tuple[Candles, list[ClosedTrade]]:
    """Return waves that rise to random heights around `mean_peak`, entered with these leverages in turn."""
    heights = np.random.default_rng(seed).normal(mean_peak, 0.02, WAVES).clip(0.005, 0.15)
    candles, trades = waves(heights, pair=PAIR)
    return candles, [
        replace(one, leverage=leverages[at % len(leverages)], trade_id=at + 1)
        for at, one in enumerate(trades)
    ]


def looked(
    candles: Candles,
    trades: list[ClosedTrade],
    store: MemoryStore,
    *,
    standings: StandingsInMemory | StandingsFile | None = None,
    at=END,
    notes: list[str] | None = None,
    time_limits: tuple[int, ...] = (240,),
    **gate,
) -> BinExitsRun:
    settings = load_settings(
        Path("nowhere"),
        optimizer=OptimizerSettings(time_limit_minutes=time_limits),
        defaults=DefaultSettings(time_limit_minutes=240),
        gate=GateSettings(**gate),
    )
    return BinExits(
        store=store,
        candles=FakeCandleFiles(candles),
        settings=settings,
        clock=FixedClock(at),
        standings=standings or StandingsInMemory(),
    ).look(TradeColumns.of(trades), [] if notes is None else notes)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def test_a_bin_whose_trades_certify_an_edge_gets_its_exits(store: MemoryStore):
    run = looked(*planted(0.09, [3.0]), store)

    (published,) = store.parameter_versions()
    assert run.published == 1
    assert published.key.label == f"{PAIR} long 2.0-3.5"
    assert published.source is ExitSource.BIN
    assert published.parameters.take_profit > 0.04
    assert published.run_id == f"controller-{END:%Y%m%dT%H%M%SZ}"
    assert published.evidence.claim_bps is not None


def test_a_bot_trades_it_in_that_bin_and_the_default_in_the_others(store: MemoryStore):
    looked(*planted(0.09, [3.0]), store)
    book = ParameterBook(store.parameter_versions(), defaults=DefaultSettings().parameters())

    sources = {
        leverage: book.resolve(PAIR, Side.LONG, leverage, END).source
        for leverage in (1.999999, 2.0, 3.4, 3.5, 10.0, 12.5)
    }

    assert [leverage for leverage, source in sources.items() if source is ExitSource.BIN] == [2.0, 3.4]
    assert sources[10.0] is ExitSource.DEFAULT


def test_chance_publishes_nothing_and_says_why(store: MemoryStore):
    run = looked(*planted(0.03, [3.0]), store)

    (finding,) = run.findings
    assert finding.decision.verdict in (Verdict.KEPT, Verdict.SKIPPED)
    assert finding.decision.reason
    assert store.parameter_versions() == []


def test_a_bin_of_one_trade_takes_no_part(store: MemoryStore):
    candles, trades = planted(0.09, [3.0])
    trades[0] = replace(trades[0], leverage=9.0)

    run = looked(candles, trades, store)

    assert [one.decision.leverage_bin for one in run.findings] == [LEVERAGE_BINS[1]]
    assert run.left_out == {"fewer than 20 trades": 1}


def test_below_a_pair_with_parameters_of_its_own_nothing_is_published(store: MemoryStore):
    store.publish_parameters([version(pair=PAIR, recorded_at=END - timedelta(days=1))])

    run = looked(*planted(0.09, [3.0]), store)

    assert run.findings == ()
    assert run.left_out == {"the pair's own parameters come first": 1}


def test_a_pair_without_candles_is_counted_with_the_reason(store: MemoryStore):
    candles, trades = planted(0.09, [3.0])

    run = looked(candles, [replace(one, pair="ETH/USDT:USDT") for one in trades], store)

    assert list(run.left_out.values()) == [1]
    assert "ETH/USDT:USDT" in next(iter(run.left_out))


def test_a_second_look_on_the_same_day_changes_nothing(store: MemoryStore, tmp_path: Path):
    standings = StandingsFile(tmp_path / "controller" / "standings.json")
    looked(*planted(0.09, [3.0]), store, standings=standings)
    once = store.parameter_versions()

    run = looked(*planted(0.09, [3.0]), store, standings=standings)

    assert run.published == 0
    assert store.parameter_versions() == once


def test_accounts_that_were_kept_on_other_exits_start_anew_aloud(store: MemoryStore):
    standings, notes = StandingsInMemory(), []
    looked(*planted(0.09, [3.0]), store, standings=standings, notes=notes)
    assert notes == []

    looked(*planted(0.09, [3.0]), store, standings=standings, notes=notes, time_limits=(180, 240))

    assert notes == ["exits by bin: 1 paper accounts were kept on another lattice of exits; they start anew"]


def test_where_accounts_cannot_be_kept_nothing_is_published(store: MemoryStore):
    class Unwritable(StandingsInMemory):
        def write(self, records, lattice):
            raise InputError("cannot write standings.json: the disk is full")

    with pytest.raises(InputError, match="the disk is full"):
        looked(*planted(0.09, [3.0]), store, standings=Unwritable())

    assert store.parameter_versions() == []


def test_bins_of_a_pair_lend_each_other_strength(store: MemoryStore):
    """Two bins of forty trades each: neither is enough alone, what both believe is the same."""
    run = looked(*planted(0.09, [3.0, 9.0]), store, min_nonzero=10)

    cells = {one.decision.leverage_bin.label: one.decision.evidence.claim_bps for one in run.findings}
    assert cells.keys() == {"2.0-3.5", "7.5-10.0"}
    assert cells["2.0-3.5"] == pytest.approx(cells["7.5-10.0"], rel=0.5)


def test_a_hold_out_gate_gives_bins_nothing(store: MemoryStore):
    notes: list[str] = []

    run = looked(*planted(0.09, [3.0]), store, notes=notes, method="holdout")

    assert run.findings == ()
    assert "chance would choose them" in notes[0]


def test_no_trades_are_no_fault(store: MemoryStore):
    candles, _ = planted(0.09, [3.0])

    assert looked(candles, [], store).findings == ()
