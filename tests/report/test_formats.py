from __future__ import annotations

import math

import pytest

from freqfleet.report.formats import (
    UNKNOWN,
    as_bps,
    as_count,
    as_minutes,
    as_p_value,
    as_percent,
    as_seconds,
    pair_labels,
    plural,
    to_bps,
    typographic,
)


@pytest.mark.parametrize(
    ("ratio", "sign", "expected"),
    [
        (0.0125, False, "1.25 %"),
        (0.0125, True, "+1.25 %"),
        (-0.03, True, "-3.00 %"),
        (-0.000001, True, "0.00 %"),
        (0.0, True, "0.00 %"),
        (None, True, UNKNOWN),
        (math.nan, False, UNKNOWN),
        (math.inf, False, "∞"),
        (-math.inf, False, "-∞"),
    ],
)
def test_percent(ratio: float | None, sign: bool, expected: str) -> None:
    assert as_percent(ratio, sign=sign) == expected


def test_bps_of_a_ratio_and_back_to_words() -> None:
    assert as_bps(to_bps(0.00123)) == "+12.3 bps"
    assert as_bps(to_bps(-0.00123), unit="") == "-12.3"
    assert as_bps(to_bps(None)) == UNKNOWN
    assert to_bps(math.nan) is None


def test_counts_have_thousands_and_a_plural() -> None:
    assert as_count(276480) == "276,480"
    assert as_count(160.2) == "160"
    assert plural(1, "trade") == "1 trade"
    assert plural(1200, "trade") == "1,200 trades"


@pytest.mark.parametrize(
    ("value", "expected"), [(0.00001, "<0.0001"), (0.0123, "0.012"), (None, UNKNOWN), (math.nan, UNKNOWN)]
)
def test_p_value(value: float | None, expected: str) -> None:
    assert as_p_value(value) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.42, "0.4 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185.0, "3 min 05 s")],
)
def test_seconds(seconds: float, expected: str) -> None:
    assert as_seconds(seconds) == expected


def test_minutes() -> None:
    assert [as_minutes(one) for one in (1440, 90, None)] == ["24 h", "90 min", UNKNOWN]


def test_true_minus_stands_before_numbers_only() -> None:
    assert (
        typographic("-3.5 % on 2025-11-01, volume-weighted (-2)")
        == "−3.5 % on 2025-11-01, volume-weighted (−2)"
    )


def test_pairs_that_share_a_base_keep_their_full_name() -> None:
    labels = pair_labels(["BTC/USDT:USDT", "BTC/USDC:USDC", "ETH/USDT:USDT", "ETH/USDT:USDT"])

    assert labels == {
        "BTC/USDT:USDT": "BTC/USDT:USDT",
        "BTC/USDC:USDC": "BTC/USDC:USDC",
        "ETH/USDT:USDT": "ETH",
    }
