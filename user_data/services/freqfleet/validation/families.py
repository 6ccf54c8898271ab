"""Families: which units learn from each other, decided before any result is seen.

Chosen after the results, families would be a way to search for luck. Side, kind of bot and volatility
tercile are known beforehand; a label that would leave a small family splits nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError

SMALLEST_FAMILY = 12
TERCILES = ("calm", "middling", "wild")
EVERYTHING = "all"
DIMENSIONS = ("side", "bot_kind", "volatility")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLabels:
    """What is known about a unit beforehand. volatility_ratio : for example ATR over price."""

    side: str
    bot_kind: str
    volatility_ratio: float


def families(
    labels: Sequence[UnitLabels],
    *,
    by: Sequence[str] = DIMENSIONS,
    smallest: int = SMALLEST_FAMILY,
) -> tuple[str, ...]:
    """Return the family of every unit, for example `long/meta/calm`, in their order.

    by : the labels to split by, in this order. A family is split by a label only where every part keeps at
    least `smallest` units; volatility is cut into terciles of the family that is split.
    Raises InputError for a label that does not exist and for a volatility that is not a number.
    """
    for dimension in by:
        if dimension not in DIMENSIONS:
            raise InputError(f"units have no label {dimension!r}; there are {', '.join(DIMENSIONS)}")
    for one in labels:
        if "volatility" in by and not np.isfinite(one.volatility_ratio):
            raise InputError(f"a volatility must be a number, was {one.volatility_ratio}")
    names = [""] * len(labels)
    _divide(labels, list(range(len(labels))), tuple(by), (), smallest, names)
    return tuple(names)


def _divide(
    labels: Sequence[UnitLabels],
    members: list[int],
    by: tuple[str, ...],
    path: tuple[str, ...],
    smallest: int,
    names: list[str],
) -> None:
    if not by:
        for at in members:
            names[at] = "/".join(path) or EVERYTHING
        return
    parts = _parts(labels, members, by[0])
    if len(parts) > 1 and all(len(part) >= smallest for part in parts.values()):
        for name in sorted(parts):
            _divide(labels, parts[name], by[1:], (*path, name), smallest, names)
    else:
        _divide(labels, members, by[1:], path, smallest, names)


def _parts(labels: Sequence[UnitLabels], members: list[int], dimension: str) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = {}
    if dimension == "volatility":
        ordered = sorted(members, key=lambda at: (labels[at].volatility_ratio, at))
        for rank, at in enumerate(ordered):
            parts.setdefault(TERCILES[rank * len(TERCILES) // len(ordered)], []).append(at)
        return {name: sorted(part) for name, part in parts.items()}
    for at in members:
        parts.setdefault(str(getattr(labels[at], dimension)), []).append(at)
    return parts
