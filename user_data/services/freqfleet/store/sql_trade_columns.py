"""Closed trades as columns, from SQL: no object is made of a row that is as it should be.

A chunk of rows becomes arrays at once, and the bounds of the domain are asked of whole arrays. A chunk that
does not keep them is looked at row by row, by `ClosedTrade` itself, which says what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, select

from freqfleet.clock import FIRST_MS, LAST_MS
from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.pairs import checked_pair
from freqfleet.errors import TradeSourceError
from freqfleet.market.arrays import IntArray
from freqfleet.market.trade_columns import NO_TRADES, SIDES, TradeColumns
from freqfleet.store.rows import TRADE_COLUMNS, StoredRow, trade_of_columns
from freqfleet.store.schema import closed_trades
from freqfleet.store.unusable import UNUSABLE

ROWS_AT_ONCE = 500  # more of them leave the cache of the processor before they are read

_WHOLE = ("trade_id", "opened_ms", "closed_ms")
_RATIOS = ("leverage", "open_rate", "close_rate", "stake_quote", "margin_profit_ratio")
_READ = ("bot", "instance", "pair", "side", "mode", *_WHOLE, *_RATIOS)
# In the place of what is not read, for a row that `ClosedTrade` is asked about.
_NOT_READ: dict[str, Any] = {
    "profit_quote": 0.0,
    "fee_open_ratio": 0.0,
    "fee_close_ratio": 0.0,
    "funding_fees_quote": 0.0,
    "exit_reason": "",
}
_SIDE_AT = {side.value: at for at, side in enumerate(SIDES)}
_MODES = {mode.value for mode in TradeMode}

Skip = Callable[[StoredRow, str], None]
Arrays = dict[str, npt.NDArray[Any]]


def select_columns() -> Select[Any]:
    """Return the statement that `read_columns` understands, without conditions."""
    return select(*(closed_trades.c[name] for name in _READ))


def read_columns(connection: Connection, asked: Select[Any], skip: Skip) -> TradeColumns:
    """Return the trades of `asked`, by close, bot, instance and id, names without a trade left out.

    skip : gets every row outside the domain, and the reason.
    """
    known = _Known()
    chunks: list[Arrays] = []
    for rows in connection.execute(asked).partitions(ROWS_AT_ONCE):
        try:
            chunks.append(known.arrays(rows))
        except UNUSABLE:
            usable = [row for row in rows if _is_usable(row, skip)]
            if usable:
                chunks.append(known.arrays(usable))
    return known.trades(chunks)


@dataclass(slots=True)
class _Known:
    """The names met so far, and their codes: by when they were met."""

    bot: dict[str, int] = field(default_factory=dict)
    instance: dict[str, int] = field(default_factory=dict)
    pair: dict[str, int] = field(default_factory=dict)

    def arrays(self, rows: Sequence[StoredRow]) -> Arrays:
        """Return rows as arrays; raises one of UNUSABLE where any of them lies outside the domain."""
        values = dict(zip(_READ, zip(*rows, strict=True), strict=True))
        arrays = _numbers(values)
        _check_bounds(arrays)
        if not _MODES.issuperset(values["mode"]) or not _SIDE_AT.keys() >= set(values["side"]):
            raise TradeSourceError("a mode or a side that there is not")
        arrays["bot"] = _codes(values["bot"], self.bot, intern)
        arrays["instance"] = _codes(values["instance"], self.instance, intern)
        arrays["pair"] = _codes(values["pair"], self.pair, checked_pair)
        arrays["side"] = np.fromiter(map(_SIDE_AT.__getitem__, values["side"]), np.int64, len(rows))
        del arrays["close_rate"]
        return arrays

    def trades(self, chunks: Sequence[Arrays]) -> TradeColumns:
        """Return the trades of all chunks, in the order of a store."""
        if not chunks:
            return NO_TRADES
        # One column after the other, so that no trade is held twice as a whole.
        whole = {name: np.concatenate([one.pop(name) for one in chunks]) for name in tuple(chunks[0])}
        bots, whole["bot"] = _by_name(whole["bot"], self.bot)
        instances, whole["instance"] = _by_name(whole["instance"], self.instance)
        pairs, whole["pair"] = _by_name(whole["pair"], self.pair)
        # Not by the database: databases differ in how they order text.
        order = np.lexsort((whole["trade_id"], whole["instance"], whole["bot"], whole["closed_ms"]))
        return TradeColumns(
            pairs=pairs,
            bots=bots,
            instances=instances,
            **{name: whole.pop(name)[order] for name in tuple(whole)},
        )


def _numbers(values: Mapping[str, Sequence[Any]]) -> Arrays:
    """Return the arrays of all numbers; SQLite would keep a text where a number belongs."""
    arrays: Arrays = {}
    for names, kind, wanted in ((_WHOLE, np.int64, "a whole number"), (_RATIOS, np.float64, "a number")):
        for name in names:
            arrays[name] = np.array(values[name])
            if arrays[name].dtype != kind:
                raise TradeSourceError(f"{name} must be {wanted}, was {values[name][0]!r}")
    return arrays


def _check_bounds(arrays: Arrays) -> None:
    """Raise TradeSourceError where `ClosedTrade` would refuse any of the trades."""
    sound = (arrays["leverage"] >= 1.0) & (arrays["leverage"] < math.inf)
    for rate in (arrays["open_rate"], arrays["close_rate"]):
        sound &= (rate > 0.0) & (rate < math.inf)
    sound &= np.isfinite(arrays["margin_profit_ratio"])
    sound &= arrays["closed_ms"] >= arrays["opened_ms"]
    sound &= (arrays["opened_ms"] >= FIRST_MS) & (arrays["closed_ms"] <= LAST_MS)
    if not sound.all():
        raise TradeSourceError(f"{int((~sound).sum())} trades outside the domain")


def _is_usable(row: StoredRow, skip: Skip) -> bool:
    values = _NOT_READ | dict(zip(_READ, row, strict=True))
    try:
        trade_of_columns([values.get(name) for name in TRADE_COLUMNS])
        _numbers({name: [value] for name, value in values.items()})
    except UNUSABLE as error:
        skip(row, str(error))
        return False
    return True


def _codes(names: Sequence[str], known: dict[str, int], check: Callable[[str], str]) -> IntArray:
    for name in set(names).difference(known):
        known[check(name)] = len(known)
    return np.fromiter(map(known.__getitem__, names), np.int64, len(names))


def _by_name(codes: IntArray, known: dict[str, int]) -> tuple[tuple[str, ...], IntArray]:
    """Return the names that have a code here, sorted, and the codes as places among them."""
    met = list(known)
    used = sorted(np.unique(codes).tolist(), key=met.__getitem__)
    place = np.zeros(len(met), dtype=np.int64)
    place[used] = np.arange(len(used))
    return tuple(met[at] for at in used), place[codes]
