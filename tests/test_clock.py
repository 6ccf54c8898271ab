from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.clock import FixedClock, SystemClock, from_ms, human_age, iso, parse_time, to_ms
from freqfleet.errors import InputError

NOON = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
KOLKATA = timezone(timedelta(hours=5, minutes=30))


def test_the_clock_of_the_machine_is_aware():
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_fixed_clock_stands_still():
    clock = FixedClock(NOON)

    assert clock.now() == clock.now() == NOON


@given(st.integers(0, 4_102_444_800_000))
def test_milliseconds_come_back(milliseconds):
    assert to_ms(from_ms(milliseconds)) == milliseconds


def test_milliseconds_do_not_depend_on_the_zone():
    assert to_ms(NOON.astimezone(KOLKATA)) == to_ms(NOON) == 1_761_998_400_000


@pytest.mark.parametrize("write", [to_ms, iso])
def test_a_time_without_zone_is_refused_instead_of_guessed(write):
    with pytest.raises(InputError, match="needs its zone"):
        write(datetime(2025, 11, 1))  # noqa: DTZ001  the case


def test_a_time_is_written_in_utc():
    assert iso(NOON.astimezone(KOLKATA)) == "2025-11-01T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-11-01T12:00:00Z", NOON),
        ("2025-11-01T17:30:00+05:30", NOON),
        ("2025-11-01 12:00", NOON),
        ("2025-11-01", NOON.replace(hour=0)),
        ("20251101", NOON.replace(hour=0)),
    ],
)
def test_times_are_read_as_people_write_them(text, moment):
    assert parse_time(text) == moment
    assert parse_time(text).utcoffset() == timedelta(0)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda one: one.replace(microsecond=0)))  # noqa: DTZ001
def test_a_written_time_comes_back(moment):
    aware = moment.replace(tzinfo=UTC)

    assert parse_time(iso(aware)) == aware


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01", "01.11.2025", "-90d"])
def test_what_is_no_time_is_refused_and_shown(text):
    with pytest.raises(InputError, match=f"not a time: {text!r}"):
        parse_time(text)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2.0 h"),
        (172_799, "48.0 h"),
        (777_600, "9.0 d"),
    ],
)
def test_an_age_is_said_the_way_people_say_it(seconds, said):
    assert human_age(seconds) == said
