"""A feeder is a file: one more file is one more feeder, one less is one less."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from freqfleet.errors import InputError
from freqfleet.signals import feeders
from freqfleet.signals.feeders import registry

FOLDER = Path(registry.__file__).parent
TESTS = Path(__file__).parent
NEWCOMER = '''"""newcomer: the eleventh."""

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.signals.recipes import Recipe

FEEDER = Recipe(
    name="newcomer",
    idea="Two features are enough.",
    features=("trend_adx_14", "hour_rsi_5"),
    barrier=TripleBarrier(target_atr=3.0, stop_atr=2.0, horizon_candles=24),
)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A copy of the feeders' folder that may be changed."""
    copy = tmp_path / "feeders"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(feeders, "__path__", [str(copy)])
    yield copy
    sys.modules.pop("freqfleet.signals.feeders.newcomer", None)


def names() -> list[str]:
    return [one.name for one in registry._found()]


def test_there_are_four_rules_and_ten_that_learn():
    assert [feeder.name for feeder in registry.FEEDERS] == ["breakout", "momentum", "reversion", "trend"]
    assert len(registry.RECIPES) == 10


def test_every_feeder_file_has_a_twin_among_the_tests():
    files = {file.stem for file in FOLDER.glob("*.py")} - {"__init__", "registry"}

    assert files == {one.name for one in (*registry.FEEDERS, *registry.RECIPES)}
    assert {f"test_{name}.py" for name in files} <= {file.name for file in TESTS.glob("test_*.py")}


def test_no_two_that_learn_read_the_same():
    for one in registry.RECIPES:
        for other in registry.RECIPES:
            if one is not other:
                shared = set(one.features) & set(other.features)
                assert len(shared) <= len(one.features) / 4, f"{one.name} and {other.name}: {shared}"


def test_without_a_file_there_is_one_feeder_less(folder):
    (folder / "shape.py").unlink()

    assert sorted(names()) == sorted(
        one.name for one in (*registry.FEEDERS, *registry.RECIPES) if one.name != "shape"
    )


def test_a_newcomer_is_found_by_its_file(folder):
    (folder / "newcomer.py").write_text(NEWCOMER, encoding="utf-8")

    assert "newcomer" in names()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"feeders/newcomer\.py has no FEEDER"),
        (NEWCOMER.replace('name="newcomer"', 'name="other"'), r"newcomer\.py calls its feeder 'other'"),
        (NEWCOMER.replace("hour_rsi_5", "hour_rsi_6"), "no feature is called 'hour_rsi_6'"),
        (NEWCOMER.replace('name="newcomer"', 'name="New-Comer"'), "not a feeder's name"),
        (NEWCOMER.replace('"hour_rsi_5"', '"trend_adx_14"'), "names a feature twice"),
    ],
)
def test_a_file_that_is_no_feeder_is_refused_by_name(folder, text, message):
    (folder / "newcomer.py").write_text(text, encoding="utf-8")

    with pytest.raises(InputError, match=message):
        names()
