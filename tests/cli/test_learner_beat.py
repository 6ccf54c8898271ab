"""The heartbeat of a learner that is started by hand or by a timer."""

from __future__ import annotations

from pathlib import Path

import pytest

from freqfleet.cli.learner_beat import give_beat
from freqfleet.settings import load_settings
from freqfleet.store.heartbeat import heartbeats


def test_it_says_what_was_learned_and_promises_no_next_one(userdir: Path):
    give_beat(load_settings(userdir), "optimize", "learned from 80 trades")

    (beat,) = heartbeats(userdir / "heartbeats")
    assert (beat.service, beat.said, beat.every_seconds) == ("optimize", "learned from 80 trades", None)


def test_a_folder_that_cannot_be_written_is_said_and_ends_nothing(
    userdir: Path, capsys: pytest.CaptureFixture[str]
):
    (userdir / "heartbeats").write_text("a file where the folder should be", encoding="utf-8")

    give_beat(load_settings(userdir), "optimize", "learned from 80 trades")

    assert capsys.readouterr().err == f"no heartbeat, {userdir / 'heartbeats'}: File exists\n"
