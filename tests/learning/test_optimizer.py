from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import FixedClock, iso
from freqfleet.domain.decisions import Evidence, Verdict
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError, StoreUnavailable
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.pending import PendingParameters
from freqfleet.market.series import Candles
from freqfleet.parameters.book import ParameterBook
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, Settings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from replaycases import BTC, START, WAVE_CANDLES, FakeCandleFiles, after, closed_trade, funding_of, waves

ETH = "ETH/USDT:USDT"
WAVES = 80
RISING = [0.06] * WAVES
# After the training part the market turns: peaks end between the default target and the learned one.
TURNING = [0.06] * 56 + [0.035] * 24
END = after(5 * WAVE_CANDLES * (WAVES + 2))


def settings_for(**optimizer) -> Settings:
    """Without the gate: what one pair says by itself. test_certification.py has the gate."""
    return load_settings(
        Path("nowhere"),
        gate=GateSettings(method="holdout"),
        optimizer=OptimizerSettings(**{"time_limit_minutes": (240,), "trials": 40, **optimizer}),
        defaults=DefaultSettings(time_limit_minutes=240),
    )


def store_of(*trades) -> MemoryStore:
    store = MemoryStore()
    store.record_closed_trades([trade for some in trades for trade in some])
    return store


def optimize(store, candles, *, as_of=END, pairs=None, settings=None, **options) -> OptimizerRun:
    optimizer = Optimizer(
        store=store,
        candles=candles,
        settings=settings or settings_for(),
        clock=FixedClock(as_of),
        search=options.pop("search", "random"),
        **options,
    )
    return optimizer.run(pairs)


def finding_of(run: OptimizerRun, pair: str = BTC, side: Side = Side.LONG) -> Finding:
    (found,) = (one for one in run.findings if (one.decision.pair, one.decision.side) == (pair, side))
    return found


def test_exits_that_beat_the_defaults_held_out_are_published():
    candles, trades = waves(RISING)
    store = store_of(trades)

    decision = finding_of(optimize(store, FakeCandleFiles(candles))).decision

    assert decision.verdict is Verdict.PUBLISHED
    (published,) = store.parameter_versions()
    assert published.version_id == decision.version
    assert published.parameters == decision.parameters
    assert published.source is ExitSource.OPTUNA
    assert published.valid_from == published.recorded_at == END
    assert published.learned_until <= END
    assert published.parameters.stop_loss < -0.025
    assert 0.03 < published.parameters.take_profit <= 0.0605


def test_exact_search_publishes_the_same_exits_whatever_the_seed():
    candles, trades = waves(RISING)

    decisions = [
        finding_of(
            optimize(
                store_of(trades), FakeCandleFiles(candles), settings=settings_for(seed=seed), search="exact"
            )
        ).decision
        for seed in (1, 2)
    ]

    assert decisions[0].verdict is Verdict.PUBLISHED
    assert decisions[0].parameters == decisions[1].parameters
    assert decisions[0].parameters.stop_loss < -0.025
    assert 0.03 < decisions[0].parameters.take_profit < 0.0605
    assert decisions[0].evidence.search == "exact"
    assert decisions[0].evidence.candidates > 50_000


def test_bots_read_what_was_published_from_as_of_on():
    candles, trades = waves(RISING)
    store = store_of(trades)

    decision = finding_of(optimize(store, FakeCandleFiles(candles))).decision

    book = ParameterBook(
        store.parameter_versions(), defaults=ExitParameters(stop_loss=-0.03, take_profit=0.03)
    )
    assert book.resolve(BTC, Side.LONG, 3.0, END).parameters == decision.parameters
    assert book.resolve(BTC, Side.LONG, 3.0, after(0)).source is ExitSource.DEFAULT


def test_exits_that_lose_to_the_defaults_held_out_are_kept_back_with_both_figures():
    candles, trades = waves(TURNING)
    store = store_of(trades)

    decision = finding_of(optimize(store, FakeCandleFiles(candles))).decision

    assert decision.verdict is Verdict.KEPT
    assert decision.reason.startswith("not better than what is in force")
    assert "default +" in decision.reason
    assert decision.parameters == settings_for().defaults.parameters()
    assert store.parameter_versions() == []


