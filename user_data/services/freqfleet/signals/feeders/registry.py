"""The feeders there are: one file each in this folder, found by itself.

A file says who it is by `FEEDER`: a rule (something with `score`) or a `Recipe` that learns. Adding a
file adds a feeder, removing it removes one; nothing else mentions them. docs/feeders.md shows how.
"""

from __future__ import annotations

import importlib
import pkgutil

from freqfleet.errors import InputError
from freqfleet.signals import feeders
from freqfleet.signals.feeder import Feeder
from freqfleet.signals.recipes import Recipe


def _found() -> tuple[Feeder | Recipe, ...]:
    """Return what every file of this folder calls FEEDER, in the order of the files' names."""
    found: list[Feeder | Recipe] = []
    for module in pkgutil.iter_modules(feeders.__path__):
        if module.name == "registry":
            continue
        feeder = getattr(importlib.import_module(f"{feeders.__name__}.{module.name}"), "FEEDER", None)
        if feeder is None:
            raise InputError(f"signals/feeders/{module.name}.py has no FEEDER; docs/feeders.md shows one")
        if feeder.name != module.name:
            raise InputError(
                f"signals/feeders/{module.name}.py calls its feeder {feeder.name!r}; file and feeder have "
                "one name"
            )
        found.append(feeder)
    return tuple(found)


_ALL = _found()

# The order decides which feeder a tag names when two are equally sure.
FEEDERS: tuple[Feeder, ...] = tuple(one for one in _ALL if not isinstance(one, Recipe))
"""The rules: they need no training, and are the baselines of those that learn."""

RECIPES: tuple[Recipe, ...] = tuple(one for one in _ALL if isinstance(one, Recipe))
"""The feeders that learn; `signals.learned` gives them their models."""
