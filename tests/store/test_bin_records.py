"""A bin record as a row, and back; what every store does with them is in testing/bin_record_contract.py."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LeverageBin
from freqfleet.errors import ParameterError
from freqfleet.store.bin_records import bin_record as record_of
from freqfleet.store.bin_records import record_place, record_row
from freqfleet.testing.records import RECORDED, bin_record

RECORDED_MS = 1_759_190_400_000


@pytest.mark.parametrize(
    ("pair", "step", "series"),
    [
        (None, None, " long "),
        (None, LEVERAGE_BINS[0], " long 1.0-2.0"),
        ("BTC/USDT:USDT", None, "BTC/USDT:USDT long "),
        ("BTC/USDT:USDT", LEVERAGE_BINS[1], "BTC/USDT:USDT long 2.0-3.5"),
    ],
)
def test_every_level_has_a_place_of_its_own_and_is_read_back(
    pair: str | None, step: LeverageBin | None, series: str
) -> None:
    record = bin_record(pair=pair, step=step, recorded_at=RECORDED.replace(microsecond=900))

    assert record_place(record) == (series, RECORDED_MS)
    assert record_of(SimpleNamespace(**record_row(record))) == record


@pytest.mark.parametrize(
    "moved", [{"series": "ETH/USDT:USDT long 1.0-2.0"}, {"recorded_ms": RECORDED_MS + 1}]
)
def test_a_row_that_was_moved_by_hand_is_no_record(moved: dict[str, object]) -> None:
    row = record_row(bin_record(pair="BTC/USDT:USDT", step=LEVERAGE_BINS[0]))

    with pytest.raises(ParameterError, match=r"says it is of 'BTC/USDT:USDT long 1\.0-2\.0'"):
        record_of(SimpleNamespace(**{**row, **moved}))
