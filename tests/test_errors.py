from __future__ import annotations

import inspect

import pytest

from freqfleet import errors

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_every_error_is_ours_and_stands_in_the_drawing(one):
    assert issubclass(one, errors.FreqfleetError)
    assert one.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("one", CLASSES, ids=lambda one: one.__name__)
def test_the_exit_code_says_who_has_to_act(one):
    expected = 2 if issubclass(one, errors.InputError) else 3
    if one is errors.FreqfleetError:
        expected = 1

    assert one.exit_code == expected
