"""Seed 000's gate and ours on the same worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.testing.worlds.intervals import Interval, mean_interval, ratio_interval, share_interval
from freqfleet.testing.worlds.judging import Score, our_gate, score, seed_gate
from freqfleet.testing.worlds.world import Recipe, make_world
from freqfleet.validation.publication import GateRules


@dataclass(frozen=True, slots=True)
class Record:
    """How one gate did: one score per world of `pairs` pairs."""

    pairs: int
    scores: tuple[Score, ...]

    @property
    def published(self) -> Interval:
        """Return the share of all pairs that were published."""
        return mean_interval([one.published / self.pairs for one in self.scores], share=True)

    @property
    def any_published(self) -> Interval:
        """Return the share of worlds in which anything was published."""
        return share_interval(sum(one.published > 0 for one in self.scores), len(self.scores))

    @property
    def false_discovery_rate(self) -> Interval:
        """Return the mean share of false ones among the published; a world without any counts as zero."""
        return mean_interval([float(np.nan_to_num(one.false_share)) for one in self.scores], share=True)

    @property
    def power(self) -> Interval:
        """Return the share of planted pairs that were published."""
        return mean_interval([one.power for one in self.scores], share=True)

    @property
    def earned_bps(self) -> Interval:
        """Return the true improvement per planted pair, inherited ones included."""
        return mean_interval([one.earned_bps for one in self.scores])

    @property
    def target_share(self) -> Interval:
        """Return how many of the rightly published have a target within two points of the best."""
        return mean_interval([one.target_share for one in self.scores], share=True)

    @property
    def claim_ratio(self) -> Interval:
        """Return what was claimed for the published over what it is truly worth."""
        return ratio_interval(
            [one.claimed_bps * one.published for one in self.scores],
            [one.true_bps * one.published for one in self.scores],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Both gates, and how often ours certified the family (one entry per world)."""

    seed: Record
    ours: Record
    family_fires: tuple[bool, ...]

    @property
    def family_share(self) -> Interval:
        """Return the share of worlds in which the pairs together were certified."""
        return share_interval(sum(self.family_fires), len(self.family_fires))


def contest(
    recipe: Recipe,
    *,
    worlds: int,
    seed: Sequence[int],
    bps: int = 0,
    pairs: int = 150,
    trades: int = 100,
    days: int = 90,
    rules: GateRules | None = None,
    progress: Callable[[int], None] | None = None,
) -> Contest:
    """Let both gates judge so many worlds. Raises InputError for a world that cannot be made."""
    if worlds < 1:
        raise InputError(f"at least one world is needed, was {worlds}")
    seeds, ours, fires = [], [], []
    bar = (rules or GateRules()).pooled_alpha
    for number in range(worlds):
        world = make_world(
            recipe, bps=bps, pairs=pairs, trades=trades, days=days, seed=[*seed, trades, bps, number]
        )
        judged = our_gate(world, rules)
        seeds.append(score(world, seed_gate(world)))
        ours.append(score(world, judged))
        fires.append(judged.family_p <= bar)
        if progress is not None:
            progress(number + 1)
    return Contest(
        seed=Record(pairs, tuple(seeds)), ours=Record(pairs, tuple(ours)), family_fires=tuple(fires)
    )
