"""The same report in the terminal: what fits a screen of 100 columns and 40 lines. The page has the rest."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from freqfleet.domain.decisions import Decision
from freqfleet.report.comparison import Outcome, verdict
from freqfleet.report.demo_page import DemoPage
from freqfleet.report.formats import (
    as_bps,
    as_count,
    as_percent,
    as_seconds,
    pair_labels,
    plural,
    to_bps,
)
from freqfleet.report.summaries import (
    IN_FORCE,
    inconsistencies,
    loop_steps,
    reasons_not_published,
    truth_rows,
    truth_sentence,
)

WIDTH = 100
SHOWN_DECISIONS = 6
SHOWN_REASONS = 3
SHOWN_WARNINGS = 3
_STYLES = {Outcome.BETTER: "green", Outcome.WORSE: "red"}


def print_report(page: DemoPage, console: Console | None = None) -> None:
    """Print the short report to `console`, or to the terminal, at most WIDTH columns wide."""
    screen = console or Console()
    screen.print(report(page), width=min(WIDTH, screen.width))


def report(page: DemoPage) -> RenderableType:
    """Return the short report for rich. Texts of the page are shown as they are, never as markup."""
    return Group(
        _headline(page),
        _one_line(_loop(page)),
        _bots(page),
        _published(page),
        *_reasons(page),
        *_closing(page),
    )


def _one_line(text: str, style: str = "") -> RenderableType:
    return Padding(Text(" ".join(text.split()), style=style, no_wrap=True, overflow="ellipsis"), (0, 1))


def _whole(text: str) -> RenderableType:
    """Return a text whose end says the result, on as many lines as it takes."""
    return Padding(Text(" ".join(text.split())), (0, 1))


def _headline(page: DemoPage) -> RenderableType:
    comparison = page.comparison
    text = (
        "BOT3 was not run on the held-out part: nothing can be said."
        if comparison is None
        else verdict(comparison)
    )
    title = "The test did not run" if comparison is None else comparison.outcome.headline
    style = "yellow" if comparison is None else _STYLES.get(comparison.outcome, "yellow")
    body = Text(text)
    if page.market.synthetic:
        body.append("\nSynthetic market: shows that the loop works, not that it earns.", style="dim")
    return Panel(body, title=Text(title, style=f"bold {style}"), title_align="left", border_style=style)


def _loop(page: DemoPage) -> str:
    return " > ".join(f"{as_count(step.count)} {step.name}" for step in loop_steps(page))


def _bots(page: DemoPage) -> RenderableType:
    if not page.bots:
        return _one_line("No bot was run.")
    table = _table("bot", "run", right=("trades", "won", "mean profit a trade", "account", "drawdown"))
    for run in page.bots:
        table.add_row(
            Text(run.bot),
            run.phase.value,
            as_count(run.trades),
            as_percent(run.win_ratio, 1),
            as_bps(to_bps(run.mean_position_profit_ratio)),
            as_percent(run.profit_ratio_total, sign=True),
            as_percent(run.max_drawdown_ratio),
        )
    return table


def _published(page: DemoPage) -> RenderableType:
    in_force = [one for one in page.decisions if one.verdict in IN_FORCE]
    if not in_force:
        return _one_line("Nothing was published.", style="bold")
    labels = pair_labels(one.pair for one in page.decisions)
    ordered = sorted(in_force, key=lambda one: -(one.evidence.claim_bps or 0.0))
    table = _table("learned", "side", "verdict", right=("stop", "target", "trades", "claim bps", "held out"))
    for one in ordered[:SHOWN_DECISIONS]:
        table.add_row(Text(labels[one.pair]), one.side.value, one.verdict.value, *_values(one))
    more = len(ordered) - SHOWN_DECISIONS
    if more > 0:
        table.add_row(Text(f"and {more} more", style="dim"))
    return table


def _values(one: Decision) -> tuple[str, ...]:
    exits, evidence = one.parameters, one.evidence
    return (
        as_percent(None if exits is None else exits.stop_loss),
        as_percent(None if exits is None else exits.take_profit, sign=True),
        as_count(evidence.trades),
        as_bps(evidence.claim_bps, unit=""),
        as_bps(to_bps(evidence.test_profit), unit=""),
    )


def _reasons(page: DemoPage) -> list[RenderableType]:
    reasons = reasons_not_published(page.decisions)
    lines = [_one_line(f"{one.count} {one.verdict}: {one.example}") for one in reasons[:SHOWN_REASONS]]
    rest = sum(one.count for one in reasons[SHOWN_REASONS:])
    return [*lines, _one_line(f"{rest} more for other reasons", style="dim")] if rest else lines


def _closing(page: DemoPage) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if page.market.truth:
        lines.append(_one_line(truth_sentence(truth_rows(page))))
    if page.feeders is not None:
        lines.append(_whole(page.feeders))
    warnings = (*inconsistencies(page), *page.warnings)
    lines += [_one_line(f"warning: {text}", style="yellow") for text in warnings[:SHOWN_WARNINGS]]
    if len(warnings) > SHOWN_WARNINGS:
        lines.append(
            _one_line(f"and {plural(len(warnings) - SHOWN_WARNINGS, 'more warning')}", style="yellow")
        )
    if page.steps:
        total = as_seconds(sum(step.seconds for step in page.steps))
        slowest = max(page.steps, key=lambda step: step.seconds)
        lines.append(
            _one_line(f"{total}, of which {as_seconds(slowest.seconds)} to {slowest.name}", style="dim")
        )
    return lines


def _table(*left: str, right: tuple[str, ...]) -> Table:
    # Narrow enough for numbers of every size in 80 columns: a cut number is no number.
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, header_style="bold")
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table
