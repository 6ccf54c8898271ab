import pytest

from freqfleet.errors import InputError
from freqfleet.validation.families import UnitLabels, families


def units(*sides, kind="signal"):
    return [UnitLabels(side=side, bot_kind=kind, volatility_ratio=at / 10) for at, side in enumerate(sides)]


def test_sides_and_terciles_split_a_large_fleet():
    found = families(units(*["long"] * 6, *["short"] * 6), smallest=2)

    assert found[:6] == ("long/calm",) * 2 + ("long/middling",) * 2 + ("long/wild",) * 2
    assert found[6:8] == ("short/calm",) * 2


def test_label_that_leaves_a_small_family_splits_nothing():
    assert families(units(*["long"] * 5, "short"), smallest=2, by=("side",)) == ("all",) * 6


def test_family_of_one_is_never_made():
    assert families(units("long"), smallest=1) == ("all",)


def test_order_of_the_units_does_not_matter():
    labels = units(*["long", "short"] * 6)

    assert families(labels[::-1], smallest=2) == families(labels, smallest=2)[::-1]


def test_label_that_does_not_exist_is_refused():
    with pytest.raises(
        InputError, match="units have no label 'profit'; there are side, bot_kind, volatility"
    ):
        families(units("long"), by=("profit",))


def test_volatility_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="a volatility must be a number, was nan"):
        families([UnitLabels(side="long", bot_kind="meta", volatility_ratio=float("nan"))])


def test_no_units_have_no_families():
    assert families([]) == ()