def test_evidence_says_what_was_measured_and_backtested_profit_is_out_of_sample():
    candles, trades = waves(TURNING)

    finding = finding_of(optimize(store_of(trades), FakeCandleFiles(candles)))

    evidence = finding.decision.evidence
    assert evidence.trades == WAVES
    assert evidence.bot_trades == {"BOT1": 60, "BOT3": 20}
    assert evidence.effective_trades == pytest.approx(1.0 / (0.25**2 / 60 + 0.75**2 / 20))
    assert evidence.train_profit > 0.03 > evidence.test_profit
    assert evidence.backtested_profit == evidence.test_profit < evidence.incumbent_test_profit
    assert (evidence.search, evidence.candidates) == ("random", 40)
    assert evidence.p_value is None


def test_profit_factor_without_losses_is_not_measured():
    candles, trades = waves(RISING)

    evidence = finding_of(optimize(store_of(trades), FakeCandleFiles(candles))).decision.evidence

    assert evidence.win_rate == 1.0
    assert evidence.profit_factor is None


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


def test_hold_out_is_named_for_what_it_is_once():
    candles, trades = waves(RISING)

    run = optimize(store_of(trades), FakeCandleFiles(candles))

    assert run.notes == ("[gate] method is holdout: about half of what it publishes is chance",)


def test_incumbent_is_what_is_in_force_at_as_of():
    candles, trades = waves(RISING)
    good = version(recorded_at=after(0), stop_loss=-0.03, take_profit=0.06, time_limit_minutes=240)
    later = version(recorded_at=END.replace(year=2026), stop_loss=-0.01, take_profit=0.02)
    store = store_of(trades)
    store.publish_parameters([good, later])

    decision = finding_of(optimize(store, FakeCandleFiles(candles))).decision

    assert decision.verdict is Verdict.KEPT
    assert f"optuna {good.version_id}" in decision.reason
    assert decision.parameters == good.parameters


def test_the_same_run_again_publishes_nothing_more():
    candles, trades = waves(RISING)
    store = store_of(trades)
    optimize(store, FakeCandleFiles(candles))

    again = finding_of(optimize(store, FakeCandleFiles(candles))).decision

    assert again.verdict is Verdict.KEPT
    assert len(store.parameter_versions()) == 1


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


def test_every_pair_and_side_gets_a_decision_with_its_reason():
    candles, trades = waves(RISING)
    few = [closed_trade(200 + number, pair=ETH, minute=number, bot="BOT3") for number in range(15)]
    shorts = [closed_trade(100 + number, side=Side.SHORT, minute=number, bot="BOT2") for number in range(70)]
    broken = [
        closed_trade(number, pair="XRP/USDT:USDT", minute=number, bot="BOT3") for number in range(100, 170)
    ]
    store = store_of(trades, few, shorts, broken)

    run = optimize(store, FakeCandleFiles(candles, broken=["XRP/USDT:USDT", "DOGE/USDT:USDT"]))

    reasons = {(one.decision.pair, one.decision.side): one.decision.reason for one in run.findings}
    assert list(reasons) == [
        (pair, side)
        for pair in (BTC, "DOGE/USDT:USDT", ETH, "XRP/USDT:USDT")
        for side in (Side.LONG, Side.SHORT)
    ]
    assert reasons[ETH, Side.LONG] == "15 trades, 60 needed"
    assert reasons["DOGE/USDT:USDT", Side.SHORT] == "0 trades, 60 needed"
    assert reasons["XRP/USDT:USDT", Side.LONG] == "XRP/USDT:USDT: 3 candles hold NaN"
    assert reasons["XRP/USDT:USDT", Side.SHORT] == "0 trades, 60 needed"
    assert finding_of(run).decision.verdict is Verdict.PUBLISHED


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


def test_asked_pair_that_nobody_knows_is_said_aloud():
    candles, trades = waves(RISING)

    run = optimize(store_of(trades), FakeCandleFiles(candles), pairs=[BTC, ETH])

    assert finding_of(run, ETH).decision.reason == "0 trades, 60 needed"
    assert run.notes[0] == f"{ETH} has neither candles nor trades; known: {BTC}"


