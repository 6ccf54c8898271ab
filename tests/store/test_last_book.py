from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.store.last_book import LastBook
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import version

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)


def test_what_was_saved_comes_back_equal_and_newer_replaces_it(tmp_path: Path):
    book = LastBook(tmp_path / "books" / "BOT1.json", store="store A")
    book.save([version()], NOON)
    book.save([version(), version(pair=None, run_id="two")], NOON.replace(hour=13))

    saved = book.load()

    assert saved is not None
    assert saved.versions == (version(), version(pair=None, run_id="two"))
    assert saved.saved_at == NOON.replace(hour=13)
    assert [one.name for one in book.file.parent.iterdir()] == ["BOT1.json"]


def test_bin_records_are_saved_beside_the_versions(tmp_path: Path):
    book = LastBook(tmp_path / "BOT1.json", store="store A")
    records = (bin_record(), bin_record(pair="BTC/USDT:USDT", step=LEVERAGE_BINS[1]))

    book.save([version()], NOON, records)

    saved = book.load()
    assert saved is not None
    assert saved.records == records


def test_no_file_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert LastBook(tmp_path / "BOT1.json", store="store A").load() is None
    assert caplog.text == ""


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-20],
        lambda content: content.replace(b"-0.02", b"-0.29"),
        lambda content: b"",
        lambda content: b"\xff\xfe" + content,
        lambda content: b"null",
    ],
    ids=["cut off", "a number", "empty", "bytes", "null"],
)
def test_a_damaged_file_is_ignored_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture, damage):
    book = LastBook(tmp_path / "BOT1.json", store="store A")
    book.save([version()], NOON)
    whole = book.file.read_bytes()
    book.file.write_bytes(damage(whole))

    assert book.file.read_bytes() != whole
    assert book.load() is None
    assert f"the last good parameters in {book.file} are not used" in caplog.text


def test_the_versions_of_another_store_are_not_used(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    LastBook(tmp_path / "BOT1.json", store="store A").save([version()], NOON)

    assert LastBook(tmp_path / "BOT1.json", store="store B").load() is None
    assert "it is of store A, [store] url is store B" in caplog.text


def test_a_place_that_cannot_be_written_is_said_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "books").write_text("a file where the folder should be")

    LastBook(tmp_path / "books" / "BOT1.json", store="store A").save([version()], NOON)

    assert "could not be saved" in caplog.text
