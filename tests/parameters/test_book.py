from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.leverage_bins import LeverageBin, leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.parameters.book import DEFAULT_VERSION, ParameterBook
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage
from freqfleet.testing import trades

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
DEFAULTS = ExitParameters(stop_loss=-0.03, take_profit=0.03)
BIN_OF_3X = leverage_bin(3.0)


def day(number: float) -> datetime:
    return MONDAY + timedelta(days=number)


def version(
    take_profit: float,
    *,
    pair: str | None = BTC,
    side: Side = Side.LONG,
    leverage_bin: LeverageBin | None = None,
    valid_from: datetime = MONDAY,
    recorded_at: datetime = MONDAY,
    stage: Stage = Stage.CHAMPION,
) -> ParameterVersion:
    return ParameterVersion(
        key=ParameterKey(side=side, pair=pair, leverage_bin=leverage_bin),
        parameters=ExitParameters(stop_loss=-0.02, take_profit=take_profit),
        source=ExitSource.OPTUNA if leverage_bin is None else ExitSource.BIN,
        valid_from=valid_from,
        recorded_at=recorded_at,
        learned_until=min(valid_from, recorded_at),
        run_id="run",
        stage=stage,
    )


def book(*versions: ParameterVersion) -> ParameterBook:
    return ParameterBook(versions, defaults=DEFAULTS)


def target(parameters: ParameterBook, at: datetime, *, pair: str = BTC, leverage: float = 3.0) -> float:
    return parameters.resolve(pair, Side.LONG, leverage, at).parameters.take_profit


# -- time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("valid_from", "recorded_at"),
    [(day(0), day(2)), (day(2), day(0)), (day(2), day(2))],
    ids=["back-filled", "announced", "at once"],
)
def test_a_version_counts_from_the_later_of_its_two_times(valid_from, recorded_at):
    known = book(version(0.04, valid_from=valid_from, recorded_at=recorded_at))

    assert target(known, day(2) - timedelta(milliseconds=1)) == DEFAULTS.take_profit
    assert target(known, day(2)) == 0.04
    assert target(known, day(200)) == 0.04


def test_the_newest_version_in_effect_is_in_force():
    known = book(
        version(0.06, valid_from=day(4), recorded_at=day(4)),
        version(0.04, valid_from=day(0), recorded_at=day(0)),
        version(0.05, valid_from=day(2), recorded_at=day(2)),
    )

    assert [target(known, day(number)) for number in (1, 3, 5)] == [0.04, 0.05, 0.06]


def test_of_two_that_take_effect_together_the_later_recorded_one_counts():
    first = version(0.04, valid_from=day(2), recorded_at=day(0))
    corrected = version(0.05, valid_from=day(2), recorded_at=day(1))

    assert target(book(first, corrected), day(2)) == 0.05
    assert target(book(corrected, first), day(2)) == 0.05


def test_a_question_without_zone_is_refused():
    with pytest.raises(InputError, match="needs its zone"):
        book().resolve(BTC, Side.LONG, 3.0, MONDAY.replace(tzinfo=None))


# -- the chain ----------------------------------------------------------------------------------------

PAIR = version(0.10)
EVERY_PAIR = version(0.11, pair=None)
BIN = version(0.12, leverage_bin=BIN_OF_3X)
BIN_OF_EVERY_PAIR = version(0.13, pair=None, leverage_bin=BIN_OF_3X)
CHAIN = (PAIR, EVERY_PAIR, BIN, BIN_OF_EVERY_PAIR)


@pytest.mark.parametrize("known_from", range(len(CHAIN)))
def test_the_nearest_link_of_the_chain_answers(known_from):
    resolution = book(*reversed(CHAIN[known_from:])).resolve(BTC, Side.LONG, 3.0, day(1))

    assert resolution.parameters == CHAIN[known_from].parameters
    assert resolution.version == CHAIN[known_from].version_id
    assert resolution.source is CHAIN[known_from].source
    assert len(resolution.chain) == known_from + 1
    assert resolution.chain[-1].version == CHAIN[known_from]
    assert resolution.chain[-1].note == "in force"
    assert all(link.note == "nothing published" for link in resolution.chain[:-1])


def test_where_nothing_was_published_the_defaults_hold_and_say_so():
    resolution = book().resolve(BTC, Side.LONG, 3.0, day(1))

    assert resolution.parameters == DEFAULTS
    assert resolution.source is ExitSource.DEFAULT
    assert resolution.version == DEFAULT_VERSION
    assert [link.level for link in resolution.chain] == [
        "pair",
        "inherited",
        "bin",
        "bin of every pair",
        "default",
    ]


@pytest.mark.parametrize(
    ("pair", "side", "leverage"),
    [(ETH, Side.LONG, 3.0), (BTC, Side.SHORT, 3.0), (BTC, Side.LONG, 5.0)],
    ids=["another pair", "the other side", "another bin"],
)
def test_a_version_answers_for_its_own_key_only(pair, side, leverage):
    resolution = book(BIN).resolve(pair, side, leverage, day(1))

    assert resolution.source is ExitSource.DEFAULT


