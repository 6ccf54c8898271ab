"""`python -m bench.gate_alternatives`: the publication gate beside variants of itself.

Behind docs/decisions/0009-publication-gate.md. Prints Markdown; seeds are fixed; nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import click
import numpy as np
from scipy.special import digamma, polygamma, stdtr

from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.testing.worlds.grid import DEFAULT_CELL
from freqfleet.testing.worlds.intervals import mean_interval
from freqfleet.testing.worlds.judging import folds_of, held_out_differences
from freqfleet.testing.worlds.world import Recipe, World, make_world
from freqfleet.validation.clustered import mean_test
from freqfleet.validation.multiplicity import benjamini_hochberg, simes
from freqfleet.validation.publication import BPS, GateRules
from freqfleet.validation.selection import KEEP

CASES = ((Recipe.NULL, 0, 100), (Recipe.LEVELS, 50, 100), (Recipe.LEVELS, 50, 250), (Recipe.LEVELS, 100, 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """What a variant decides by, of the pairs of one world. large : whose claim is large enough."""

    mean: FloatArray
    variance: FloatArray
    df: FloatArray
    pooled_p: float
    large: BoolArray
    false: BoolArray
    planted: BoolArray


@click.command()
@click.option("--null", "null_worlds", default=60, show_default=True, help="Edge-free worlds.")
@click.option(
    "--planted", "planted_worlds", default=16, show_default=True, help="Worlds of every other case."
)
@click.option("--seed", default=11, show_default=True)
def main(null_worlds: int, planted_worlds: int, seed: int) -> None:
    """Compare variants of the gate on the same worlds."""
    click.echo("| case | variant | worlds with any publication | FDR | planted pairs published |")
    click.echo("|---|---|---|---|---|")
    for recipe, bps, trades in CASES:
        count = null_worlds if recipe is Recipe.NULL else planted_worlds
        worlds = [
            _tested(make_world(recipe, bps=bps, trades=trades, seed=[seed, bps, trades, number]))
            for number in range(count)
        ]
        for name, cells in _outcomes(worlds):
            what = "edge-free" if recipe is Recipe.NULL else f"{bps} bps"
            click.echo(f"| {what}, {trades} trades | {name} | {' | '.join(cells)} |")


def _outcomes(worlds: list[Tested]) -> Iterator[tuple[str, list[str]]]:
    decided = [_variants(one) for one in worlds]
    for name in decided[0]:
        published = [one[name] for one in decided]
        false = [
            float(world.false[chosen].mean()) if chosen.any() else 0.0
            for world, chosen in zip(worlds, published, strict=True)
        ]
        power = [
            float(chosen[world.planted].mean()) if world.planted.any() else np.nan
            for world, chosen in zip(worlds, published, strict=True)
        ]
        any_world = float(np.mean([chosen.any() for chosen in published]))
        yield (
            name,
            [
                f"{any_world:.1%}",
                mean_interval(false, share=True).text(" %", scale=100.0),
                mean_interval(power, share=True).text(" %", scale=100.0),
            ],
        )


def _variants(world: Tested) -> Mapping[str, BoolArray]:
    rules = GateRules()
    known = world.df > 0.0
    plain = _tails(world.mean, world.variance, world.df, known)
    moderated = _tails(*_moderated(world, known), known)
    nothing = np.zeros(len(plain), dtype=np.bool_)

    def two_steps(p_values: FloatArray, fdr: float) -> BoolArray:
        opened = min(simes(p_values), world.pooled_p) <= rules.pooled_alpha
        return benjamini_hochberg(p_values, fdr) & world.large if opened else nothing

    return {
        "Benjamini-Hochberg at once, 5 %": benjamini_hochberg(plain, 0.05) & world.large,
        "two steps, 5 % (in force)": two_steps(plain, 0.05),
        "two steps, 7 %": two_steps(plain, 0.07),
        "two steps, 5 %, moderated variances": two_steps(moderated, 0.05),
    }


def _moderated(world: Tested, known: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Shrink the variances of the pairs towards each other; source: Smyth (2004)."""
    variance, df = world.variance[known], world.df[known]
    logs = np.log(variance) - digamma(df / 2) + np.log(df / 2)
    spread = float(logs.var(ddof=1) - polygamma(1, df / 2).mean())
    prior_df = 2.0 * _inverse_trigamma(spread) if spread > 0.0 else 1e6
    prior = float(np.exp(logs.mean() + digamma(prior_df / 2) - np.log(prior_df / 2)))
    shrunk, total = world.variance.copy(), world.df.copy()
    shrunk[known] = (prior_df * prior + df * variance) / (prior_df + df)
    total[known] = prior_df + df
    return world.mean, shrunk, total


def _inverse_trigamma(value: float) -> float:
    guess = 0.5 + 1.0 / value
    for _ in range(50):
        trigamma = float(polygamma(1, guess))
        guess += trigamma * (1.0 - trigamma / value) / float(polygamma(2, guess))
    return guess


def _tails(mean: FloatArray, variance: FloatArray, df: FloatArray, known: BoolArray) -> FloatArray:
    p_values = np.ones(len(mean))
    p_values[known] = stdtr(df[known], -mean[known] / np.sqrt(variance[known]))
    return p_values


def _tested(world: World) -> Tested:
    units, selection, values = held_out_differences(
        list(world.differences()),
        list(world.entered_ms),
        list(world.window_end_ms),
        list(world.weights),
        folds_of(world),
    )
    tests = [mean_test(v, np.ones(len(v)), at) for v, at in zip(values, world.entered_ms, strict=True)]
    everything = np.concatenate(values)
    pooled = mean_test(everything, np.ones(len(everything)), world.entered_ms.ravel())
    cells = np.where(selection.cells[:, -1] == KEEP, DEFAULT_CELL, selection.cells[:, -1])
    claims = np.array([selection.claim_ratio(at) * BPS for at in range(len(units))])
    return Tested(
        mean=np.array([one.mean for one in tests]),
        variance=np.array([one.standard_error**2 for one in tests]),
        df=np.array([one.effective_df for one in tests]),
        pooled_p=pooled.p_value,
        large=claims >= GateRules().claim_min_bps,
        false=world.truth[np.arange(len(cells)), cells] <= 0.0,
        planted=world.planted,
    )


if __name__ == "__main__":
    main()
