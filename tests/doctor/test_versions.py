from __future__ import annotations

import pytest

from freqfleet.doctor.findings import State, failed
from freqfleet.doctor.versions import check_versions, freqtrade_finding
from freqfleet.errors import StoreUnavailable


def test_this_environment_has_what_the_fleet_needs() -> None:
    found = list(check_versions())

    assert [one for one in found if one.state is State.FAIL] == []
    assert {"python", "freqfleet", "freqtrade", "optuna"} <= {one.subject for one in found}


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, State.FAIL),
        ("2025.12", State.FAIL),
        ("2026.8.1", State.FAIL),
        ("2026.9", State.OK),
        ("2026.9.2", State.OK),
        ("2026.10", State.NOTE),
        ("2027.1-dev", State.NOTE),
        ("develop", State.FAIL),
    ],
)
def test_freqtrade_is_as_new_as_what_was_tested(found: str | None, state: State) -> None:
    finding = freqtrade_finding(found)

    assert finding.state is state
    assert bool(finding.remedy) == (state is not State.OK)


def test_an_error_becomes_one_line_with_its_own_remedy() -> None:
    finding = failed("store", StoreUnavailable("it is\n  locked; try again"), remedy="ours")

    assert (finding.text, finding.remedy) == ("it is locked", "try again")


@pytest.mark.parametrize("text", ["it is locked", ""])
def test_an_error_without_a_remedy_gets_ours(text: str) -> None:
    finding = failed("store", StoreUnavailable(text), remedy="ours")

    assert finding.text
    assert finding.remedy == "ours"
