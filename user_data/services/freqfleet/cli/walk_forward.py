"""`freqfleet walk-forward`: the parameter history that a live learner would have published."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation
from freqfleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from freqfleet.learning.walk_forward import Step, WalkForward
    from freqfleet.settings import Settings

_PERIOD = re.compile(r"(\d+)\s*([dh])")


@click.command("walk-forward")
@click.option("--from", "first", metavar="TIME", required=True, help="The first step (UTC).")
@click.option("--to", "last", metavar="TIME", required=True, help="No step after this time (UTC).")
@click.option("--every", default="7d", show_default=True, metavar="PERIOD", help="7d, 1d, 12h …")
@click.option("--search", metavar="NAME", help="exact (default), tpe, gp, cmaes, qmc, random or grid.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, help="Worker processes; the answer is the same."
)
@click.option(
    "--feeders",
    "with_feeders",
    is_flag=True,
    help="Train a version of the feeder bank at every step, too; minutes a step.",
)
@json_option
@click.pass_context
def walk_forward(
    ctx: click.Context,
    first: str,
    last: str,
    every: str,
    search: str | None,
    jobs: int,
    with_feeders: bool,
    json_target: str | None,
) -> None:
    """Publish the history that a live learner would have produced, each version at its own time.

    Every step learns from trades closed and candles finished before it, and from nothing else, so a backtest
    that trades on the book sees at every moment what was known then: exits, and what each leverage bin
    earned, which bots choose leverage by. Running it again changes nothing. Ends with 1 where no step
    published exits.

    freqfleet walk-forward --from 2025-08-01 --to 2025-11-01 --every 7d
    """
    from freqfleet.clock import SystemClock, iso, parse_time
    from freqfleet.learning.search import DEFAULT_SEARCH, checked_search
    from freqfleet.learning.walk_forward import WalkForward, walk_times
    from freqfleet.learning.workers import InProcess, Processes
    from freqfleet.market.leverage_tiers import load_leverage_tiers
    from freqfleet.market.past import PastCandles
    from freqfleet.wiring import open_store

    chosen_search = checked_search(search or DEFAULT_SEARCH)
    times = walk_times(parse_time(first), parse_time(last), period(every))
    now = SystemClock().now()
    if times[-1] > now:
        raise InputError(f"the step at {iso(times[-1])} lies in the future; it is {iso(now)}")
    invocation = ctx.find_object(Invocation)
    assert invocation is not None
    settings = invocation.settings()
    if with_feeders and settings.feeders.use == "rules":
        raise InputError('--feeders trains what nobody would ask: [feeders] use = "rules"; set it to "auto"')
    market = PastCandles(settings.datadir, settings.market.timeframe, settings.market.detail_timeframe)
    market.candles(times[0]).pairs()  # raises where there are no candles at all
    with closing(open_store(settings)) as store:
        walk = WalkForward(
            store=store,
            market=market,
            settings=settings,
            times=times,
            search=chosen_search,
            workers=InProcess() if jobs == 1 else Processes(jobs),
            tiers=load_leverage_tiers(),
        )
        steps = _walked(walk)
    written = _with_feeders(settings, times) if with_feeders else []
    if json_target is not None:
        from freqfleet.learning.walk_outcome import walk_document

        write_json(json_target, {**walk_document(steps), "feeder_versions": written})
    if json_target != STDOUT:
        from freqfleet.cli.walk_tables import print_walk

        print_walk(steps)
    ctx.exit(0 if any(one.versions for one in steps) else 1)


def _with_feeders(settings: Settings, times: Sequence[datetime]) -> list[dict[str, Any]]:
    """Train the versions of the bank that a feeder trainer would have made at the steps; returns them.

    What is trained depends on candles alone, not on what the walk has learned.
    """
    from freqfleet.cli.feeders import train_versions

    written, _ = train_versions(settings, lambda _: times)
    click.echo(f"{len(written)} of {len(times)} versions of the feeder bank trained", err=True)
    return written


def period(text: str) -> timedelta:
    """Read `7d` or `12h`; raises InputError with the text when it is neither."""
    from datetime import timedelta

    found = _PERIOD.fullmatch(text.strip().lower())
    if found is None:
        raise InputError(f"not a period: {text!r}; write 7d or 12h")
    count = int(found[1])
    try:
        return timedelta(days=count) if found[2] == "d" else timedelta(hours=count)
    except OverflowError:
        raise InputError(f"too long a period: {text!r}; write 7d or 12h") from None


def _walked(walk: WalkForward) -> list[Step]:
    """Walk with a progress bar on stderr; an interrupted walk says how far it came."""
    from freqfleet.cli.progress import progress_bar

    done: list[Step] = []
    with progress_bar() as progress:
        bar = progress.add_task(_day(walk.times[0]), total=None)

        def advance(pairs: int) -> None:
            at = walk.times[len(done)]
            progress.update(bar, total=pairs * len(walk.times), advance=1, description=_day(at))

        try:
            for step in walk.steps(advance):
                done.append(step)
                progress.update(bar, completed=len(step.run.outcomes) * len(done))
        except KeyboardInterrupt:
            click.echo(
                f"{len(done)} of {len(walk.times)} steps are stored; the same command goes on from here",
                err=True,
            )
            raise
    return done


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
