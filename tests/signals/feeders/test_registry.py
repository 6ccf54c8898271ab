from __future__ import annotations

from pathlib import Path

from freqfleet.signals.feeders import registry

FOLDER = Path(registry.__file__).parent
TESTS = Path(__file__).parent


def test_the_feeders_have_names_of_their_own():
    names = [feeder.name for feeder in registry.FEEDERS]

    assert len(set(names)) == len(names)


def test_every_feeder_file_is_registered_and_has_a_twin_among_the_tests():
    files = {file.stem for file in FOLDER.glob("*.py")} - {"__init__", "registry"}

    assert files == {feeder.name for feeder in registry.FEEDERS}
    assert {f"test_{name}.py" for name in files} <= {file.name for file in TESTS.glob("test_*.py")}
