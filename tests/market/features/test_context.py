"""Context columns: what was known when a candle closed, and nothing later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.market.features.context import Context, candle_frame, with_context
from freqfleet.market.series import Candles, Funding
from freqfleet.market.timeframes import HOUR_MS
from freqfleet.testing.candle_tables import candle_table

FIVE_MINUTES_MS = 5 * 60_000


def flat(pair: str, start_ms: int, closes: list[float], timeframe_ms: int = FIVE_MINUTES_MS) -> Candles:
    close = np.array(closes)
    return Candles(
        pair=pair,
        timeframe_ms=timeframe_ms,
        time_ms=start_ms + timeframe_ms * np.arange(len(close)),
        open=close.copy(),
        high=close.copy(),
        low=close.copy(),
        close=close,
        volume=np.ones(len(close)),
    )


def test_the_leader_is_seen_with_the_candle_that_closes_together_with_ours():
    ours = candle_table(
        """
        minute open high low close volume
        0      10   11   9   10    1
        5      10   11   9   10    1
        30     10   11   9   10    1
        """
    )
    leader = flat("BTC/USDT:USDT", int(ours.time_ms[0]), [100.0, 101.0])

    frame = with_context(candle_frame(ours), Context(leader=leader))

    assert frame["leader_close"].tolist()[:2] == [100.0, 101.0]
    assert np.isnan(frame["leader_close"][2])  # 25 minutes old: not known


def test_funding_counts_from_its_settlement_and_a_candle_that_closes_then_knows_it():
    start = 10 * HOUR_MS
    ours = flat("SOL/USDT:USDT", start - 2 * FIVE_MINUTES_MS, [10.0] * 3)
    funding = Funding(pair=ours.pair, timeframe="1h", time_ms=np.array([start]), rate=np.array([0.0003]))

    rate = with_context(candle_frame(ours), Context(funding=funding))["funding_rate"]

    assert np.isnan(rate[0])  # closes five minutes before
    assert rate.tolist()[1:] == [0.0003, 0.0003]


def test_the_basis_compares_two_prices_of_one_moment():
    ours = flat("SOL/USDT:USDT", 0, [10.0] * 11 + [10.2] + [11.0] * 12)
    mark = flat(ours.pair, 0, [10.0], HOUR_MS)

    basis = with_context(candle_frame(ours), Context(mark=mark))["basis_ratio"]

    assert basis[:11].isna().all()
    assert basis[11:].tolist() == pytest.approx([0.02] * 13)


def test_nothing_given_is_nothing_known():
    ours = flat("SOL/USDT:USDT", 0, [10.0] * 4)

    assert with_context(candle_frame(ours), Context()).iloc[:, 6:].isna().all(axis=None)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), rows=st.integers(1, 399))
def test_what_comes_later_changes_nothing(seed, rows):
    rng = np.random.default_rng(seed)
    ours = flat("SOL/USDT:USDT", 0, list(rng.uniform(9.0, 11.0, 400)))
    leader = flat("BTC/USDT:USDT", 0, list(rng.uniform(90.0, 110.0, 400)))
    mark = flat(ours.pair, 0, list(rng.uniform(9.0, 11.0, 34)), HOUR_MS)
    settled = np.unique(rng.integers(-200, 34, 60)) * HOUR_MS
    funding = Funding(pair=ours.pair, timeframe="1h", time_ms=settled, rate=rng.normal(0, 1e-4, len(settled)))
    frame, known_ms = candle_frame(ours), rows * FIVE_MINUTES_MS

    whole = with_context(frame, Context(leader=leader, funding=funding, mark=mark))
    known = settled <= known_ms
    then = with_context(
        frame.iloc[:rows],
        Context(
            leader=flat(leader.pair, 0, list(leader.close[:rows])),
            funding=Funding(pair=ours.pair, timeframe="1h", time_ms=settled[known], rate=funding.rate[known]),
            mark=flat(mark.pair, 0, list(mark.close[: known_ms // HOUR_MS]), HOUR_MS),
        ),
    )

    pd.testing.assert_frame_equal(then, whole.iloc[:rows])
