"""What a strategy hands to learned feeders equals what training reads from files."""

from __future__ import annotations

import numpy as np
import pandas as pd

from freqfleet.market.features.context import Context, candle_frame, with_context
from freqfleet.market.features.view import CONTEXT_COLUMNS
from freqfleet.market.series import Candles, Funding
from freqfleet.market.timeframes import HOUR_MS
from freqfleet.runtime.market_context import MarketContext

PAIR, LEADER = "SOL/USDT:USDT", "BTC/USDT:USDT"
EMPTY = pd.DataFrame(columns=["date", "open", "high", "low", "close", "volume"])


class Provider:
    """Frames by pair, timeframe and kind; an empty one for anything else, as freqtrade answers."""

    def __init__(self, frames: dict[tuple[str, str, str], pd.DataFrame]) -> None:
        self._frames = frames

    def get_pair_dataframe(self, pair: str, timeframe: str, candle_type: str = "") -> pd.DataFrame:
        return self._frames.get((pair, timeframe, candle_type), EMPTY)


def walk(pair: str, seed: int, count: int, timeframe_ms: int) -> Candles:
    close = 100.0 + np.cumsum(np.random.default_rng(seed).normal(0.0, 0.1, count))
    return Candles(
        pair=pair, timeframe_ms=timeframe_ms, time_ms=timeframe_ms * np.arange(count),
        open=close.copy(), high=close.copy(), low=close.copy(), close=close, volume=np.ones(count),
    )  # fmt: skip


OURS, BTC, MARK = (
    walk(PAIR, 1, 600, HOUR_MS // 12),
    walk(LEADER, 2, 600, HOUR_MS // 12),
    walk(PAIR, 3, 50, HOUR_MS),
)
SETTLED = np.arange(0, 50, 8) * HOUR_MS
RATES = np.linspace(-1e-4, 2e-4, len(SETTLED))
FUNDING_DATES = pd.to_datetime(SETTLED + 7, unit="ms", utc=True)  # files carry some milliseconds more


def test_the_columns_are_those_of_training():
    funding = pd.DataFrame({"date": FUNDING_DATES, "funding_rate": RATES})
    provider = Provider(
        {
            (LEADER, "5m", ""): candle_frame(BTC),
            (PAIR, "1h", "funding_rate"): funding,
            (PAIR, "1h", "mark"): candle_frame(MARK),
        }
    )

    frame = MarketContext(provider, "5m").beside(PAIR, candle_frame(OURS))

    trained = with_context(
        candle_frame(OURS),
        Context(
            leader=BTC, funding=Funding(pair=PAIR, timeframe="1h", time_ms=SETTLED, rate=RATES), mark=MARK
        ),
    )
    pd.testing.assert_frame_equal(frame, trained)
    assert frame[["leader_close", "funding_rate", "basis_ratio"]].notna().any().all()


def test_the_older_layout_of_funding_is_read_too():
    old = pd.DataFrame({"date": FUNDING_DATES, "open": RATES, "close": 0.0})

    frame = MarketContext(Provider({(PAIR, "1h", "funding_rate"): old}), "5m").beside(
        PAIR, candle_frame(OURS)
    )

    assert frame["funding_rate"].iloc[-1] == RATES[-1]


def test_what_freqtrade_does_not_have_is_not_known():
    frame = MarketContext(Provider({}), "5m").beside(PAIR, candle_frame(OURS))

    assert frame[list(CONTEXT_COLUMNS)].isna().all(axis=None)


def test_freqtrade_is_asked_for_the_leader_and_each_pairs_funding_and_mark():
    asked = MarketContext(Provider({}), "5m").informative_pairs([PAIR])

    assert asked == [(LEADER, "5m", "futures"), (PAIR, "1h", "funding_rate"), (PAIR, "1h", "mark")]
