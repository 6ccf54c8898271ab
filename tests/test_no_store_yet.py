"""A bot that starts before the first `freqfleet sync` trades on its defaults, and calmly."""

from __future__ import annotations

from pathlib import Path

import pytest

from freqfleet.settings import load_settings
from freqfleet.wiring import open_store
from freqfleet.wiring.books import book_keeper, book_line


def test_a_first_start_says_that_there_is_no_store_yet_and_finds_the_one_that_sync_makes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="freqfleet")
    settings = load_settings(tmp_path)
    books = book_keeper("BOT3", settings, trading=True)
    books.start()
    books.stop()
    first = book_line(books, settings)

    open_store(settings).close()
    found = books.refresh()

    assert first == (
        f"trading on the defaults: no learning store at {tmp_path / 'learning.sqlite'}; "
        "`freqfleet sync` makes one"
    )
    assert found
    assert [one.levelname for one in caplog.records] == ["INFO"]
    assert book_line(books, settings) == "Loaded Optuna params for 0 pairs (0 versions in force)"
