"""How reasons name exits: in percent, as the tables beside them."""

from __future__ import annotations

import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.wording import exits_text, percent_text
from freqfleet.report.formats import as_percent

EXITS = ExitParameters(stop_loss=-0.0144, take_profit=0.021, time_limit_minutes=240)


def test_exits_are_in_percent_on_price() -> None:
    assert exits_text(EXITS) == ("stop_loss -1.44 %, take_profit +2.10 %, volatility_scaling 0.00, 240 min")


@pytest.mark.parametrize("ratio", [-0.0144, -0.03, 0.021, 0.1, 0.00005, 1.5])
@pytest.mark.parametrize("sign", [True, False])
def test_percent_looks_like_that_of_the_tables(ratio: float, sign: bool) -> None:
    assert percent_text(ratio, sign=sign) == as_percent(ratio, sign=sign)
