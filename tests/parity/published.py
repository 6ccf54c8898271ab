"""Results that others published: plain stoploss and ROI table, replayed trade by trade."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from freqfleet.clock import from_ms
from freqfleet.domain.sides import Side
from freqfleet.market.arrays import FloatArray
from freqfleet.market.candles import CandleFiles
from freqfleet.market.feather import read_columns
from freqfleet.market.series import Candles
from freqfleet.market.timeframes import MINUTE_MS
from freqfleet.replay.booking import Booking
from freqfleet.replay.exit_rule import Candle, Exit
from freqfleet.replay.roi_table import RoiTable, first_table_exit
from parity.comparison import Comparison, Difference, at_rate, same_rate

KINDS = {"stop_loss": "stop", "roi": "target"}
# Candles past the exit that freqtrade booked: a replay that stays longer must be able to.
CANDLES_AFTER = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PairMarket:
    """One pair's candles, and what a long of one coin paid in funding up to each open: shape (n,)."""

    candles: Candles
    paid: FloatArray


class PublishedMarket:
    """The candles under published results, pair by pair."""

    def __init__(self, datadir: Path) -> None:
        self._files = CandleFiles(datadir)
        self._pairs: dict[str, PairMarket] = {}

    def pair(self, pair: str) -> PairMarket:
        """Return the candles and funding of a pair."""
        if pair not in self._pairs:
            candles = self._files.load(pair)
            self._pairs[pair] = PairMarket(candles=candles, paid=self._paid(pair, candles))
        return self._pairs[pair]

    def _paid(self, pair: str, candles: Candles) -> FloatArray:
        """Rate times mark price, as exchanges settle it and freqtrade counts it."""
        paid = np.zeros(len(candles.time_ms))
        funding = self._files.load_funding(pair)
        if funding is None:
            return paid
        mark = read_columns(
            self._files.path(pair, "mark", funding.timeframe), ("date", "open"), label=f"{pair} mark"
        )
        price = dict(zip(mark["date"].tolist(), mark["open"].tolist(), strict=True))
        for at_ms, rate in zip(funding.time_ms.tolist(), funding.rate.tolist(), strict=True):
            row = int(np.searchsorted(candles.time_ms, at_ms))
            if row < len(paid) and at_ms in price:
                paid[row] += rate * price[at_ms]
        return np.cumsum(paid)


def compare_file(file: Path, market: PublishedMarket, title: str) -> Comparison:
    """Return how the replay of every stop_loss and roi exit of a result file compares."""
    found = Comparison(title=title)
    for name, section in json.loads(gzip.decompress(file.read_bytes()))["strategy"].items():
        table = RoiTable.of(section["minimal_roi"])
        for trade in section["trades"]:
            kind = KINDS.get(trade["exit_reason"])
            if kind is None:
                found.left_out[trade["exit_reason"]] += 1
            else:
                _compare_trade(name, trade, kind, table, market.pair(trade["pair"]), found)
    return found


def _compare_trade(
    strategy: str,
    trade: Mapping[str, Any],
    kind: str,
    table: RoiTable,
    market: PairMarket,
    found: Comparison,
) -> None:
    time_ms = market.candles.time_ms
    entry, close = np.searchsorted(time_ms, [trade["open_timestamp"], trade["close_timestamp"]]).tolist()
    assert time_ms[entry] == trade["open_timestamp"], f"{trade['pair']} has no candle at {trade['open_date']}"
    ours = _replayed(trade, table, market, entry, min(close + CANDLES_AFTER, len(time_ms)))
    closed_ms = int(time_ms[entry + ours.candle_index])
    found.add(
        kind,
        same=closed_ms == trade["close_timestamp"] and same_rate(ours.rate, trade["close_rate"]),
        difference=Difference(
            trade=f"{strategy}: {trade['pair']} of {from_ms(trade['open_timestamp']):%Y-%m-%d %H:%M}",
            kind=kind,
            theirs=f"{trade['exit_reason']} {at_rate(trade['close_timestamp'], trade['close_rate'])}",
            ours=f"{ours.kind.name.lower()} {at_rate(closed_ms, ours.rate)}",
        ),
    )


def _replayed(trade: Mapping[str, Any], table: RoiTable, market: PairMarket, entry: int, end: int) -> Exit:
    side = Side.of(is_short=trade["is_short"])
    candles = market.candles
    columns = (candles.time_ms, candles.open, candles.high, candles.low, candles.close)
    window = [Candle(*row) for row in zip(*(one[entry:end].tolist() for one in columns), strict=True)]
    paid_before = market.paid[entry - 1] if entry else 0.0
    received = -side.sign * (market.paid[entry:end] - paid_before) / trade["open_rate"]
    return first_table_exit(
        window,
        entered_ms=trade["open_timestamp"],
        stop_rate=trade["initial_stop_loss_abs"],
        table=table,
        booking=Booking(
            side=side,
            open_rate=trade["open_rate"],
            leverage=trade["leverage"],
            fee_ratio=trade["fee_open"],
        ),
        timeframe_minutes=candles.timeframe_ms // MINUTE_MS,
        tick_size=None,
        ratio_of_price=True,
        funding_ratio=received.tolist(),
    )
