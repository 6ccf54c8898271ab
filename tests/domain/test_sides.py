from __future__ import annotations

import pytest

from freqfleet.domain.sides import Side, parse_side
from freqfleet.errors import InputError


def test_a_side_is_what_freqtrade_calls_it():
    assert Side.of(is_short=True) is Side.SHORT
    assert Side.of(is_short=False) is Side.LONG
    assert Side.SHORT.is_short
    assert not Side.LONG.is_short
    assert f"{Side.LONG}" == "long"


def test_a_price_move_times_the_sign_is_a_gain():
    assert (Side.LONG.sign, Side.SHORT.sign) == (1, -1)


@pytest.mark.parametrize(("text", "side"), [("long", Side.LONG), (" Short ", Side.SHORT)])
def test_a_side_is_read_as_people_write_it(text, side):
    assert parse_side(text) is side


@pytest.mark.parametrize("text", ["", "buy", "longs", "both"])
def test_another_word_is_refused_and_shown(text):
    with pytest.raises(InputError, match=f"was {text!r}"):
        parse_side(text)
