"""OneAtATime: the second of a service is told which one runs."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.errors import InputError
from freqfleet.store.one_at_a_time import OneAtATime

NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)


def test_the_second_is_refused_and_told_who_runs(tmp_path: Path):
    file = tmp_path / "beats" / "controller.lock"

    said = (
        re.escape(f"another controller runs: process {os.getpid()} on ") + r"\S+ since 2025-11-01T12:00:00Z; "
    )
    with OneAtATime(file, "controller", NOON), pytest.raises(InputError, match=said):
        OneAtATime(file, "controller", NOON).__enter__()


def test_after_the_first_has_ended_the_next_one_runs(tmp_path: Path):
    file = tmp_path / "controller.lock"
    with OneAtATime(file, "controller", NOON):
        pass

    with OneAtATime(file, "controller", NOON):
        assert str(os.getpid()) in file.read_text()
    assert file.read_text() == ""


def test_a_lock_whose_holder_died_is_free(tmp_path: Path):
    file = tmp_path / "controller.lock"
    file.write_text('{"pid": 1, "host": "elsewhere", "since": "2020-01-01T00:00:00Z"}')

    with OneAtATime(file, "controller", NOON):
        assert "elsewhere" not in file.read_text()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "beats").write_text("a file where the folder should be")

    with pytest.raises(InputError, match="cannot be written"):
        OneAtATime(tmp_path / "beats" / "controller.lock", "controller", NOON).__enter__()
