from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.errors import ParameterError
from freqfleet.parameters.transfer import export_text, import_versions
from freqfleet.parameters.version import Stage
from freqfleet.testing.trades import version

NOON = datetime(2025, 11, 1, 12, 0, 0, 123_000, tzinfo=UTC)
VERSIONS = [
    version(recorded_at=NOON, evidence=Evidence(trades=234, p_value=4e-4, bot_trades={"BOT1": 200})),
    version(
        pair=None,
        side=Side.SHORT,
        leverage_bin=LEVERAGE_BINS[1],
        source=ExitSource.BIN,
        stage=Stage.RETIRED,
        recorded_at=NOON + timedelta(days=1),
        volatility_scaling=0.5,
        atr_reference_ratio=0.0031,
        evidence=Evidence(boundary=("take_profit",), plateau_widths={"stop_loss": (-0.03, -0.02)}),
    ),
]
BETWEEN = {  # Hypothesis wants its bounds without a zone
    "min_value": datetime(2017, 1, 1),  # noqa: DTZ001
    "max_value": datetime(2100, 1, 1),  # noqa: DTZ001
}


def exported() -> dict:
    return json.loads(export_text(VERSIONS, exported_at=NOON))


def read(document: dict, known=None):
    return import_versions(json.dumps(document), "moved.json", known)


def test_versions_come_back_equal_with_their_ids():
    again = read(exported())

    assert again == VERSIONS
    assert [one.version_id for one in again] == [one.version_id for one in VERSIONS]


def test_exits_that_follow_the_path_move_too():
    follows = ManagedExits(
        stop_loss=-0.03, take_profit=0.05, giveback_ratio=0.5, giveback_activation_ratio=0.02
    )
    moved = [replace(VERSIONS[0], parameters=follows)]

    again = import_versions(export_text(moved, exported_at=NOON), "moved.json")

    assert again == moved
    assert again[0].parameters == follows


def test_an_empty_history_moves_too():
    assert import_versions(export_text([], exported_at=NOON), "moved.json") == []


@given(
    recorded_at=st.datetimes(timezones=st.just(UTC), **BETWEEN).map(
        lambda one: one.replace(microsecond=one.microsecond // 1000 * 1000)
    ),
    stop=st.floats(-0.30, -0.0025),
    target=st.floats(0.005, 0.5),
    minutes=st.integers(5, 43_200),
    run_id=st.text(max_size=20),
    claim=st.none() | st.floats(-500, 500),
)
def test_any_version_moves_without_change(recorded_at, stop, target, minutes, run_id, claim):
    one = version(
        recorded_at=recorded_at,
        stop_loss=stop,
        take_profit=target,
        time_limit_minutes=minutes,
        run_id=run_id,
        evidence=Evidence(claim_bps=claim),
    )

    (again,) = import_versions(export_text([one], exported_at=NOON), "moved.json")

    assert again == one
    assert again.version_id == one.version_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pair", "ETH/USDT:USDT"),
        ("side", "short"),
        ("stage", "candidate"),
        ("source", "bin"),
        ("leverage_bin", "1.0-2.0"),
        ("valid_from", "2025-10-01T00:00:00.000Z"),
        ("recorded_at", "2025-11-01T12:00:00.124Z"),
        ("learned_until", "2025-10-01T00:00:00.000Z"),
        ("run_id", "another"),
        ("version", "0123456789ab"),
    ],
)
def test_an_edited_field_is_named_with_its_value(field, value):
    document = exported()
    document["versions"][0][field] = value

    with pytest.raises(ParameterError) as refused:
        read(document)

    assert f"{field} is {value!r}, which is not what was exported" in str(refused.value)
    assert "moved.json: version 1 of 2" in str(refused.value)


def test_an_edited_value_is_named_with_what_the_store_holds():
    document = exported()
    document["versions"][0]["parameters"]["take_profit"] = 0.09

    with pytest.raises(ParameterError, match=r"parameters.take_profit is 0.09, the store has 0.045"):
        read(document, {one.version_id: one for one in VERSIONS})


def test_edited_evidence_is_named():
    document = exported()
    document["versions"][0]["evidence"]["p_value"] = 1e-9

    with pytest.raises(ParameterError, match=r"evidence.p_value is 1e-09, which is not what was exported"):
        read(document)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("stop_loss", 0.0, r"parameters: stop_loss must lie in -0.3..-0.0025, was 0.0"),
        ("take_profit", 7.0, r"parameters: take_profit must lie in 0.005..0.5, was 7.0"),
        ("time_limit_minutes", 0, r"parameters: time_limit_minutes must lie in 5..43200, was 0"),
        ("trailing", 1, r"parameters: unknown exit parameter 'trailing'=1"),
    ],
)
def test_bounds_hold_whatever_the_digests_say(name, value, said):
    document = exported()
    document["versions"][1]["parameters"][name] = value

    with pytest.raises(ParameterError, match=f"moved.json: version 2 of 2 .*: {said}"):
        read(document)


def test_what_was_removed_or_added_inside_a_version_is_named():
    without, more = exported(), exported()
    del without["versions"][0]["evidence"]["p_value"]
    more["versions"][0]["evidence"]["t_value"] = 9.0

    with pytest.raises(ParameterError, match=r"field evidence.p_value is missing"):
        read(without)
    with pytest.raises(ParameterError, match=r"field evidence.t_value=9.0 was added"):
        read(more)


def test_an_edit_that_renews_its_digest_still_contradicts_the_id():
    document = exported()
    entry = document["versions"][0]
    other = json.loads(export_text([version(run_id="another")], exported_at=NOON))["versions"][0]
    entry["run_id"] = "another"
    entry["digests"]["run_id"] = other["digests"]["run_id"]

    with pytest.raises(ParameterError, match="its content is that of"):
        read(document)


def test_a_version_that_was_taken_out_is_missed():
    document = exported()
    del document["versions"][0]

    with pytest.raises(ParameterError, match="holds 1 versions, 2 were written"):
        read(document)


def test_a_version_that_is_there_twice_is_refused():
    document = exported()
    document["versions"][1] = document["versions"][0]

    with pytest.raises(ParameterError, match=f"holds version {VERSIONS[0].version_id} twice"):
        read(document)


def test_another_order_is_refused():
    document = exported()
    document["versions"].reverse()

    with pytest.raises(ParameterError, match="order or the head of the file was edited"):
        read(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "something"}, "is no export of"),
        ({"schema": 2}, "schema must be 1, was 2"),
        ({"versions": {}}, "versions must be a list, was dict"),
        ({"versions": ["x"]}, "version 1 of 1 must be an object, was 'x'"),
        ({"versions": [{"pair": "x"}]}, "field version is missing"),
    ],
)
def test_a_file_of_another_form_is_refused(change, said):
    with pytest.raises(ParameterError, match=said):
        read({**exported(), **change})


@pytest.mark.parametrize("text", ["", "{", "[]", "NaN", "3"])
def test_what_is_no_export_is_refused(text):
    with pytest.raises(ParameterError, match=r"moved\.json is no"):
        import_versions(text, "moved.json")


def test_nan_is_no_number_here():
    text = export_text(VERSIONS, exported_at=NOON).replace("0.0004", "NaN")

    with pytest.raises(ParameterError, match="NaN is no number"):
        import_versions(text, "moved.json")


def test_an_unknown_field_of_a_version_is_named():
    document = exported()
    document["versions"][0]["trailing"] = True

    with pytest.raises(ParameterError, match="unknown field trailing=True"):
        read(document)
