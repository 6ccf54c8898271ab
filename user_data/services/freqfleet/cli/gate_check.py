"""`freqfleet gate-check`: try to fool the publication gate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json

if TYPE_CHECKING:
    from freqfleet.cli.program import Invocation
    from freqfleet.testing.worlds.contest import Contest, Record
    from freqfleet.testing.worlds.intervals import Interval

WORLDS = {
    "null": "no pair rewards anything: whatever is published is false",
    "levels": "half the pairs reward a target at 5 % or 8 %",
    "mixture": "40 % nothing, 20 % a near target, 20 % a far one, 20 % a level",
    "shared": "every pair rewards a level",
}


@click.command(name="gate-check")
@click.option(
    "--world",
    type=click.Choice(list(WORLDS)),
    default="null",
    show_default=True,
    help="; ".join(f"{name}: {text}" for name, text in WORLDS.items()) + ".",
)
@click.option("--edge", "bps", default=50, show_default=True, help="What an edge is worth, bps a trade.")
@click.option("--pairs", type=click.IntRange(min=1), default=150, show_default=True, help="Of a world.")
@click.option("--trades", type=click.IntRange(min=1), default=100, show_default=True, help="Per pair.")
@click.option("--days", type=click.IntRange(min=8), default=90, show_default=True, help="Of a world.")
@click.option("--worlds", type=click.IntRange(min=1), default=10, show_default=True, help="How many.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="The same seed makes the same worlds.",
)
@click.option(
    "--min-trades", type=click.IntRange(min=1), help="Instead of fleet.toml's [optimizer] min_trades."
)
@json_option
@click.pass_obj
def gate_check(
    invocation: Invocation,
    world: str,
    bps: int,
    pairs: int,
    trades: int,
    days: int,
    worlds: int,
    seed: int,
    min_trades: int | None,
    json_target: str | None,
) -> None:
    """Make markets whose truth is known, and compare what two gates publish there.

    `seed gate` optimises on the first 70 % of a pair's trades and publishes where the rest earns money.
    `freqfleet` is the gate of `freqfleet optimize`, with the bars of fleet.toml. Everything is synthetic.
    """
    from freqfleet.testing.worlds.contest import contest
    from freqfleet.testing.worlds.world import Recipe
    from freqfleet.validation.publication import GateRules

    settings = invocation.settings()
    bars = settings.gate
    rules = GateRules(
        fdr=bars.fdr,
        pooled_alpha=bars.pooled_alpha,
        claim_min_bps=bars.claim_min_bps,
        min_trades=settings.optimizer.min_trades,
        min_nonzero=bars.min_nonzero,
    )
    if min_trades is not None:
        rules = replace(rules, min_trades=min_trades)
    recipe = Recipe(world)
    with _Bar(worlds) as advance:
        found = contest(
            recipe,
            worlds=worlds,
            seed=[seed],
            bps=0 if recipe is Recipe.NULL else bps,
            pairs=pairs,
            trades=trades,
            days=days,
            rules=rules,
            progress=advance,
        )
    if json_target is not None:
        asked = {
            "world": world,
            "pairs": pairs,
            "trades": trades,
            "days": days,
            "worlds": worlds,
            "seed": seed,
        }
        edge = {} if recipe is Recipe.NULL else {"edge_bps": bps}
        write_json(json_target, {**asked, **edge, "min_trades": rules.min_trades, **_as_json(found)})
    if json_target != STDOUT:
        what = WORLDS[world] if recipe is Recipe.NULL else f"{WORLDS[world]}, worth {bps} bps a trade"
        _print(
            found, f"{worlds} worlds of {pairs} pairs, {trades} trades a pair in {days} days: {what}", rules
        )


class _Bar:
    """A bar on stderr; shown on a terminal only."""

    def __init__(self, worlds: int) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._bar = Progress(console=console, disable=not console.is_terminal, transient=True)
        self._task = self._bar.add_task("judging worlds", total=worlds)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda done: self._bar.update(self._task, completed=done)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _rows(record: Record) -> dict[str, tuple[Interval, str, float]]:
    """Return name -> (value, unit, scale) of everything that is said about a gate."""
    return {
        "pairs published": (record.published, " %", 100.0),
        "worlds with any publication": (record.any_published, " %", 100.0),
        "published although nothing is earned": (record.false_discovery_rate, " %", 100.0),
        "planted pairs published": (record.power, " %", 100.0),
        "earned per planted pair, family included": (record.earned_bps, " bps", 1.0),
        "target within 2 points of the best": (record.target_share, " %", 100.0),
        "claimed over true improvement": (record.claim_ratio, "", 1.0),
    }


def _print(found: Contest, title: str, rules: Any) -> None:
    import math

    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from freqfleet.cli.screen import screen

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column("seed gate", justify="right")
    table.add_column("freqfleet", justify="right")
    seed, ours = _rows(found.seed), _rows(found.ours)
    for name, (value, unit, scale) in seed.items():
        digits = 2 if scale == 1.0 and not unit else 1
        mine = ours[name][0]
        if math.isnan(value.value) and math.isnan(mine.value):
            continue  # this world has nothing of the kind
        table.add_row(
            name, value.text(unit, scale=scale, digits=digits), mine.text(unit, scale=scale, digits=digits)
        )
    table.add_row("worlds whose family is certified", "-", found.family_share.text(" %", scale=100.0))
    console = screen()
    console.print(title, soft_wrap=True)
    console.print(table)
    console.print(
        f"In brackets: 95 % confidence over worlds. freqfleet asks for {rules.min_trades} trades a pair, "
        f"{rules.fdr:.0%} false among the published at most.",
        soft_wrap=True,
    )
    console.print(
        "SYNTHETIC markets: this says how the gate errs, not what a fleet will earn.", style="yellow"
    )


def _as_json(found: Contest) -> dict[str, Any]:
    def plain(record: Record) -> dict[str, Any]:
        names = ("published", "any_published", "false_discovery_rate", "power", "earned_bps", "target_share")
        values = {name: _interval(getattr(record, name)) for name in (*names, "claim_ratio")}
        return {**values, "published_per_world": [one.published for one in record.scores]}

    return {
        "seed_gate": plain(found.seed),
        "freqfleet": {**plain(found.ours), "family_certified": _interval(found.family_share)},
    }


def _interval(value: Interval) -> dict[str, float | None]:
    from freqfleet.domain.known import known

    return {"value": known(value.value), "low": known(value.low), "high": known(value.high)}
