"""A world: pairs with planted edges, their trades, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray, IntArray
from freqfleet.testing.worlds.edges import Edge, Kind, truth
from freqfleet.testing.worlds.grid import CANDLE_MS, CANDLES_A_DAY, DEFAULT_CELL, HOLD_CANDLES
from freqfleet.testing.worlds.market import SIGMAS, Trades, WorldMarket, draw_trades, replayed

BOT3_SHARE = 0.2
BOT3_WEIGHT = 3.0


class Recipe(StrEnum):
    """Which edges the pairs of a world carry."""

    NULL = "null"  # none: whatever is published is false
    LEVELS = "levels"  # half the pairs none, half a level edge (a target at 5 % or 8 %)
    MIXTURE = "mixture"  # 40 % none, 20 % reversion, 20 % momentum, 20 % level
    SHARED = "shared"  # every pair a level edge

    def kinds(self, pairs: int) -> tuple[Kind, ...]:
        """Return the kind of every pair."""
        levels = (Kind.LEVEL_5, Kind.LEVEL_8)
        cycle: dict[Recipe, tuple[Kind, ...]] = {
            Recipe.NULL: (Kind.NULL,),
            Recipe.LEVELS: (Kind.NULL, levels[0], Kind.NULL, levels[1]),
            Recipe.MIXTURE: (
                *(Kind.NULL, Kind.REVERSION, Kind.NULL, Kind.MOMENTUM, levels[0]),
                *(Kind.NULL, Kind.REVERSION, Kind.NULL, Kind.MOMENTUM, levels[1]),
            ),
            Recipe.SHARED: levels,
        }
        kinds = cycle[self]
        return tuple(kinds[pair % len(kinds)] for pair in range(pairs))


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """P pairs with n trades each over `days`.

    entered_ms, window_end_ms, weights : (P, n). profits : (P, n, CELLS), gross position-level ratios.
    edges : of every pair. truth : (P, CELLS), what each cell truly earns over the default.
    """

    days: int
    entered_ms: IntArray
    window_end_ms: IntArray
    weights: FloatArray
    profits: FloatArray
    edges: tuple[Edge, ...]
    truth: FloatArray

    @property
    def planted(self) -> BoolArray:
        """Return which pairs carry an edge."""
        return np.array([edge.kind is not Kind.NULL for edge in self.edges], dtype=np.bool_)

    def differences(self) -> FloatArray:
        """Return (P, n, CELLS): what every trade earned over the default."""
        return self.profits - self.profits[:, :, [DEFAULT_CELL]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A market with its edges: trades can be drawn on it several times."""

    market: WorldMarket
    edges: tuple[Edge, ...]
    days: int

    @classmethod
    def grown(cls, rng: np.random.Generator, recipe: Recipe, bps: int, *, pairs: int, days: int) -> Ground:
        """Return a fresh market whose pairs carry the edges of the recipe, each worth `bps`."""
        if pairs < 1:
            raise InputError(f"a world needs at least one pair, was {pairs}")
        sigmas = rng.choice(np.array(SIGMAS), pairs)
        market = WorldMarket.grown(rng, sigmas, days=days)
        edges = tuple(Edge(kind, 0 if kind is Kind.NULL else bps) for kind in recipe.kinds(pairs))
        return cls(market=market, edges=edges, days=days)

    def world(
        self,
        rng: np.random.Generator,
        *,
        trades: int,
        edge_until_day: int | None = None,
        weighted: bool = False,
    ) -> World:
        """Draw so many trades a pair and replay them.

        edge_until_day : trades entered from this day on meet no edge any more (decay). weighted : a fifth of
        the trades, at random, weighs three times the others; else all weigh 1.
        """
        if trades < 1:
            raise InputError(f"a world needs at least one trade a pair, was {trades}")
        pairs = len(self.edges)
        drawn = draw_trades(rng, pairs=pairs, per_pair=trades, days=self.days)
        shape = (pairs, trades)
        profits = self._replayed(drawn, edge_until_day)
        entered = ((drawn.entry + 1) * CANDLE_MS).reshape(shape)
        heavy = rng.random(shape) < BOT3_SHARE
        return World(
            days=self.days,
            entered_ms=entered,
            window_end_ms=entered + HOLD_CANDLES * CANDLE_MS,
            weights=np.where(heavy, BOT3_WEIGHT, 1.0) if weighted else np.ones(shape),
            profits=profits.reshape(*shape, -1),
            edges=self.edges,
            truth=self.truth(),
        )

    def truth(self) -> FloatArray:
        """Return (pairs, CELLS): what each cell truly earns over the default."""
        sigmas: Sequence[float] = self.market.sigmas.tolist()
        return np.stack([truth(edge, sigma) for edge, sigma in zip(self.edges, sigmas, strict=True)])

    def _replayed(self, drawn: Trades, edge_until_day: int | None) -> FloatArray:
        sigmas: Sequence[float] = self.market.sigmas.tolist()
        kinds = np.array([edge.kind.code for edge in self.edges])
        levels = np.array([edge.kind.level for edge in self.edges])
        drifts = np.array([edge.drift(sigma) for edge, sigma in zip(self.edges, sigmas, strict=True)])
        drift = drifts[drawn.pair]
        if edge_until_day is not None:
            drift = np.where(drawn.entry < edge_until_day * CANDLES_A_DAY, drift, 0.0)
        return replayed(self.market, drawn, kind=kinds[drawn.pair], level=levels[drawn.pair], drift=drift)


def make_world(
    recipe: Recipe,
    *,
    bps: int = 0,
    pairs: int = 150,
    trades: int = 100,
    days: int = 90,
    seed: int | Sequence[int],
) -> World:
    """Return a world; the same arguments make the same one.

    Raises InputError for a strength that is not calibrated, and for a world that holds nothing.
    """
    rng = np.random.default_rng(seed)
    return Ground.grown(rng, recipe, bps, pairs=pairs, days=days).world(rng, trades=trades)
