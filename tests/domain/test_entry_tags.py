from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.entry_tags import TAG_MAX_CHARACTERS, EntryTag, format_tag, parse_tag
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError

TREND_TAG = EntryTag(side=Side.LONG, votes=3, voters=4, confidence=0.8, feeder="trend")

FEEDERS = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)
VOTES = st.integers(1, 999).flatmap(lambda voters: st.tuples(st.integers(1, voters), st.just(voters)))


def tags(confidences: st.SearchStrategy[float]) -> st.SearchStrategy[EntryTag]:
    return st.builds(
        lambda side, votes, confidence, feeder: EntryTag(
            side=side, votes=votes[0], voters=votes[1], confidence=confidence, feeder=feeder
        ),
        st.sampled_from(Side),
        VOTES | st.just((None, None)),
        confidences,
        FEEDERS,
    )


TENTHS = st.integers(0, 10).map(lambda tenth: tenth / 10)


def test_a_tag_reads_as_people_and_freqtrade_know_it():
    assert format_tag(TREND_TAG) == "long ensemble 3/4 conf=0.8 from=trend"


@given(tags(TENTHS))
def test_a_tag_comes_back_from_its_text(tag):
    assert parse_tag(format_tag(tag)) == tag


@given(tags(st.floats(0.0, 1.0)))
def test_a_text_is_the_same_after_it_was_read_and_written_again(tag):
    text = format_tag(tag)
    read = parse_tag(text)

    assert read is not None
    assert format_tag(read) == text
    assert abs(read.confidence - tag.confidence) <= 0.05 + 1e-12
    assert len(text) <= TAG_MAX_CHARACTERS


@given(st.text())
def test_reading_any_text_raises_nothing(text):
    parse_tag(text)


@given(
    st.from_regex(
        r"(long|short) ensemble [0-9]{1,9}/[0-9]{1,9} conf=[0-9]{1,3}(\.[0-9]{0,9})? from=\S{0,40}",
        fullmatch=True,
    )
)
def test_reading_what_nearly_is_a_tag_raises_nothing(text):
    read = parse_tag(text)

    assert read is None or 0.0 <= read.confidence <= 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "long ensemble 3/5 conf=0.82 from=79",
            EntryTag(side=Side.LONG, votes=3, voters=5, confidence=0.82, feeder="79"),
        ),
        (
            "long from 75b conf=0.89 (btc 5m, model 3)",
            EntryTag(side=Side.LONG, votes=None, voters=None, confidence=0.89, feeder="75b"),
        ),
        (
            "short from 12 conf=1",
            EntryTag(side=Side.SHORT, votes=None, voters=None, confidence=1.0, feeder="12"),
        ),
    ],
)
def test_the_older_forms_are_read(text, expected):
    assert parse_tag(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "force_entry",
        "long ensemble 3/4 conf=0.8",  # no feeder
        "Long ensemble 3/4 conf=0.8 from=trend",
        "long ensemble 3/4 conf=0.8 from=trend ",
        "long ensemble 3/4 conf=0.8 from=trend\n",
        "long ensemble 5/4 conf=0.8 from=trend",  # more votes than voters
        "long ensemble 0/4 conf=0.8 from=trend",  # nobody asked for it
        "long ensemble 3/4 conf=1.2 from=trend",
        "long ensemble 3/4 conf=nan from=trend",
        "long ensemble ٣/٤ conf=0.8 from=trend",  # digits, but not ours
        "long from 75b conf=0.89 (" + "x" * 300 + ")",  # longer than freqtrade's column
    ],
)
def test_the_tags_of_others_are_no_tag(text):
    assert parse_tag(text) is None


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"confidence": 1.01}, "1.01"),
        ({"confidence": float("nan")}, "nan"),
        ({"feeder": "two words"}, "'two words'"),
        ({"feeder": ""}, "''"),
        ({"feeder": "x" * 33}, "x" * 33),
        ({"votes": 5}, "5/4"),
        ({"votes": 0}, "0/4"),
        ({"votes": None}, "None and 4"),
    ],
)
def test_a_tag_that_cannot_be_written_is_refused_with_the_value(changes, shown):
    values = {"side": Side.LONG, "votes": 3, "voters": 4, "confidence": 0.8, "feeder": "trend"}

    with pytest.raises(InputError) as refusal:
        EntryTag(**{**values, **changes})

    assert shown in str(refusal.value)
