"""Candles move by whole days, so that enough of them lies before and after now."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.clock import parse_time, to_ms
from freqfleet.errors import ExchangeError
from freqfleet.exchange.shift import whole_days_to_now
from freqfleet.market.timeframes import DAY_MS, HOUR_MS


def ms(text: str) -> int:
    return to_ms(parse_time(text))


def test_history_is_moved_to_now_with_the_hours_left() -> None:
    shift_ms = whole_days_to_now(
        ms("2025-09-15"), ms("2025-11-15"), ms("2026-11-20T18:30:00Z"), hours_left=24.0
    )

    assert shift_ms == 372 * DAY_MS  # 2025-11-15 becomes 2026-11-22, the first midnight after 24 h


def test_history_that_covers_now_stays_where_it_is() -> None:
    assert whole_days_to_now(ms("2026-11-01"), ms("2026-12-01"), ms("2026-11-20"), hours_left=24.0) == 0


def test_history_of_the_future_is_moved_back() -> None:
    shift_ms = whole_days_to_now(ms("2027-01-01"), ms("2027-02-01"), ms("2026-11-20"), hours_left=24.0)

    assert shift_ms == (ms("2026-11-21") - ms("2027-02-01"))


@given(
    now=st.integers(10**12, 2 * 10**12),
    end=st.integers(10**12, 2 * 10**12),
    span_days=st.integers(4, 400),
    hours_left=st.floats(0.1, 48.0),
)
def test_a_move_keeps_the_grid_and_what_was_asked(
    now: int, end: int, span_days: int, hours_left: float
) -> None:
    first = end - span_days * DAY_MS

    shift_ms = whole_days_to_now(first, end, now, hours_left)

    assert shift_ms % DAY_MS == 0
    assert end + shift_ms - now >= hours_left * HOUR_MS - 1
    assert now - (first + shift_ms) >= DAY_MS
    assert shift_ms == 0 or end + shift_ms - now < hours_left * HOUR_MS + DAY_MS + 1


def test_a_short_history_is_refused_with_what_it_must_span() -> None:
    with pytest.raises(ExchangeError, match=r"span 48 h; .* must span 72 h"):
        whole_days_to_now(ms("2025-09-15"), ms("2025-09-17"), ms("2026-11-20T18:30:00Z"), hours_left=24.0)


def test_hours_left_must_be_positive() -> None:
    with pytest.raises(ExchangeError, match=r"was 0"):
        whole_days_to_now(ms("2025-09-15"), ms("2025-11-15"), ms("2026-11-20"), hours_left=0)
