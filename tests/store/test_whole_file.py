"""write_whole: the old text or the new one."""

from __future__ import annotations

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
