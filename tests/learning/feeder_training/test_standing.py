"""Who is ranked where, and which words the numbers allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freqfleet.clock import parse_time
from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.standing import standings
from freqfleet.signals.models.certificate import Certificate, HeadCertificate


def head(
    bps: float | None, low: float = -5.0, *, votes: int = 100, rule: float = -20.0, rule_votes: int = 50
):
    interval = {"value": bps, "low": low, "high": None if bps is None else bps + 5.0}
    return HeadCertificate(
        file="x", sha256="x", abstains=None, slope=1.0, intercept=0.0, base_probability=0.3,
        vote_probability=0.5,
        metrics={
            "votes": votes,
            "return_bps": interval,
            "baselines": {"trend": {"return_bps": {"value": rule}, "votes": rule_votes}},
        },
    )  # fmt: skip


def certificate(name: str, long: HeadCertificate, short: HeadCertificate) -> Certificate:
    moment = parse_time("2025-11-01")
    return Certificate(
        feeder=name, valid_from=moment, created_at=moment, train_from=moment, train_to=moment,
        embargo_hours=24.0, features=("a",), feature_code="c", label={}, min_atr_ratio=0.001, pairs=("P",),
        skipped_pairs={}, rows=10, stride_candles=2, seed=1, data_hash="d", libraries={},
        heads={Side.LONG: long, Side.SHORT: short},
    )  # fmt: skip


def test_the_feeder_whose_votes_earned_most_is_first_and_the_silent_one_last():
    silent = replace(head(None, votes=0), abstains="one class only in the window")

    found = standings(
        [
            certificate("silent", silent, silent),
            certificate("poor", head(-8.0), head(-2.0)),
            certificate("rich", head(4.0, votes=300), head(-4.0, votes=100)),
        ]
    )

    assert [(one.rank, one.certificate.feeder) for one in found] == [(1, "rich"), (2, "poor"), (3, "silent")]
    assert found[0].return_bps == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("one", "verdict"),
    [
        (head(9.0, 2.0), "pays after costs"),
        (head(9.0, -2.0), "no edge after costs shown"),
        (head(-30.0), "does not beat trend"),
        (head(-30.0, rule_votes=29), "no edge after costs shown"),
        (head(None, votes=0), "did not vote out of fold"),
        (replace(head(9.0), abstains="no split was worth it"), "abstains: no split was worth it"),
    ],
)
def test_the_verdict(one, verdict):
    (found,) = standings([certificate("one", one, one)])

    assert found.heads[0].verdict == verdict
