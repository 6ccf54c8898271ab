"""Who votes: the bank where there is one, the rules where there is none, and it is said."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

import pytest

pytest.importorskip("lightgbm", reason="freqfleet[feeders] is not installed")

from freqfleet.errors import SettingsError
from freqfleet.settings import FeederSettings, load_settings
from freqfleet.signals.feeders.registry import FEEDERS, RECIPES
from freqfleet.testing.taught_feeders import teach
from freqfleet.wiring import make_ensemble
from freqfleet.wiring.feeders import later_voters

RULES = [feeder.name for feeder in FEEDERS]
FEW = [recipe for recipe in RECIPES if recipe.name in {"shape", "drift", "burst", "flow"}]


def settings(tmp_path, **feeders):
    return load_settings(tmp_path, feeders=FeederSettings(max_age_days=10_000, **feeders))


def voting(ensemble) -> list[str]:
    return [feeder.name for feeder in ensemble.feeders]


def test_without_a_bank_the_rules_vote_and_it_is_said(tmp_path, caplog):
    ensemble = make_ensemble(settings(tmp_path))

    assert voting(ensemble) == RULES
    assert ensemble.min_votes == 2
    assert not ensemble.reads_context
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_with_a_bank_its_feeders_vote_and_the_missing_ones_are_named(tmp_path, caplog):
    teach(tmp_path / "feeders", FEW)

    with caplog.at_level(logging.INFO):
        ensemble = make_ensemble(settings(tmp_path))

    assert voting(ensemble) == ["burst", "drift", "flow", "shape"]
    assert ensemble.min_votes == 3
    assert ensemble.reads_context
    assert "without a model: funding" in caplog.text


def test_rules_can_be_asked_for_in_spite_of_a_bank(tmp_path):
    teach(tmp_path / "feeders", FEW[:1])

    assert voting(make_ensemble(settings(tmp_path, use="rules"))) == RULES


def test_a_bank_that_is_required_and_missing_stops_the_start(tmp_path):
    with pytest.raises(SettingsError, match="holds no version that can be used; train one"):
        make_ensemble(settings(tmp_path, use="bank"))


def test_named_feeders_vote_in_the_order_given(tmp_path):
    teach(tmp_path / "feeders", FEW)

    ensemble = make_ensemble(settings(tmp_path, names=("shape", "burst"), min_votes=5))

    assert voting(ensemble) == ["shape", "burst"]
    assert ensemble.min_votes == 2  # no more than there are


def test_an_unknown_feeder_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(SettingsError, match=r"no feeder 'squeze' learns; did you mean squeeze\?"):
        make_ensemble(settings(tmp_path, names=("squeze",)))


def test_a_bank_of_losers_is_silent_where_only_payers_speak(tmp_path):
    from freqfleet.domain.sides import Side
    from freqfleet.signals.models.bank import load_model

    version = teach(tmp_path / "feeders", FEW[:1])

    model = load_model(version / f"{FEW[0].name}.json", FEW[0], only_paying=True)

    assert model.heads == {Side.LONG: None, Side.SHORT: None}  # taught without a record


def test_a_bank_that_comes_later_is_found_by_the_first_look_after(tmp_path):
    chosen = settings(tmp_path)
    later = later_voters(chosen, newest=3, every=timedelta(milliseconds=1))
    assert later is not None

    teach(tmp_path / "feeders", FEW[:2])
    later.start()

    found, ends = None, time.monotonic() + 20.0
    while found is None and time.monotonic() < ends:
        time.sleep(0.002)
        found = later.take()
    assert found is not None
    assert voting(found) == sorted(recipe.name for recipe in FEW[:2])
    assert found.reads_context


@pytest.mark.parametrize("use", ["rules", "auto"])
def test_nobody_looks_where_the_rules_are_wanted_or_the_bank_is_there(tmp_path, use):
    if use == "auto":
        teach(tmp_path / "feeders", FEW[:1])

    assert later_voters(settings(tmp_path, use=use), newest=3, every=timedelta(minutes=5)) is None
