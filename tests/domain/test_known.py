from __future__ import annotations

import math

import numpy as np
import pytest

from freqfleet.domain.known import known


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_what_was_not_measured_is_none(value: float):
    assert known(value) is None


@pytest.mark.parametrize("value", [0.0, -0.25, np.float64(1.5)])
def test_what_was_measured_is_a_plain_float(value: float):
    assert known(value) == value
    assert type(known(value)) is float