def test_asked_pairs_only_in_the_order_asked():
    candles, trades = waves(RISING)
    eth, _ = waves(RISING, pair=ETH)

    run = optimize(store_of(trades), FakeCandleFiles(candles, eth), pairs=[ETH, BTC, ETH])

    assert [outcome.pair for outcome in run.outcomes] == [ETH, BTC]


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


def test_a_run_reads_the_versions_of_the_store_once():
    asked: list[str] = []

    class WatchedStore(MemoryStore):
        def parameter_versions(self, **window):
            asked.append("versions")
            return super().parameter_versions(**window)

        def parameter_history(self, *key):
            asked.append("history")
            return super().parameter_history(*key)

    candles, trades = waves(RISING)
    store = WatchedStore()
    store.record_closed_trades(trades)
    optimize(store, FakeCandleFiles(candles))
    (published,) = MemoryStore.parameter_versions(store)
    after_it = version(recorded_at=END, evidence=Evidence(parent_version=published.version_id))
    store.publish_parameters([after_it])
    asked.clear()

    optimize(store, FakeCandleFiles(candles), settings=settings_for(trials=50))

    assert asked == ["versions"]


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


def test_trades_that_finer_candles_cover_are_replayed_on_them_and_counted():
    candles, trades = waves(RISING)
    detail = FakeCandleFiles(minutes_of(candles, first=WAVE_CANDLES * 30))

    plain, finer = (
        finding_of(optimize(store_of(trades), FakeCandleFiles(candles), search="exact", detail=one))
        for one in (None, detail)
    )

    assert plain.decision.evidence.detail_trades is None
    assert finer.decision.evidence.detail_trades == len(RISING) - 30
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


def test_evidence_of_the_exact_search_says_how_its_exits_stand_among_their_neighbours():
    candles, trades = waves(RISING)

    decision = finding_of(optimize(store_of(trades), FakeCandleFiles(candles), search="exact")).decision

    evidence = decision.evidence
    assert evidence.plateau_ratio > 0.5  # above 1 where its neighbours do better still
    assert evidence.plateau_neighbours > 1
    assert evidence.plateau_least_profit <= evidence.plateau_mean_profit
    assert evidence.plateau_mean_profit == pytest.approx(evidence.train_profit, rel=0.5)
    for name, (low, high) in evidence.plateau_widths.items():
        assert low <= getattr(decision.parameters, name) <= high
    assert evidence.boundary == ()


def test_result_of_a_pair_does_not_depend_on_the_others():
    btc, btc_trades = waves(RISING)
    eth, eth_trades = waves(RISING, pair=ETH)
    eth_trades = [replace(trade, trade_id=trade.trade_id + 1000) for trade in eth_trades]
    files = FakeCandleFiles(btc, eth)

    both, alone = (
        optimize(store_of(btc_trades, eth_trades), files, pairs=pairs, search="tpe")
        for pairs in ([ETH, BTC], [BTC])
    )

    assert finding_of(both) == finding_of(alone)


def test_finished_pairs_stay_published_when_the_run_is_interrupted():
    btc, btc_trades = waves(RISING)
    eth, eth_trades = waves(RISING, pair=ETH)
    store = store_of(btc_trades, [replace(trade, trade_id=trade.trade_id + 1000) for trade in eth_trades])
    optimizer = Optimizer(
        store=store,
        candles=FakeCandleFiles(btc, eth),
        settings=settings_for(),
        clock=FixedClock(END),
        search="random",
    )

    def interrupt(outcome):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimizer.run(None, interrupt)

    assert [one.key.pair for one in store.parameter_versions()] == [BTC]


def test_dry_run_stores_nothing():
    candles, trades = waves(RISING)
    store = store_of(trades)

    run = optimize(store, FakeCandleFiles(candles), dry_run=True)

    assert finding_of(run).decision.verdict is Verdict.PUBLISHED
    assert finding_of(run).decision.version is None
    assert store.parameter_versions() == []


