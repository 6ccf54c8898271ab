from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.leverage_bins import leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage

DAY = datetime(2025, 11, 1, tzinfo=UTC)
KEY = ParameterKey(side=Side.LONG, pair="BTC/USDT:USDT")
VERSION = ParameterVersion(
    key=KEY,
    parameters=ExitParameters(stop_loss=-0.02, take_profit=0.04),
    source=ExitSource.OPTUNA,
    valid_from=DAY,
    recorded_at=DAY,
    learned_until=DAY,
    run_id="run-1",
)


def test_equal_content_is_the_same_version():
    again = replace(VERSION)

    assert again.version_id == VERSION.version_id
    assert len(VERSION.version_id) == 12
    assert set(VERSION.version_id) <= set("0123456789abcdef")


def test_the_id_is_the_same_in_every_process_and_release():
    # Written down, because stores of people hold it. If it must change, migrate them.
    assert VERSION.version_id == "088f3785b5a4"


@pytest.mark.parametrize(
    "changes",
    [
        {"key": replace(KEY, side=Side.SHORT)},
        {"key": replace(KEY, pair="ETH/USDT:USDT")},
        {"key": replace(KEY, pair=None)},
        {"key": replace(KEY, leverage_bin=leverage_bin(3.0))},
        {"parameters": ExitParameters(stop_loss=-0.02, take_profit=0.041)},
        {"source": ExitSource.BIN},
        {"valid_from": DAY + timedelta(hours=1)},
        {"recorded_at": DAY + timedelta(hours=1)},
        {"learned_until": DAY - timedelta(hours=1)},
        {"run_id": "run-2"},
        {"stage": Stage.RETIRED},
        {"evidence": Evidence(trades=1)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_content_is_another_version(changes):
    assert replace(VERSION, **changes).version_id != VERSION.version_id


def test_the_same_moment_in_another_zone_is_the_same_version():
    eastern = timezone(timedelta(hours=-5))

    assert replace(VERSION, valid_from=DAY.astimezone(eastern)).version_id == VERSION.version_id


@pytest.mark.parametrize(
    ("valid_from", "recorded_at", "effective_from"),
    [
        (DAY, DAY + timedelta(days=2), DAY + timedelta(days=2)),  # back-filled: not seen before it was known
        (DAY + timedelta(days=2), DAY, DAY + timedelta(days=2)),  # announced: not seen before it applies
        (DAY, DAY, DAY),
    ],
)
def test_a_version_is_seen_from_the_later_of_its_two_times(valid_from, recorded_at, effective_from):
    version = replace(VERSION, valid_from=valid_from, recorded_at=recorded_at)

    assert version.effective_from == effective_from


def test_defaults_are_not_published():
    with pytest.raises(ParameterError, match="BTC/USDT:USDT long: defaults are settings"):
        replace(VERSION, source=ExitSource.DEFAULT)


@pytest.mark.parametrize("name", ["valid_from", "recorded_at", "learned_until"])
def test_a_time_without_zone_is_refused_by_name(name):
    with pytest.raises(ParameterError, match=f"{name} needs a zone"):
        replace(VERSION, **{name: DAY.replace(tzinfo=None)})


def test_a_key_for_no_real_pair_is_refused():
    with pytest.raises(InputError, match="not a pair"):
        ParameterKey(side=Side.LONG, pair="BTC' OR 1=1")


@pytest.mark.parametrize(
    ("key", "label"),
    [
        (KEY, "BTC/USDT:USDT long"),
        (replace(KEY, leverage_bin=leverage_bin(2.0)), "BTC/USDT:USDT long 2.0-3.5"),
        (ParameterKey(side=Side.SHORT), "every pair short"),
    ],
)
def test_reports_name_a_key_in_words(key, label):
    assert key.label == label


def test_evidence_that_was_not_measured_takes_no_part_in_the_id():
    measured = replace(VERSION, evidence=replace(VERSION.evidence, p_value=0.01))

    assert measured.version_id != VERSION.version_id
    assert (
        replace(measured, evidence=replace(measured.evidence, p_value=None)).version_id == VERSION.version_id
    )


def test_every_field_of_evidence_that_was_measured_takes_part_in_the_id():
    measured = {"t_value": 2.0, "boundary": (), "plateau_widths": {"stop_loss": (-0.03, -0.02)}, "note": "x"}

    ids = {
        replace(VERSION, evidence=Evidence(**{name: value})).version_id for name, value in measured.items()
    }

    assert len(ids | {VERSION.version_id}) == 5
