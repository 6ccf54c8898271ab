from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.report import comparison, demo_page
from freqfleet.report.demo_page import Phase, from_json, to_json
from freqfleet.testing.pages import made_up_page

ONE_PAIR = made_up_page(pairs=1)
PAGE_CLASSES = [
    value
    for module in (demo_page, comparison)
    for value in vars(module).values()
    if dataclasses.is_dataclass(value) and value.__module__ == module.__name__
]


@pytest.mark.parametrize("page_class", PAGE_CLASSES)
def test_every_field_of_a_page_class_is_explained(page_class: Any) -> None:
    explained = set(re.findall(r"^\s+(\w+) : ", page_class.__doc__, flags=re.MULTILINE))

    assert explained == {field.name for field in dataclasses.fields(page_class)}


def test_json_text_gives_the_same_page_back() -> None:
    page = made_up_page()

    text = json.dumps(to_json(page), allow_nan=False)

    assert from_json(json.loads(text)) == page


def test_json_says_its_schema_and_the_verdict() -> None:
    values = to_json(made_up_page())

    assert values["schema"] == 1
    assert values["outcome"] == "no_difference"
    assert "bps a trade" in values["verdict"]
    assert values["decisions"][0]["parameters"]["stop_loss"] < 0.0
    assert values["created_at"] == "2025-11-14T09:30:00Z"


def test_json_of_a_page_without_a_test_has_no_verdict() -> None:
    page = dataclasses.replace(made_up_page(), comparison=None)

    values = to_json(page)

    assert (values["outcome"], values["verdict"]) == (None, None)
    assert from_json(values) == page


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_number_that_json_cannot_hold_becomes_null(value: float) -> None:
    page = made_up_page(pairs=1)
    first = page.decisions[0]
    odd = dataclasses.replace(first, evidence=dataclasses.replace(first.evidence, profit_factor=value))

    values = to_json(dataclasses.replace(page, decisions=(odd,)))

    assert values["decisions"][0]["evidence"]["profit_factor"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 1 was expected, was 2"),
        ({"bots": [{"bot": "BOT1"}]}, r"bots\.0"),
        ({"created_at": "yesterday"}, "created_at.*'yesterday'"),
    ],
)
def test_json_of_something_else_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_json(to_json(made_up_page(pairs=1)) | change)


def test_json_without_a_required_field_is_refused() -> None:
    values = to_json(made_up_page(pairs=1))
    del values["comparison"]

    with pytest.raises(InputError, match="comparison"):
        from_json(values)


@given(
    profit=st.floats(-1.0, 10.0), drawdown=st.floats(0.0, 1.0), reason=st.text(), count=st.integers(0, 10**9)
)
def test_round_trip_keeps_every_digit_and_letter(
    profit: float, drawdown: float, reason: str, count: int
) -> None:
    page = ONE_PAIR
    run = dataclasses.replace(
        page.bots[0], profit_ratio_total=profit, max_drawdown_ratio=drawdown, exit_reasons={reason: count}
    )
    changed = dataclasses.replace(page, bots=(run,), warnings=(reason,))

    assert from_json(json.loads(json.dumps(to_json(changed)))) == changed


def test_run_is_found_by_phase_and_bot() -> None:
    page = made_up_page(pairs=2)

    learned = page.run(Phase.LEARNED)
    first = page.run(Phase.LEARNING, "BOT1")

    assert learned is page.bots[4]
    assert first is page.bots[0]
    assert page.run(Phase.LEARNED, "BOT1") is None
