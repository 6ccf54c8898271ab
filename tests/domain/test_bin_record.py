"""BinRecord and its posterior: what closed trades say of a leverage bin."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.bin_record import MIN_TRADES, BinRecord, ProfitPosterior
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError
from freqfleet.testing.records import bin_record


def test_decisions_are_taken_on_the_mean_less_one_standard_deviation() -> None:
    belief = ProfitPosterior(mean_ratio=0.003, mean_sd_ratio=0.001, trade_sd_ratio=0.0215)

    assert belief.lower_bound_ratio == pytest.approx(0.002)
    # definitions: a quarter of 20 bps over 215 bps squared
    assert belief.kelly_leverage == pytest.approx(0.25 * 0.002 / 0.0215**2)


def test_an_edge_that_may_be_none_allows_no_exposure() -> None:
    belief = ProfitPosterior(mean_ratio=0.001, mean_sd_ratio=0.002, trade_sd_ratio=0.02)

    assert belief.kelly_leverage == 0.0


@pytest.mark.parametrize("name", ["mean_sd_ratio", "trade_sd_ratio"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_belief_without_a_spread_is_refused_with_its_value(name: str, value: float) -> None:
    values = {"mean_ratio": 0.0, "mean_sd_ratio": 0.01, "trade_sd_ratio": 0.02, name: value}

    with pytest.raises(ParameterError, match=f"{name} of a posterior must be above 0, was"):
        ProfitPosterior(**values)


def test_a_record_survives_json() -> None:
    one = bin_record(step=LEVERAGE_BINS[2], pair="BTC/USDT:USDT", side=Side.SHORT)

    assert BinRecord.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_a_record_that_cannot_be_read_is_shown() -> None:
    values = bin_record().to_dict() | {"leverage_bin": "2-99"}

    with pytest.raises(ParameterError, match=r"not a bin record: .*2-99"):
        BinRecord.from_dict(values)


def test_a_record_cannot_know_trades_that_close_after_it() -> None:
    at = datetime(2025, 10, 1, tzinfo=UTC)

    with pytest.raises(ParameterError, match="cannot know the future"):
        bin_record(recorded_at=at, learned_until=at + timedelta(seconds=1))


@pytest.mark.parametrize(("trades", "speaks"), [(1, False), (MIN_TRADES - 1, False), (MIN_TRADES, True)])
def test_a_bin_of_one_trade_does_not_speak(trades: int, speaks: bool) -> None:
    assert bin_record(trades=trades).qualifies is speaks


def test_the_mean_profit_is_that_of_winners_and_losers_together() -> None:
    measured = replace(bin_record(), win_rate=0.25, mean_win_ratio=0.04, mean_loss_ratio=-0.01)

    assert measured.mean_profit_ratio == pytest.approx(0.25 * 0.04 - 0.75 * 0.01)
    assert bin_record().mean_profit_ratio is None
