"""Dry runs of freqtrade on candles that are moved to now: when entries come, and what its database says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from freqfleet.clock import to_ms
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.market.candles import CandleFiles
from freqfleet.market.timeframes import DAY_MS, HOUR_MS
from freqfleet.runtime.entries import EntryPolicy
from freqfleet.settings import Settings
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import version
from freqfleet.wiring import make_ensemble

STARTUP = timedelta(seconds=12)
CANDLE_MS = 300_000
PRICES = ["open", "high", "low", "close"]
# freqtrade's configuration: a loop a second, and entries that fill at once. A limit order that the price has
# left, as on a slow machine, would wait for ten minutes.
IN_A_HURRY: dict[str, Any] = {
    "internals": {"process_throttle_secs": 1},
    "order_types": {
        "entry": "market",
        "exit": "market",
        "stoploss": "market",
        "emergency_exit": "market",
        "stoploss_on_exchange": False,
    },
}


def livelier(datadir: Path, out: Path) -> Path:
    """Write the 5m candles of the pairs that cover the whole history, log returns tripled; return `out`."""
    files, copies = CandleFiles(datadir), CandleFiles(out)
    candles = {pair: pd.read_feather(files.path(pair)) for pair in files.pairs()}
    longest = max(len(frame) for frame in candles.values())
    (out / "futures").mkdir(parents=True)
    for pair, frame in candles.items():
        if len(frame) == longest:
            first = frame.at[0, "open"]
            frame[PRICES] = first * (frame[PRICES] / first) ** 3
            frame.to_feather(copies.path(pair))
    return out


def busiest_hours_left(datadir: Path, pairs: Sequence[str], now: datetime, *, min_votes: int = 2) -> float:
    """Return the `hours_left` that moves the day to now on which BOT3 enters most pairs right away.

    Bots enter when a candle closes. The last one before a bot that is started `now` looks first counts twice,
    the next one once.
    """
    first_ms, entries = entries_of(datadir, pairs, min_votes)
    now_ms = to_ms(now + STARTUP)
    in_day = (now_ms - first_ms) % DAY_MS // CANDLE_MS
    running = np.arange(in_day, len(entries) - HOUR_MS // CANDLE_MS, DAY_MS // CANDLE_MS)
    running = running[running >= 3 * DAY_MS // CANDLE_MS]  # startup candles come before
    busiest = running[np.argmax(2 * entries[running - 1] + entries[running])]
    return float((len(entries) - busiest) * CANDLE_MS / HOUR_MS - 0.5)


def entries_of(datadir: Path, pairs: Sequence[str], min_votes: int) -> tuple[int, np.ndarray]:
    """Return when the first candle opens and how many pairs BOT3 enters after each candle."""
    ensemble, files = make_ensemble(Settings()), CandleFiles(datadir)
    policy = EntryPolicy(sides=tuple(Side), min_votes=min_votes, dissent_allowed=False)
    counts = []
    for pair in pairs:
        one = files.load(pair)
        columns = {name: getattr(one, name) for name in (*PRICES, "volume")}
        dates = pd.to_datetime(one.time_ms, unit="ms", utc=True)
        votes = ensemble.columns(pd.DataFrame({"date": dates, **columns}))
        counts.append(sum(policy.enters(votes, side).to_numpy().astype(np.int64) for side in Side))
    return int(one.time_ms[0]), np.sum(counts, axis=0)


def publish_for_every_pair(
    learning: Path, parameters: ExitParameters, known_since: datetime
) -> dict[Side, str]:
    """Publish exits of both sides for every pair; return the version ids."""
    versions = {
        side: version(pair=None, side=side, parameters=parameters, recorded_at=known_since) for side in Side
    }
    with closing(SqlStore(f"sqlite:///{learning}")) as store:
        assert store.publish_parameters(list(versions.values())).accepted == len(versions)
    return {side: one.version_id for side, one in versions.items()}


def trade_ids(database: Path, *, is_open: bool | None = None) -> set[int]:
    """Return the ids of the bot's trades; none while there is no table yet."""
    if not database.is_file():
        return set()
    chosen = "" if is_open is None else f" WHERE is_open = {int(is_open)}"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        try:
            rows = connection.execute(f"SELECT id FROM trades{chosen}").fetchall()
        except sqlite3.OperationalError:
            return set()
    return {trade_id for (trade_id,) in rows}


def custom_data(database: Path, key: str) -> dict[int, Any]:
    """Return what was kept on each trade under `key`, by trade id."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        rows = connection.execute(
            "SELECT ft_trade_id, cd_value FROM trade_custom_data WHERE cd_key = ?", (key,)
        ).fetchall()
    return {trade_id: json.loads(value) for trade_id, value in rows}


def trade_column(database: Path, column: str) -> dict[int, Any]:
    """Return one column of freqtrade's trades, by trade id."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as connection:
        return dict(connection.execute(f"SELECT id, {column} FROM trades").fetchall())
