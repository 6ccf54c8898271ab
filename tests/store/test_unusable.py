"""A stored row that no value can be made of is skipped, told once, and kept with its reason."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from freqfleet.store.rows import StoredRow
from freqfleet.store.unusable import UnusableRows


def number(row: StoredRow) -> int:
    return int(row.text)


def label(row: StoredRow) -> str:
    return f"row {row.text!r}"


def test_what_can_be_read_is_read_and_the_rest_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    unusable = UnusableRows("the store")
    rows = [SimpleNamespace(text=text) for text in ("1", "one", "3")]

    found = [list(unusable.usable(rows, number, label)) for _ in range(2)]

    assert found == [[1, 3], [1, 3]]
    assert unusable.reasons == {"row 'one'": "invalid literal for int() with base 10: 'one'"}
    told = [one.getMessage() for one in caplog.records]
    assert told == ["the store: row 'one' is not used: invalid literal for int() with base 10: 'one'"]


def test_a_fault_of_the_program_is_not_taken_for_one_of_the_row() -> None:
    def wrong(row: StoredRow) -> int:
        return int(row.no_such_column)

    with pytest.raises(AttributeError):
        list(UnusableRows("the store").usable([SimpleNamespace(text="1")], wrong, label))
