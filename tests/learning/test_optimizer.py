"""What a run decides and publishes, pair by pair."""

from dataclasses import replace

import pytest

from freqfleet.domain.decisions import Verdict
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, MarketError
from freqfleet.parameters.book import ParameterBook
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import version
from optimizercases import END, ETH, RISING, TURNING, WAVES, finding_of, optimize, settings_for, store_of
from replaycases import BTC, FakeCandleFiles, after, closed_trade, waves


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


def test_run_id_is_the_same_for_the_same_question():
    candles, trades = waves(RISING)
    ids = [
        optimize(store_of(trades), FakeCandleFiles(candles), dry_run=True, **options).run_id
        for options in ({}, {}, {"search": "qmc"}, {"settings": settings_for(seed=1)})
    ]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_no_candles_at_all_end_the_run_even_for_asked_pairs():
    class EmptyDatadir(FakeCandleFiles):
        def pairs(self):
            raise MarketError("no candle folder nowhere")

    with pytest.raises(MarketError, match="no candle folder nowhere"):
        optimize(MemoryStore(), EmptyDatadir(), pairs=[BTC])


def test_pair_that_is_none_is_refused():
    with pytest.raises(InputError, match="not a pair: 'BTC'"):
        optimize(MemoryStore(), FakeCandleFiles(), pairs=["BTC"])