def test_trades_of_an_unknown_bot_are_said_aloud():
    candles, trades = waves(RISING)

    run = optimize(store_of(trades, [closed_trade(1, bot="BOT9")]), FakeCandleFiles(candles))

    assert run.notes[0] == "1 trades of BOT9 take no part: this run learns from BOT1, BOT2, BOT3"


def test_run_id_is_the_same_for_the_same_question():
    candles, trades = waves(RISING)
    ids = [
        optimize(store_of(trades), FakeCandleFiles(candles), dry_run=True, **options).run_id
        for options in ({}, {}, {"search": "qmc"}, {"settings": settings_for(seed=1)})
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_store_that_cannot_be_read_ends_the_run():
    store = MemoryStore()
    store.unavailable = True

    with pytest.raises(StoreUnavailable):
        optimize(store, FakeCandleFiles(waves(RISING)[0]))


def test_no_candles_at_all_end_the_run_even_for_asked_pairs():
    class EmptyDatadir(FakeCandleFiles):
        def pairs(self):
            raise MarketError("no candle folder nowhere")

    with pytest.raises(MarketError, match="no candle folder nowhere"):
        optimize(MemoryStore(), EmptyDatadir(), pairs=[BTC])


def test_pair_that_is_none_is_refused():
    with pytest.raises(InputError, match="not a pair: 'BTC'"):
        optimize(MemoryStore(), FakeCandleFiles(), pairs=["BTC"])


class ReadOnlyStore(MemoryStore):
    """A store whose disk is full: it answers, and takes nothing."""

    full = True

    def publish_parameters(self, versions):
        if self.full:
            raise StoreUnavailable("disk is full")
        return super().publish_parameters(versions)


def test_results_wait_in_a_file_while_the_store_cannot_be_written_and_the_next_run_publishes_them(tmp_path):
    candles, trades = waves(RISING)
    store = ReadOnlyStore()
    store.record_closed_trades(trades)
    pending = PendingParameters(tmp_path / "services" / "optimized_parameters.json")

    first = optimize(store, FakeCandleFiles(candles), pending=pending)
    store.full = False
    later = after(5 * WAVE_CANDLES * (WAVES + 3))
    second = optimize(store, FakeCandleFiles(candles), pending=pending, as_of=later)

    assert "not in force yet" in finding_of(first).decision.reason
    assert "the store cannot be written (disk is full)" in first.notes[0]
    (published,) = store.parameter_versions()
    assert published.parameters == finding_of(first).decision.parameters
    assert published.recorded_at == later
    assert "published 1 of 1 results that waited" in second.notes[0]
    assert pending.read() == []
    assert finding_of(second).decision.parameters == published.parameters  # it was the incumbent


def test_waiting_results_give_way_to_what_was_learned_since(tmp_path):
    candles, trades = waves(RISING)
    pending = PendingParameters(tmp_path / "waiting.json")
    pending.add([version(recorded_at=START, take_profit=0.04)])
    newer = version(recorded_at=after(60), stop_loss=-0.03, take_profit=0.06, time_limit_minutes=240)
    store = store_of(trades)
    store.publish_parameters([newer])

    run = optimize(store, FakeCandleFiles(candles), pending=pending)

    assert store.parameter_versions() == [newer]
    assert "published 0 of 1" in run.notes[0]


def test_dry_run_leaves_waiting_results_where_they_are(tmp_path):
    candles, trades = waves(RISING)
    pending = PendingParameters(tmp_path / "waiting.json")
    waiting = version(recorded_at=START)
    pending.add([waiting])

    run = optimize(store_of(trades), FakeCandleFiles(candles), pending=pending, dry_run=True)

    assert pending.read() == [waiting]
    assert "1 results of an earlier run wait" in run.notes[0]


def test_point_in_time_run_without_a_waiting_file_lets_the_failure_through():
    candles, trades = waves(RISING)
    store = ReadOnlyStore()
    store.record_closed_trades(trades)

    with pytest.raises(StoreUnavailable, match="disk is full"):
        optimize(store, FakeCandleFiles(candles))
