"""write_whole: the old text or the new one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from freqfleet.store.whole_file import write_whole


def test_folders_are_made_and_nothing_is_left_beside(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.json"

    write_whole(file, "one")
    write_whole(file, "two")

    assert file.read_text(encoding="utf-8") == "two"
    assert list(file.parent.iterdir()) == [file]


def test_a_write_that_fails_leaves_the_old_text(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    write_whole(file, "one")

    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "\ud800")

    assert file.read_text(encoding="utf-8") == "one"
    assert list(tmp_path.iterdir()) == [file]


def test_of_writers_at_once_each_writes_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "b.json"
    texts = [letter * 100_000 for letter in "abcd"]

    def write_and_read(text: str) -> str:
        write_whole(file, text)
        return file.read_text(encoding="utf-8")

    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(write_and_read, texts * 10))

    assert set(found) <= set(texts)
    assert list(tmp_path.iterdir()) == [file]
