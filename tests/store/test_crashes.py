"""A few rounds of kill -9 on SQLite, and six processes for a moment; `make bench-store` runs them in full."""

from __future__ import annotations

from pathlib import Path

from freqfleet.store.sql import SqlStore
from freqfleet.testing.crash_rounds import crash_rounds
from freqfleet.testing.fleet_load import ROLES, run_fleet


def test_nothing_acknowledged_is_lost_or_doubled_when_writers_and_bots_are_killed(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'learning.sqlite'}"

    result = crash_rounds(tmp_path, url, rounds=4, seed=5)

    assert result.acknowledged > 4
    assert set(result.kills) == {"bot", "writer"}
    assert (result.lost, result.doubled) == ((), ())


def test_six_processes_share_a_new_store_without_an_error(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'learning.sqlite'}"

    results = run_fleet(url, seconds=1.0)

    assert [(one.role, one.error) for one in results] == [(role, "") for role in ROLES]
    store = SqlStore(url)
    for one in results[:3]:
        assert len(store.closed_trades(bots=[one.role])) == len(one.writes_ms) > 0
    store.close()
