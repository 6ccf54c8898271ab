"""`freqfleet walk-forward` as a person calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from freqfleet.clock import iso
from freqfleet.settings import load_settings
from freqfleet.testing.trades import version
from freqfleet.wiring import open_store
from replaycases import WAVE_CANDLES, after, waves
from wavingfleets import WAVES, published, write_fleet

Run = Callable[..., tuple[int, str, str]]
PEAKS = np.random.default_rng(3).normal(0.07, 0.02, WAVES).clip(0.03, 0.14)
WAVE_MINUTES = 5 * WAVE_CANDLES
FIRST, LAST = (iso(after(WAVE_MINUTES * wave)) for wave in (34, WAVES + 2))
SPAN = ("--from", FIRST, "--to", LAST, "--every", "4d")
FLEET = """
[optimizer]
time_limit_minutes = [240]
min_trades = 40
trials = 20
[defaults]
time_limit_minutes = 240
"""


@pytest.fixture
def fleet(userdir: Path) -> Path:
    """A userdir whose BTC trades a wider target would improve."""
    candles, trades = waves(PEAKS)
    return write_fleet(userdir, FLEET, [(candles, [replace(one, instance="db:1") for one in trades])])


def test_publishes_each_version_at_its_step_and_ends_with_0(run: Run, fleet: Path) -> None:
    code, out, _ = run("walk-forward", *SPAN)

    stored = published(fleet)
    assert code == 0
    assert len(stored) >= 1
    assert {one.recorded_at for one in stored} <= {
        after(WAVE_MINUTES * (34 + 24 * step)) for step in range(3)
    }
    assert f"{len(stored)} version" in out
    assert "in 3 steps" in out


def test_the_same_command_again_changes_nothing(run: Run, fleet: Path) -> None:
    run("walk-forward", *SPAN)
    before = published(fleet)

    code, out, _ = run("walk-forward", *SPAN)

    assert (code, published(fleet)) == (0, before)
    assert f"{len(before)} version and" in out
    assert "5 of 5" in out  # at the step of the version: it, and four levels of bins


def test_two_workers_publish_what_one_does(run: Run, fleet: Path) -> None:
    run("walk-forward", *SPAN, "--jobs", "2")
    by_two = published(fleet)

    code, _, err = run("walk-forward", *SPAN)  # refuses a step that it would decide otherwise

    assert by_two
    assert (code, published(fleet)) == (0, by_two), err


def test_json_to_stdout_is_the_whole_of_it(run: Run, fleet: Path) -> None:
    code, out, _ = run("walk-forward", *SPAN, "--json", "-")

    document = json.loads(out)
    assert code == 0
    assert document["schema"] == 1
    assert document["steps"][0]["as_of"] == FIRST
    assert document["versions"] == len(published(fleet))


@pytest.mark.parametrize(("columns", "retracted"), [(80, 0), (120, 1)])
def test_the_table_fits_its_terminal(
    run: Run, fleet: Path, monkeypatch: pytest.MonkeyPatch, columns: int, retracted: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    _, out, _ = run("walk-forward", "--from", LAST, "--to", LAST)

    head, row, *rest = re.sub(r"\x1b\[[0-9;]*m", "", out).splitlines()
    assert max(len(line.rstrip()) for line in (head, row, *rest)) <= columns
    assert (head.count("Published"), head.count("Retracted")) == (1, retracted)
    assert ("also show: Retracted, Seconds, Bin exits, Stored before" in rest[0]) is (columns == 80)


def test_what_every_step_has_to_say_is_said_once(run: Run, fleet: Path, caplog) -> None:
    (fleet / "config" / "fleet.toml").write_text(f'{FLEET}[gate]\nmethod = "holdout"\n')

    _, out, _ = run("walk-forward", *SPAN)

    said = "[gate] method is holdout"
    notes = [line for line in out.splitlines() if said in line]
    assert len(notes) == 2  # of pairs, and of bins
    assert all(line.startswith("note, in 3 steps: ") for line in notes)
    assert not [one for one in caplog.records if one.levelname == "WARNING" and said in one.getMessage()]


def test_ends_with_1_where_nothing_was_published(run: Run, fleet: Path) -> None:
    code, out, _ = run("walk-forward", "--from", FIRST, "--to", FIRST)

    assert code == 1
    assert f"no exits were published: `freqfleet optimize --dry-run --as-of {FIRST}` says why" in out
    assert "0 versions and 4 bin records in 1 step" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "yesterday", "--to", LAST), "not a time: 'yesterday'"),
        (("--from", LAST, "--to", FIRST), "before it begins"),
        (("--from", FIRST, "--to", "2100-01-01"), "lies in the future"),
        ((*SPAN[:4], "--every", "week"), "not a period: 'week'; write 7d or 12h"),
        ((*SPAN[:4], "--every", "0d"), "--every must be an hour or more"),
        ((*SPAN[:4], "--every", "99999999999d"), "too long a period"),
        (("--from", "2020-01-01", "--to", "2020-02-01"), "nothing to learn from"),
        ((*SPAN, "--search", "magic"), "no search 'magic'"),
    ],
)
def test_wrong_arguments_end_with_2_and_one_sentence(
    run: Run, fleet: Path, options: tuple[str, ...], said: str
) -> None:
    code, _, err = run("walk-forward", *options)

    assert code == 2
    assert said in err
    assert "Traceback" not in err
    assert published(fleet) == []


def test_a_store_with_a_live_history_inside_the_span_is_refused(run: Run, fleet: Path) -> None:
    store = open_store(load_settings(fleet))
    store.publish_parameters([version(recorded_at=after(WAVE_MINUTES * 40), run_id="live")])
    store.close()

    code, _, err = run("walk-forward", *SPAN)

    assert code == 2
    assert "versions of other runs (1)" in err
    assert "--store sqlite:///FILE walk-forward" in err
