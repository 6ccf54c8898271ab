from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from freqfleet.domain.decisions import Evidence
from freqfleet.errors import ParameterError


def test_evidence_comes_back_equal_from_json():
    evidence = Evidence(
        trades=234,
        bot_trades={"BOT1": 200},
        t_value=3.4,
        certified_by="family",
        plateau_widths={"stop_loss": (-0.03, -0.02)},
        boundary=("take_profit",),
        note="as the desk asked",
    )

    again = Evidence.from_dict(json.loads(json.dumps(asdict(evidence))))

    assert again == evidence


def test_no_boundary_is_not_the_same_as_one_that_was_not_looked_for():
    looked, not_looked = (
        Evidence.from_dict(json.loads(json.dumps(asdict(Evidence(boundary=edges))))) for edges in ((), None)
    )

    assert (looked.boundary, not_looked.boundary) == ((), None)


def test_a_record_from_before_neighbourhoods_were_kept_reads_as_not_measured():
    stored = {"trades": 234, "plateau_ratio": 0.82, "plateau_widths": {"stop_loss": [-0.03, -0.02]}}

    evidence = Evidence.from_dict(stored)

    assert evidence.plateau_ratio == 0.82
    assert (
        evidence.plateau_neighbours is evidence.plateau_mean_profit is evidence.plateau_least_profit is None
    )


def test_an_unknown_field_is_refused_by_name():
    with pytest.raises(ParameterError, match="unknown evidence 'sharp'=1"):
        Evidence.from_dict({"trades": 3, "sharp": 1})
