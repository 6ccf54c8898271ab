"""All results of a folder: every entry of a bot once, in whatever order the results come."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.testing.memory_store import MemoryStore
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.backtest_folder import open_folder, record_entries_once
from freqfleet.trades.reading import Reading

START = datetime(2025, 10, 1, tzinfo=UTC)


def reading(instance: str, hours: list[int], *, bot: str = "BOT1", minutes: int = 30) -> Reading:
    """A result with an entry at each of these hours."""
    trades = tuple(
        closed_trade(
            bot=bot,
            instance=f"backtest:{instance}",
            trade_id=number,
            mode=TradeMode.BACKTEST,
            opened_at=START + timedelta(hours=hour),
            closed_at=START + timedelta(hours=hour, minutes=minutes),
        )
        for number, hour in enumerate(hours, start=1)
    )
    return Reading(bot=bot, source=instance, trades=trades)


def hours_in(store: MemoryStore, bot: str = "BOT1") -> list[int]:
    return sorted(
        int((one.opened_at - START) / timedelta(hours=1)) for one in store.closed_trades(bots=[bot])
    )


def test_of_overlapping_results_the_first_one_given_brings_the_trade():
    store = MemoryStore()

    newest, older = record_entries_once(
        store, [reading("new", [1, 2, 3], minutes=20), reading("old", [0, 1, 2])]
    )

    assert (newest.read, newest.accepted, newest.duplicate) == (3, 3, 0)
    assert (older.read, older.accepted, older.duplicate) == (3, 1, 2)
    assert hours_in(store) == [0, 1, 2, 3]
    held_one = {(one.closed_at - one.opened_at).seconds // 60 for one in store.closed_trades()[1:]}
    assert held_one == {20}


def test_a_later_sync_leaves_what_is_stored():
    store = MemoryStore()
    list(record_entries_once(store, [reading("old", [0, 1])]))

    (newer, again) = record_entries_once(store, [reading("new", [0, 1, 2]), reading("old", [0, 1])])

    assert (again.read, again.accepted, again.duplicate) == (2, 0, 2)
    assert (newer.read, newer.accepted, newer.duplicate) == (3, 1, 2)
    assert hours_in(store) == [0, 1, 2]


def test_other_bots_sides_and_live_trades_are_other_entries():
    store = MemoryStore()
    live = closed_trade(bot="BOT1", opened_at=START, closed_at=START + timedelta(minutes=30))
    store.record_closed_trades([live])
    short = [
        closed_trade(
            bot="BOT1", instance="backtest:s", side=Side.SHORT, mode=TradeMode.BACKTEST,
            opened_at=START, closed_at=START + timedelta(minutes=30),
        )
    ]  # fmt: skip

    reports = list(
        record_entries_once(
            store,
            [
                reading("a", [0]),
                reading("b", [0], bot="BOT2"),
                Reading(bot="BOT1", source="s", trades=tuple(short)),
            ],
        )
    )

    assert [one.accepted for one in reports] == [1, 1, 1]
    assert len(store.closed_trades()) == 4


@given(
    results=st.lists(st.lists(st.integers(0, 12), unique=True, max_size=8), min_size=1, max_size=5),
    syncs=st.integers(1, 3),
    data=st.data(),
)
def test_every_entry_is_stored_exactly_once(results: list[list[int]], syncs: int, data: st.DataObject):
    store = MemoryStore()
    readings = [reading(str(number), sorted(hours)) for number, hours in enumerate(results)]

    for _ in range(syncs):
        for report in record_entries_once(store, data.draw(st.permutations(readings))):
            assert report.read == report.accepted + report.amended + report.duplicate

    assert hours_in(store) == sorted({hour for hours in results for hour in hours})


def result_file(file: Path, *, age_minutes: int = 0, content: str | None = None) -> Path:
    file.write_text(content or json.dumps({"strategy": {"S": {"trades": []}}}))
    at = START.timestamp() - 60 * age_minutes
    os.utime(file, (at, at))
    return file


def test_a_folder_gives_its_results_newest_first_and_says_what_is_none(tmp_path: Path):
    old = result_file(tmp_path / "backtest-result-a.json", age_minutes=9)
    new = result_file(tmp_path / "backtest-result-b.json")
    other = result_file(tmp_path / "config.json", content="{}")
    result_file(tmp_path / "backtest-result-a.meta.json", content="{}")
    result_file(tmp_path / ".last_result.json", content="{}")
    result_file(tmp_path / "freqtrade.log", content="log")

    found = open_folder(tmp_path)

    assert [one.path for one in found.exports] == [new, old]
    assert list(found.unreadable) == [other]
    assert 'has no "strategy" section' in found.unreadable[other]


def test_a_folder_without_results_is_refused(tmp_path: Path):
    with pytest.raises(TradeSourceError, match=f"no backtest result in {tmp_path}$"):
        open_folder(tmp_path)
    result_file(tmp_path / "config.json", content="{}")
    with pytest.raises(TradeSourceError, match=r"no backtest result in .*config.json is not a backtest"):
        open_folder(tmp_path)
    with pytest.raises(TradeSourceError, match="is no folder"):
        open_folder(tmp_path / "config.json")
