"""Pairs are dealt out to processes so that a part trades as the whole would."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))  # the experiment lies beside the package, not in it

from experiment.parts import parts_of

PAIRS = tuple(f"{letter}/USDT:USDT" for letter in "ABCDEFGHIJ")


@given(
    whole=st.sets(st.sampled_from(PAIRS)),
    at_once=st.integers(1, 4),
    most=st.integers(1, 12),
)
def test_every_pair_is_dealt_once_and_every_part_has_a_whole_one(
    whole: set[str], at_once: int, most: int
) -> None:
    parts = parts_of(PAIRS, whole, at_once=at_once, most=most)

    assert sorted(pair for part in parts for pair in part) == sorted(PAIRS)
    assert len(parts) == 1 or all(whole & set(part) for part in parts)


@pytest.mark.parametrize(
    ("at_once", "most", "sizes"),
    [
        (1, 16, [10]),
        (2, 16, [5, 5]),  # both processes have something to do
        (2, 5, [5, 5]),
        (2, 4, [3, 3, 2, 2]),
        (3, 4, [4, 3, 3]),
    ],
)
def test_parts_are_few_even_and_no_larger_than_allowed(at_once: int, most: int, sizes: list[int]) -> None:
    parts = parts_of(PAIRS, PAIRS, at_once=at_once, most=most)

    assert [len(part) for part in parts] == sizes


def test_without_enough_whole_pairs_parts_are_fewer_and_larger() -> None:
    assert parts_of(PAIRS, PAIRS[3:4], at_once=2, most=2) == [PAIRS]
    assert [len(part) for part in parts_of(PAIRS, PAIRS[:2], at_once=2, most=2)] == [5, 5]