# -- stages -------------------------------------------------------------------------------------------


def test_a_retired_version_hands_over_to_the_next_link():
    retired = version(0.10, valid_from=day(2), recorded_at=day(2), stage=Stage.RETIRED)
    known = book(PAIR, retired, EVERY_PAIR)

    before = known.resolve(BTC, Side.LONG, 3.0, day(1))
    after = known.resolve(BTC, Side.LONG, 3.0, day(3))

    assert before.version == PAIR.version_id
    assert after.version == EVERY_PAIR.version_id
    assert [link.note for link in after.chain] == ["retired", "in force"]
    assert known.in_force(PAIR.key, day(3)) is None


def test_a_champion_after_a_retirement_counts_again():
    retired = version(0.10, valid_from=day(2), recorded_at=day(2), stage=Stage.RETIRED)
    again = version(0.10, valid_from=day(4), recorded_at=day(4))

    assert book(PAIR, retired, again).in_force(PAIR.key, day(5)) == again


def test_a_candidate_is_not_read():
    candidate = version(0.20, valid_from=day(1), recorded_at=day(1), stage=Stage.CANDIDATE)
    known = book(PAIR, candidate)

    assert target(known, day(2)) == 0.10
    assert known.version_count == 1
    assert known.champions(day(2)) == (PAIR,)


def test_the_champions_are_those_in_force_by_name_of_their_key():
    eth = version(0.05, pair=ETH)
    later = version(0.06, pair=ETH, valid_from=day(3), recorded_at=day(3))
    gone = version(0.07, side=Side.SHORT, stage=Stage.RETIRED)

    assert book(later, eth, EVERY_PAIR, gone, PAIR).champions(day(1)) == (PAIR, eth, EVERY_PAIR)


@pytest.mark.parametrize("parent", [PAIR.version_id, None, "not there"])
def test_without_its_champion_a_key_has_what_that_replaced_or_else_the_defaults(parent):
    champion = replace(
        version(0.12, valid_from=day(2), recorded_at=day(2)), evidence=Evidence(parent_version=parent)
    )
    known = book(PAIR, champion, EVERY_PAIR)

    assert known.without_champion(PAIR.key, day(3)) == (
        PAIR.parameters if parent == PAIR.version_id else DEFAULTS
    )
    assert known.without_champion(PAIR.key, day(1)) == DEFAULTS


# -- nothing reads the future -------------------------------------------------------------------------

SECONDS = st.integers(0, 400)
VERSIONS = st.lists(
    st.builds(
        lambda profit, pair, side, step, valid, recorded, stage: version(
            profit / 100,
            pair=pair,
            side=side,
            leverage_bin=step,
            valid_from=MONDAY + timedelta(seconds=valid),
            recorded_at=MONDAY + timedelta(seconds=recorded),
            stage=stage,
        ),
        st.integers(1, 50),
        st.sampled_from([BTC, ETH, None]),
        st.sampled_from(Side),
        st.sampled_from([None, BIN_OF_3X]),
        SECONDS,
        SECONDS,
        st.sampled_from(Stage),
    ),
    max_size=12,
)


@given(VERSIONS, SECONDS, st.sampled_from([BTC, ETH]), st.sampled_from(Side))
def test_versions_that_take_effect_later_never_change_an_answer(versions, seconds, pair, side):
    at = MONDAY + timedelta(seconds=seconds)
    known_then = [one for one in versions if one.effective_from <= at]

    assert book(*versions).resolve(pair, side, 3.0, at) == book(*known_then).resolve(pair, side, 3.0, at)


@given(VERSIONS, SECONDS, st.sampled_from(Side))
def test_an_answer_is_a_version_that_was_already_known(versions, seconds, side):
    at = MONDAY + timedelta(seconds=seconds)

    answer = book(*versions).resolve(BTC, side, 3.0, at).chain[-1].version

    assert answer is None or (answer.effective_from <= at and answer.stage is Stage.CHAMPION)


@given(
    starts=st.lists(st.tuples(st.sampled_from(["BTC/USDT:USDT", None]), st.integers(0, 20)), max_size=8),
    asked=st.lists(st.integers(-2, 25), min_size=1, max_size=20),
)
def test_an_answer_asked_before_is_the_one_a_new_book_gives(starts, asked):
    epoch = datetime(2025, 11, 1, tzinfo=UTC)
    versions = [
        trades.version(pair=pair, recorded_at=epoch + timedelta(minutes=minute), run_id=f"run-{number}")
        for number, (pair, minute) in enumerate(starts)
    ]
    defaults = ExitParameters(stop_loss=-0.03, take_profit=0.03)
    used = ParameterBook(versions, defaults=defaults)

    for minute in asked:
        at = epoch + timedelta(minutes=minute)
        fresh = ParameterBook(versions, defaults=defaults)
        assert used.resolve("BTC/USDT:USDT", Side.LONG, 3.0, at) == fresh.resolve(
            "BTC/USDT:USDT", Side.LONG, 3.0, at
        )
