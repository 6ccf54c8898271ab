"""Columns from SQL: the same trades as the objects, whatever somebody has done to the rows."""

from __future__ import annotations

import math
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from freqfleet.store.sql import SqlStore
from freqfleet.store.sql_trade_columns import ROWS_AT_ONCE
from freqfleet.testing.trade_rows import rows_of, rows_of_trades
from freqfleet.testing.trades import closed_trade

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
LAST_MS = 253_402_300_799_999


def edited(file: Path, changes: dict[int, tuple[str, object]]) -> None:
    """Change columns of some trades by hand."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for trade_id, (column, value) in changes.items():
            connection.execute(f"UPDATE closed_trades SET {column} = ? WHERE trade_id = ?", (value, trade_id))


@pytest.fixture(scope="module")
def forty(tmp_path_factory) -> Path:
    """A store of forty trades of three bots, eight to a moment."""
    file = tmp_path_factory.mktemp("forty") / "learning.sqlite"
    store = SqlStore(f"sqlite:///{file}")
    store.record_closed_trades(
        [
            closed_trade(trade_id=number, bot=f"BOT{number % 3 + 1}", closed_at=NOON + timedelta(number % 5))
            for number in range(40)
        ]
    )
    store.close()
    return file


@pytest.fixture
def file(forty: Path, tmp_path: Path) -> Path:
    return shutil.copy(forty, tmp_path / "learning.sqlite")


WHOLE = st.one_of(
    st.integers(-(2**62), 2**62), st.sampled_from([0, -1, LAST_MS, LAST_MS + 1, -62_135_596_800_001])
)
NUMBERS = st.one_of(
    st.floats(allow_nan=False), WHOLE, st.sampled_from(["", "x", "1.5", b"1.5", -1.0, 0.0, 0.5, 1.0])
)
NAMES = st.sampled_from(["", "BTC/USDT:USDT", "btc", "LONG", "short", "live", "wishful", b"x", "ETH/USDT"])
RATIOS = ["leverage", "open_rate", "close_rate", "margin_profit_ratio"]
CHANGES = st.dictionaries(
    st.integers(0, 39),
    st.one_of(
        st.tuples(st.sampled_from(RATIOS), NUMBERS),
        st.tuples(st.sampled_from(["opened_ms", "closed_ms"]), WHOLE),
        st.tuples(st.sampled_from(["pair", "side", "mode", "bot", "instance"]), NAMES),
    ),
    max_size=4,
)


# What lies just outside of each bound, which chance seldom meets.
@example({7: ("leverage", 0.5)})
@example({7: ("leverage", math.inf)})
@example({7: ("open_rate", 0.0)})
@example({7: ("open_rate", math.inf)})
@example({7: ("close_rate", 0.0)})
@example({7: ("close_rate", math.inf)})
@example({7: ("margin_profit_ratio", math.inf)})
@example({7: ("margin_profit_ratio", -math.inf)})
@example({7: ("closed_ms", LAST_MS + 1)})
@example({7: ("opened_ms", -62_135_596_800_001)})
@example({7: ("closed_ms", 0)})
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_columns_use_and_skip_the_rows_that_objects_do(forty: Path, tmp_path: Path, changes):
    file = shutil.copy(forty, tmp_path / "learning.sqlite")
    edited(file, changes)
    by_columns, by_objects = (SqlStore(f"sqlite:///{file}") for _ in range(2))
    try:
        assert rows_of(by_columns.trade_columns()) == rows_of_trades(by_objects.closed_trades())
        assert by_columns.unusable_rows == by_objects.unusable_rows
    finally:
        by_columns.close()
        by_objects.close()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("stake_quote", "much", "stake_quote must be a number, was 'much'"),
        ("trade_id", 1.5, "trade_id must be a whole number, was 1.5"),
    ],
)
def test_what_no_column_of_numbers_holds_is_skipped_with_the_reason(file, column, value, reason):
    edited(file, {7: (column, value)})
    store = SqlStore(f"sqlite:///{file}")

    columns = store.trade_columns()

    assert len(columns) == 39
    assert list(store.unusable_rows.values()) == [reason]
    store.close()


def test_a_name_of_skipped_trades_only_is_not_among_the_names(file):
    edited(file, {7: ("bot", "BOT9")})
    edited(file, {7: ("pair", "btc")})  # looked at after the bot
    store = SqlStore(f"sqlite:///{file}")

    columns = store.trade_columns()

    assert columns.bots == ("BOT1", "BOT2", "BOT3")
    assert columns.bot_counts() == {"BOT1": 14, "BOT2": 12, "BOT3": 13}
    store.close()


def test_a_bad_row_in_one_of_several_chunks_costs_that_row_alone(tmp_path):
    file = tmp_path / "learning.sqlite"
    store = SqlStore(f"sqlite:///{file}")
    count = 2 * ROWS_AT_ONCE + 3
    store.record_closed_trades(
        [closed_trade(trade_id=number, pair=f"C{number % 7}/USDT:USDT") for number in range(count)]
    )
    edited(file, {ROWS_AT_ONCE + 1: ("open_rate", -1.0)})

    columns = store.trade_columns()

    assert columns.trade_id.tolist() == [one for one in range(count) if one != ROWS_AT_ONCE + 1]
    assert len(columns.pairs) == 7
    store.close()
