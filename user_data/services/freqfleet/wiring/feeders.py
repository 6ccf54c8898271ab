"""Who votes: the feeders of the bank, or the rules."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freqfleet.errors import SettingsError
from freqfleet.settings import Settings, load_settings

if TYPE_CHECKING:
    from freqfleet.runtime.freqai_door import BankDoor
    from freqfleet.runtime.later_voters import LaterVoters
    from freqfleet.signals.ensemble import Ensemble
    from freqfleet.signals.learned import LearnedFeeder
    from freqfleet.signals.models.bank import FeederBank
    from freqfleet.signals.recipes import Recipe

logger = logging.getLogger(__name__)


def make_ensemble(settings: Settings, *, newest: int | None = None) -> Ensemble:
    """Return who votes, and how many of them must agree; which of the two kinds it is, is logged.

    newest : score only so many candles at the end of a frame, as a live bot needs; None scores all.
    Raises SettingsError for a feeder nobody knows, or for `use = "bank"` without a version.
    """
    from freqfleet.signals.ensemble import Ensemble
    from freqfleet.signals.feeders.registry import FEEDERS

    learned = [] if settings.feeders.use == "rules" else _learned_feeders(settings, newest)
    if not learned and settings.feeders.use == "auto":
        folder = feeder_bank(settings).folder
        logger.warning(
            "no feeder bank at %s: the rule feeders vote; `freqfleet feeders train` makes one", folder
        )
    if not learned:
        if settings.feeders.use == "bank":
            raise SettingsError(
                f'[feeders] use = "bank", but {feeder_bank(settings).folder} holds no version that can be '
                "used; train one: freqfleet feeders train"
            )
        return Ensemble(FEEDERS, min_votes=settings.runtime.min_votes)
    return Ensemble(learned, min_votes=min(settings.feeders.min_votes, len(learned)))


def later_voters(settings: Settings, *, newest: int, every: timedelta) -> LaterVoters | None:
    """Return what looks for a bank that is not there yet; None where there is one, or none is wanted."""
    from freqfleet.runtime.later_voters import LaterVoters
    from freqfleet.signals.models.bank import newest_models

    recipes, bank = chosen_recipes(settings), feeder_bank(settings)
    if settings.feeders.use != "auto" or newest_models(bank, recipes):
        return None

    def look() -> Ensemble | None:
        # The one bank remembers which files are broken, so that each is said once.
        return make_ensemble(settings, newest=newest) if newest_models(bank, recipes) else None

    return LaterVoters(look, every=every)


def feeder_bank(settings: Settings) -> FeederBank:
    """Return the bank of trained feeders; a folder that is not there is an empty one."""
    from freqfleet.signals.models.bank import FeederBank

    feeders = settings.feeders
    return FeederBank(
        settings.path(feeders.bank),
        max_age=timedelta(days=feeders.max_age_days),
        only_paying=feeders.only_paying,
    )


def chosen_recipes(settings: Settings) -> tuple[Recipe, ...]:
    """Return the feeders that learn, those of `[feeders] names`; raises SettingsError for an unknown one."""
    from freqfleet.signals.feeders.registry import RECIPES

    known = {recipe.name: recipe for recipe in RECIPES}
    for name in settings.feeders.names:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"
            raise SettingsError(f"[feeders] names: no feeder {name!r} learns; {hint}")
    return tuple(known[name] for name in settings.feeders.names) or RECIPES


def _learned_feeders(settings: Settings, newest: int | None) -> list[LearnedFeeder]:
    """Return the feeders that have a model, in the order of their names; what is missing is said."""
    from freqfleet.market.features.cache import FeatureMemory
    from freqfleet.signals.learned import LearnedFeeder
    from freqfleet.signals.models.bank import newest_models

    recipes, bank = chosen_recipes(settings), feeder_bank(settings)
    models = newest_models(bank, recipes)
    if not models:
        return []
    silent = [recipe.name for recipe in recipes if recipe.name not in models]
    logger.info(
        "feeder bank %s: %d versions, %d feeders vote%s",
        bank.folder,
        len(bank.versions()),
        len(models),
        f"; without a model: {', '.join(silent)}" if silent else "",
    )
    memory = FeatureMemory()
    return [
        LearnedFeeder(recipe, bank, features=memory, newest=newest)
        for recipe in recipes
        if recipe.name in models
    ]


def open_bank_ensemble(host: Mapping[str, Any]) -> Ensemble:
    """Return the bank's feeders for a FreqAI strategy; raises SettingsError where the bank has none.

    host : freqtrade's configuration.
    """
    settings = load_settings(Path(host["user_data_dir"]))
    required = settings.feeders.model_copy(update={"use": "bank"})
    return make_ensemble(settings.model_copy(update={"feeders": required}))


def open_bank_door(host: Mapping[str, Any]) -> BankDoor:
    """Return what the FreqAI model class delegates to; raises SettingsError where the bank is empty."""
    from freqfleet.runtime.freqai_door import BankDoor

    bank = feeder_bank(load_settings(Path(host["user_data_dir"])))
    return BankDoor(open_bank_ensemble(host), [version.folder.name for version in bank.versions()])
