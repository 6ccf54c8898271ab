"""Votes become entries."""

import pandas as pd
import pytest

from freqfleet.domain.sides import Side
from freqfleet.runtime.entries import EntryPolicy


def votes(longs: str, shorts: str) -> pd.DataFrame:
    """One digit a candle."""
    return pd.DataFrame({"votes_long": [int(v) for v in longs], "votes_short": [int(v) for v in shorts]})


def test_a_bot_that_weighs_counts_the_weight_of_those_who_vote() -> None:
    counted = votes("022200", "000000")
    counted["weight_long"] = [0.0, 1.5, 2.0, 2.5, 0.0, 0.0]
    policy = EntryPolicy(sides=(Side.LONG,), min_votes=2, weighted=True)

    assert policy.enters(counted, Side.LONG).tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize(
    ("policy", "side", "longs", "shorts", "enters"),
    [
        # a bot enters when the agreement begins, and again only after it has ended
        (EntryPolicy(sides=(Side.LONG,), min_votes=2), Side.LONG, "0122210230", "0000000000", "0010000100"),
        # BOT1 does not ask the other side
        (EntryPolicy(sides=(Side.LONG,), min_votes=2), Side.LONG, "0020000000", "0030000000", "0010000000"),
        # BOT2 does not enter long
        (EntryPolicy(sides=(Side.SHORT,), min_votes=2), Side.LONG, "0220000000", "0000000000", "0000000000"),
        (EntryPolicy(sides=(Side.SHORT,), min_votes=2), Side.SHORT, "0000000000", "0003000000", "0001000000"),
        # BOT3 waits until the dissenting vote is gone
        (
            EntryPolicy(sides=tuple(Side), min_votes=2, dissent_allowed=False),
            Side.LONG, "0222220000", "0110000000", "0001000000",
        ),
    ],
)  # fmt: skip
def test_entries(policy: EntryPolicy, side: Side, longs: str, shorts: str, enters: str) -> None:
    found = policy.enters(votes(longs, shorts), side)

    assert "".join(str(int(one)) for one in found) == enters
