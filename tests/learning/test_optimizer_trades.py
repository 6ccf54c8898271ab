"""Which trades take part in a run, and what is said of the others."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from freqfleet.cli.optimize_tables import print_run
from freqfleet.clock import iso
from freqfleet.domain.decisions import Verdict
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.market.series import Candles
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from optimizercases import RISING, WAVES, finding_of, optimize, settings_for, store_of
from replaycases import BTC, WAVE_CANDLES, FakeCandleFiles, after, closed_trade, funding_of, waves


def test_a_store_without_trades_is_told_where_they_come_from():
    candles, _ = waves(RISING)

    run = optimize(MemoryStore(), FakeCandleFiles(candles))

    assert run.notes[0] == "no closed trade to learn from; `freqfleet sync` brings those of the bots"


def test_trades_that_are_all_older_than_the_window_are_told_with_ways_to_reach_them():
    candles, trades = waves(RISING)
    store = store_of(trades)
    newest = max(one.closed_at for one in trades)
    late = newest + timedelta(days=100, minutes=5)

    run = optimize(store, FakeCandleFiles(candles), as_of=late)

    day_after = newest.date() + timedelta(days=1)
    assert run.count(Verdict.PUBLISHED) == 0
    assert f"no trade closed in the last 90 days, the newest did at {iso(newest)}" in run.notes[0]
    assert f"optimize --as-of {day_after}, or [optimizer] days_back = 190" in run.notes[0]
    for way in (
        {"as_of": datetime.combine(day_after, time(), tzinfo=UTC)},
        {"settings": settings_for(days_back=190)},
    ):
        found = optimize(store, FakeCandleFiles(candles), **{"as_of": late, **way})
        assert not any("no trade" in note for note in found.notes)


def test_nothing_at_or_after_as_of_takes_part():
    candles, trades = waves(RISING)
    as_of = after(5 * WAVE_CANDLES * 70)
    known = [trade for trade in trades if trade.closed_at < as_of]
    other_future, _ = waves([0.06] * 70 + [-0.5] * 10)

    runs = [
        optimize(store_of(some), FakeCandleFiles(market), as_of=as_of)
        for some, market in ((trades, candles), (known, other_future))
    ]

    assert runs[0].outcomes == runs[1].outcomes
    first = finding_of(runs[0])
    assert first.learned_until <= as_of
    assert first.decision.evidence.trades == 69  # the horizon of the last one ends after as_of
    assert first.dropped == {"window_incomplete": 1}


def test_trades_older_than_days_back_take_no_part():
    candles, trades = waves(RISING)

    run = optimize(store_of(trades), FakeCandleFiles(candles), settings=settings_for(days_back=5))

    assert finding_of(run).decision.reason == "28 trades, 60 needed"


def test_trades_of_one_day_leave_nothing_to_train_on():
    candles, _ = waves(RISING)
    trades = [
        closed_trade(number, minute=5 * number, held=5, open_rate=float(candles.open[number]))
        for number in range(80)
    ]

    finding = finding_of(optimize(store_of(trades), FakeCandleFiles(candles)))

    assert finding.decision.reason == (
        "7 training trades, 30 needed: the windows of 49 others reach into the held-out part"
    )
    assert finding.purged == 49


def test_too_few_effective_trades_name_the_bots():
    candles, trades = waves(RISING)
    uneven = [replace(trade, bot="BOT3" if trade.trade_id < 2 else "BOT1") for trade in trades]

    decision = finding_of(optimize(store_of(uneven), FakeCandleFiles(candles))).decision

    assert decision.verdict is Verdict.SKIPPED
    assert decision.reason == "3.5 effective trades, 30 needed (BOT1 78, BOT3 2)"


def test_trades_that_cannot_be_replayed_are_named_when_too_few_are_left():
    candles, trades = waves(RISING)
    off_market = [replace(trade, open_rate=150.0) if trade.trade_id < 30 else trade for trade in trades]

    finding = finding_of(optimize(store_of(off_market), FakeCandleFiles(candles)))

    assert finding.decision.reason == "50 replayable trades of 80, 60 needed (30 entry_rate_off_market)"
    assert finding.dropped == {"entry_rate_off_market": 30}


def test_trades_without_funding_history_are_counted():
    candles, trades = waves(RISING)
    eight_hourly = [480.0 * number for number in range(20)]
    funding = funding_of(eight_hourly, [0.0] * 20)

    without, with_some = (
        finding_of(optimize(store_of(trades), files))
        for files in (FakeCandleFiles(candles), FakeCandleFiles(candles, funding=[funding]))
    )

    assert without.without_funding + without.purged == WAVES
    assert 0 < with_some.without_funding < without.without_funding


def test_a_run_over_one_pair_reads_the_trades_of_no_other():
    asked: list[list[str] | None] = []

    class WatchedStore(MemoryStore):
        def trade_columns(self, *, pairs=None, **window):
            asked.append(None if pairs is None else list(pairs))
            return super().trade_columns(pairs=pairs, **window)

    candles, trades = waves([0.06] * 3)
    store = WatchedStore()
    store.record_closed_trades(trades)

    optimize(store, FakeCandleFiles(candles), pairs=[BTC])

    assert asked == [[BTC]]


def minutes_of(candles: Candles, first: int) -> Candles:
    """Return the candles from `first` on as minutes: the whole range in the first one, then flat ones."""
    flat = np.repeat(candles.close[first:], 5)
    laid = {name: flat.copy() for name in ("open", "high", "low")}
    for name, values in laid.items():
        values[::5] = getattr(candles, name)[first:]
    time_ms = candles.time_ms[first] + np.arange(len(flat)) * 60_000
    return Candles(
        pair=candles.pair, timeframe_ms=60_000, time_ms=time_ms, close=flat, volume=np.ones(len(flat)), **laid
    )


def test_finer_candles_that_an_exit_by_regime_leaves_alone_are_counted_and_said(capsys):
    candles, trades = waves(RISING)
    detail = FakeCandleFiles(minutes_of(candles, first=WAVE_CANDLES * 30))
    store = store_of(trades)
    plain = version(recorded_at=after(0)).parameters
    store.publish_parameters(
        [version(recorded_at=after(0), parameters=ManagedExits(**plain.to_dict(), regime_exit_z=4.0))]
    )

    with_detail, without = (
        optimize(store, FakeCandleFiles(candles), detail=one, dry_run=True) for one in (detail, None)
    )
    print_run(with_detail)

    assert finding_of(with_detail).decision.evidence.detail_trades is None
    replayed = finding_of(with_detail).decision.evidence.trades
    assert finding_of(with_detail).coarse == replayed > 0
    assert finding_of(without).coarse == 0
    assert f"finer candles left alone for {replayed} trades: an exit by regime" in capsys.readouterr().out


def test_trades_that_finer_candles_cover_are_replayed_on_them_and_counted():
    candles, trades = waves(RISING)
    detail = FakeCandleFiles(minutes_of(candles, first=WAVE_CANDLES * 30))

    plain, finer = (
        finding_of(optimize(store_of(trades), FakeCandleFiles(candles), search="exact", detail=one))
        for one in (None, detail)
    )

    assert plain.decision.evidence.detail_trades is None
    assert finer.decision.evidence.detail_trades == len(RISING) - 30
    assert finer.coarse == 0
    assert finer.decision.parameters == plain.decision.parameters
    assert finer.decision.evidence.test_profit == pytest.approx(
        plain.decision.evidence.test_profit, abs=1e-12
    )


def test_broken_finer_candles_are_said_aloud_and_left_alone(caplog):
    candles, trades = waves(RISING)

    finding = finding_of(
        optimize(store_of(trades), FakeCandleFiles(candles), detail=FakeCandleFiles(broken=[BTC]))
    )

    assert finding.decision.evidence.detail_trades is None
    assert "without finer candles: BTC/USDT:USDT: 3 candles hold NaN" in caplog.text


def test_trades_of_an_unknown_bot_are_said_aloud():
    candles, trades = waves(RISING)

    run = optimize(store_of(trades, [closed_trade(1, bot="BOT9")]), FakeCandleFiles(candles))

    assert run.notes[0] == "1 trades of BOT9 take no part: this run learns from BOT1, BOT2, BOT3"
