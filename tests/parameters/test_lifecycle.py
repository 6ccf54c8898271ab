from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.lifecycle import (
    check_takes_effect,
    find_version,
    retired,
    retracted,
    rolled_back,
)
from freqfleet.parameters.version import ParameterVersion, Stage
from freqfleet.testing.trades import version

DAY = timedelta(days=1)
MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
FRIDAY = MONDAY + 4 * DAY
FIRST = version(recorded_at=MONDAY, take_profit=0.04, evidence=Evidence(trades=200, p_value=0.001))
SECOND = version(
    recorded_at=MONDAY + DAY, take_profit=0.08, evidence=Evidence(parent_version=FIRST.version_id)
)


def book(*versions: ParameterVersion) -> ParameterBook:
    return ParameterBook(versions, defaults=ExitParameters(stop_loss=-0.03, take_profit=0.03))


def in_force(at: datetime, *versions: ParameterVersion) -> float:
    return book(*versions).resolve("BTC/USDT:USDT", Side.LONG, 3.0, at).parameters.take_profit


def test_a_rollback_puts_the_old_values_in_force_from_now_on_and_leaves_the_past():
    change = rolled_back(FIRST, book(FIRST, SECOND), at=FRIDAY, note="drawdown of Thursday")

    history = (FIRST, SECOND, change)
    assert [in_force(at, *history) for at in (MONDAY, MONDAY + DAY, FRIDAY - DAY / 24, FRIDAY)] == [
        0.04,
        0.08,
        0.08,
        0.04,
    ]


def test_a_rollback_says_what_it_goes_back_to_and_keeps_the_evidence_of_the_values():
    change = rolled_back(FIRST, book(FIRST, SECOND), at=FRIDAY, note="drawdown of Thursday")

    assert change.evidence == replace(
        FIRST.evidence,
        rolls_back_to=FIRST.version_id,
        parent_version=SECOND.version_id,
        note="drawdown of Thursday",
    )
    assert (change.recorded_at, change.learned_until) == (FRIDAY, FIRST.learned_until)
    assert change.version_id not in {FIRST.version_id, SECOND.version_id}


def test_values_that_are_in_force_are_not_rolled_back_to():
    with pytest.raises(ParameterError, match=f"version {SECOND.version_id} are in force .* already"):
        rolled_back(SECOND, book(FIRST, SECOND), at=FRIDAY)


@pytest.mark.parametrize(
    ("stage", "said"), [(Stage.RETIRED, "is a retirement"), (Stage.CANDIDATE, "never was in force")]
)
def test_only_a_champion_is_rolled_back_to(stage, said):
    with pytest.raises(ParameterError, match=said):
        rolled_back(replace(FIRST, stage=stage), book(SECOND), at=FRIDAY)


def test_after_a_retirement_the_chain_goes_on_to_the_defaults():
    change = retired(SECOND, book(FIRST, SECOND), at=FRIDAY, note="delisted soon")

    assert in_force(FRIDAY - DAY, FIRST, SECOND, change) == 0.08
    assert in_force(FRIDAY, FIRST, SECOND, change) == 0.03
    assert (change.evidence.parent_version, change.evidence.note) == (SECOND.version_id, "delisted soon")


def test_a_retired_value_can_be_rolled_back_to():
    retirement = retired(SECOND, book(FIRST, SECOND), at=FRIDAY)
    history = (FIRST, SECOND, retirement)

    again = rolled_back(SECOND, book(*history), at=FRIDAY + DAY)

    assert again.evidence.parent_version is None
    assert in_force(FRIDAY + DAY, *history, again) == 0.08


def test_what_is_not_in_force_cannot_be_retired():
    with pytest.raises(
        ParameterError, match=f"{FIRST.version_id} is not in force .* version {SECOND.version_id} is"
    ):
        retired(FIRST, book(FIRST, SECOND), at=FRIDAY)
    with pytest.raises(ParameterError, match="nothing is"):
        retired(FIRST, book(), at=FRIDAY)


def test_a_decayed_champion_gives_way_to_its_parent():
    change = retracted(SECOND, [FIRST, SECOND], book(FIRST, SECOND), at=FRIDAY, note="decay z 3.1")

    assert (change.stage, change.parameters, change.evidence.note) == (
        Stage.CHAMPION,
        FIRST.parameters,
        "decay z 3.1",
    )


@pytest.mark.parametrize(
    "parent",
    [None, replace(FIRST, stage=Stage.RETIRED), replace(FIRST, key=replace(FIRST.key, side=Side.SHORT))],
    ids=["unknown", "retired", "of another side"],
)
def test_a_decayed_champion_without_a_usable_parent_is_retired(parent):
    champion = replace(
        SECOND, evidence=Evidence(parent_version=parent.version_id if parent is not None else "gone")
    )
    known = [champion] if parent is None else [parent, champion]

    change = retracted(champion, known, book(*known), at=FRIDAY, note="decay")

    assert change.stage is Stage.RETIRED
    assert in_force(FRIDAY, *known, change) == 0.03


def test_a_recording_of_the_future_is_refused_because_it_would_win_at_once():
    ahead = version(recorded_at=FRIDAY + DAY, take_profit=0.09)
    change = rolled_back(FIRST, book(FIRST, SECOND), at=FRIDAY)

    with pytest.raises(ParameterError, match="recorded at 2025-11-08T00:00:00Z, this clock says 2025-11-07T"):
        check_takes_effect(change, [FIRST, SECOND, ahead])


def test_an_announced_version_is_told_and_other_keys_are_not():
    announced = version(recorded_at=MONDAY, valid_from=FRIDAY + DAY, take_profit=0.09)
    other = version(recorded_at=MONDAY, valid_from=FRIDAY + DAY, side=Side.SHORT)
    change = rolled_back(FIRST, book(FIRST, SECOND), at=FRIDAY)

    assert check_takes_effect(change, [FIRST, SECOND, announced, other]) == (announced,)


def test_a_version_is_found_by_the_beginning_of_its_id():
    assert find_version([FIRST, SECOND], FIRST.version_id[:6].upper()) is FIRST


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("", "at least 4 characters"), ("abc", "at least 4 characters"), ("zzzzzz", "no version 'zzzzzz'")],
)
def test_a_version_that_cannot_be_told_is_refused(wanted, said):
    with pytest.raises(ParameterError, match=said):
        find_version([FIRST, SECOND], wanted)


def test_an_id_that_several_versions_begin_with_is_refused():
    many = [version(run_id=f"run-{number}") for number in range(2000)]
    ids = sorted(one.version_id for one in many)
    shared = next(a[:4] for a, b in pairwise(ids) if a[:4] == b[:4])

    with pytest.raises(ParameterError, match="is the beginning of"):
        find_version(many, shared)
