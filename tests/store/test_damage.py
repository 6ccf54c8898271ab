"""A damaged SQLite file: found wherever the damage lies, moved aside, never lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.errors import StoreDamaged, StoreUnavailable
from freqfleet.store.damage import inode, look_through, move_aside
from freqfleet.store.sql import SqlStore
from freqfleet.testing.spoiled_file import spoil_table

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    SqlStore(f"sqlite:///{tmp_path / 'learning.sqlite'}").close()
    return tmp_path / "learning.sqlite"


def test_a_whole_file_is_looked_through_in_silence(file: Path) -> None:
    look_through(file, 1.0)

    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("table", ["closed_trades", "bin_records", "freqfleet_schema"])
def test_damage_is_found_in_every_table(file: Path, table: str) -> None:
    spoil_table(file, table)

    with pytest.raises(StoreDamaged, match=r"it is damaged.*; run `freqfleet sync`, which moves it aside"):
        look_through(file, 1.0)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        look_through(tmp_path / "none.sqlite", 1.0)

    assert list(tmp_path.iterdir()) == []


def test_what_belongs_to_the_file_goes_with_it(file: Path) -> None:
    file.with_name(file.name + "-wal").write_bytes(b"wal")

    away = move_aside(file, inode(file), NOON)

    assert away == file.with_name("learning.sqlite.damaged-20251101T120000Z")
    assert sorted(one.name for one in file.parent.iterdir()) == [away.name, away.name + "-wal"]


def test_two_files_of_one_second_are_both_kept(file: Path) -> None:
    first = move_aside(file, inode(file), NOON)
    file.write_text("second", encoding="utf-8")

    second = move_aside(file, inode(file), NOON)

    assert first is not None
    assert second is not None
    assert first.read_bytes().startswith(b"SQLite format 3")
    assert second.read_text(encoding="utf-8") == "second"


def test_a_file_that_was_replaced_meanwhile_is_left_alone(file: Path) -> None:
    seen = inode(file)
    file.rename(file.with_name("other.sqlite"))
    file.write_text("new", encoding="utf-8")

    assert move_aside(file, seen, NOON) is None
    assert move_aside(file, None, NOON) is None
    assert file.read_text(encoding="utf-8") == "new"
