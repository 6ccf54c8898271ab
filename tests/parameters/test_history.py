"""Questions to a list of versions: what was in force, and what a pair has had."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.parameters import history
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
MONDAY = datetime(2025, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def version(
    run: str, recorded: int, *, valid: int | None = None, stage: Stage = Stage.CHAMPION,
    pair: str = BTC, side: Side = Side.LONG,
) -> ParameterVersion:  # fmt: skip
    at = MONDAY + recorded * DAY
    return ParameterVersion(
        key=ParameterKey(side=side, pair=pair),
        parameters=ExitParameters(stop_loss=-0.03, take_profit=0.06),
        source=ExitSource.OPTUNA,
        stage=stage,
        valid_from=at if valid is None else MONDAY + valid * DAY,
        recorded_at=at,
        learned_until=at,
        run_id=run,
    )


FIRST, SECOND = version("first", 0), version("second", 2)


@pytest.mark.parametrize(
    ("versions", "day", "runs"),
    [
        ([FIRST, SECOND], -1, []),
        ([FIRST, SECOND], 0, ["first"]),
        ([FIRST, SECOND], 2, ["second"]),
        ([FIRST, version("later", 1, valid=5)], 4, ["first"]),
        ([FIRST, version("later", 1, valid=5)], 5, ["later"]),
        ([FIRST, version("try", 1, stage=Stage.CANDIDATE)], 3, ["first"]),
        ([FIRST, version("end", 1, stage=Stage.RETIRED)], 3, ["end"]),
        ([version("early", 0, valid=5), version("late", 1, valid=5)], 6, ["late"]),
        ([FIRST, version("eth", 1, pair=ETH)], 3, ["first", "eth"]),
        ([FIRST, version("short", 1, side=Side.SHORT)], 3, ["first", "short"]),
    ],
)  # fmt: skip
def test_of_every_key_counts_what_took_effect_last(
    versions: list[ParameterVersion], day: int, runs: list[str]
) -> None:
    assert [one.run_id for one in history.in_force(versions, MONDAY + day * DAY)] == runs


def test_a_pair_has_its_own_versions_and_a_side_its_own() -> None:
    short, other = version("short", 1, side=Side.SHORT), version("eth", 2, pair=ETH)

    assert history.of_pair([FIRST, short, other], BTC) == [FIRST, short]
    assert history.of_pair([FIRST, short, other], BTC, Side.SHORT) == [short]
