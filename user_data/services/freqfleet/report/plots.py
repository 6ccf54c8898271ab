"""The figures about runs: accounts, exits, learned against defaults. Each says where it is empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.dates import date2num
from matplotlib.lines import Line2D

from freqfleet.domain.exits import STOP_REASONS, ExitSource
from freqfleet.report.axes import bps_axis, day_axis, legend_mark, percent_axis, short_label
from freqfleet.report.comparison import CONFIDENCE_FACTOR, Comparison, Difference
from freqfleet.report.demo_page import BotRun, Phase
from freqfleet.report.formats import (
    as_count,
    as_percent,
    pair_labels,
    plural,
    typographic,
)
from freqfleet.report.inks import Ink
from freqfleet.report.svg import drawing, new_figure, sentence_svg, svg_text

_LONG_DASHES = (0, (6.0, 1.5))
_BOT_INKS = {"BOT1": Ink.BOT1, "BOT2": Ink.BOT2, "BOT3": Ink.BOT3}


def equity_plot(runs: Sequence[BotRun]) -> str:
    """Draw the account of each run in percent of its starting wallet, one line a run.

    Runs without a recorded account are named in the legend and have no line.
    """
    if not any(run.equity for run in runs):
        traded = any(run.trades for run in runs)
        return sentence_svg(
            "The account was not recorded." if traded else "No trades, so no account to draw."
        )
    with drawing():
        figure = new_figure(270)
        axes = figure.subplots()
        axes.axhline(0.0, color=Ink.DEFAULTS.value, linewidth=0.8)
        handles = []
        for run in runs:
            ink, style = run_ink(run), _LONG_DASHES if run.phase is Phase.DEFAULTS else "-"
            start = run.equity[0][1] if run.equity else 0.0
            if start > 0.0:
                times = [date2num(moment) for moment, _ in run.equity]
                profits = [(account / start - 1.0) * 100.0 for _, account in run.equity]
                axes.plot(times, profits, linestyle=style, color=ink.value, linewidth=1.7)
            handles.append(
                Line2D([], [], color=ink.value, linestyle=style, linewidth=2.4, label=_run_label(run))
            )
        percent_axis(axes.yaxis)
        day_axis(axes.xaxis)
        axes.set_ylabel("of the starting wallet")
        figure.legend(
            handles=handles, loc="outside upper left", ncols=min(len(handles), 3), columnspacing=1.2
        )
        names = ", ".join(typographic(_run_label(run)) for run in runs)
        return svg_text(figure, f"Account over time: {names}")


def run_ink(run: BotRun) -> Ink:
    """Return the colour of a run: the bot's own, grey for the run with defaults."""
    return Ink.DEFAULTS if run.phase is Phase.DEFAULTS else _BOT_INKS.get(run.bot, Ink.INHERITED)


def _run_label(run: BotRun) -> str:
    name = run.bot if run.phase is Phase.LEARNING else f"{run.bot} {run.phase}"
    if run.trades == 0:
        return f"{name}: no trades"
    if not run.equity:
        return f"{name}: not recorded"
    return typographic(f"{name} {as_percent(run.profit_ratio_total, 1, sign=True)}")


def exit_reasons_plot(default: BotRun | None, learned: BotRun | None) -> str:
    """Draw how positions ended, as the share of each run's trades: defaults above, learned below."""
    runs = [run for run in (default, learned) if run is not None and sum(run.exit_reasons.values()) > 0]
    if not runs:
        traded = any(run is not None and run.trades for run in (default, learned))
        return sentence_svg(
            "Exit reasons were not recorded." if traded else "No trades, so no exits to show."
        )
    totals = {id(run): sum(run.exit_reasons.values()) for run in runs}
    reasons = sorted({reason for run in runs for reason in run.exit_reasons}, key=_exit_order)
    with drawing():
        figure = new_figure(70 + 42 * len(reasons))
        axes = figure.subplots()
        height = 0.36
        for run in runs:
            offset = (-0.5 if run is default else 0.5) * (height + 0.04) if len(runs) > 1 else 0.0
            shares = [run.exit_reasons.get(reason, 0) / totals[id(run)] * 100.0 for reason in reasons]
            rows = [row + offset for row in range(len(reasons))]
            label = f"{'defaults' if run is default else 'learned'}, {plural(totals[id(run)], 'exit')}"
            axes.barh(rows, shares, height=height, color=run_ink(run).value, label=label)
            for row, share, reason in zip(rows, shares, reasons, strict=True):
                count = run.exit_reasons.get(reason, 0)
                text = f"{share:.0f} %  ({as_count(count)})" if count else "none"
                axes.annotate(text, (share, row), (4, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(reasons)), [short_label(reason) for reason in reasons])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(0.0, axes.get_xlim()[1] * 1.22)
        percent_axis(axes.xaxis)
        axes.set_xlabel("of the run's exits")
        figure.legend(loc="outside upper left", ncols=2)
        return svg_text(figure, "How positions ended, with defaults and with what was learned")


def _exit_order(reason: str) -> tuple[int, str]:
    """Stops first, then targets, then the rest: what one run calls otherwise stands side by side."""
    targets = {source.target_reason for source in ExitSource}
    return (0 if reason in STOP_REASONS else 1 if reason in targets else 2), reason


def comparison_plot(comparison: Comparison | None) -> str:
    """Draw learned minus default per pair in bps a trade with 95 % intervals, and the total below.

    A filled mark: learned parameters were in force on a side of the pair. Hollow: both runs traded the
    defaults there. Pairs without trades in both runs are named, not drawn.
    """
    if comparison is None:
        return sentence_svg("The test on the held-out part did not run.")
    drawn = [line for line in comparison.pairs if line.difference.difference_bps is not None]
    if not drawn:
        return sentence_svg("No pair has trades in both runs, so no difference can be drawn.")
    drawn.sort(key=lambda line: line.difference.difference_bps or 0.0, reverse=True)
    labels = pair_labels(line.pair for line in comparison.pairs)
    rows = [(labels[line.pair], line.difference, bool(line.learned_sides)) for line in drawn]
    rows.append(("all trades", comparison.total, any(filled for _, _, filled in rows)))
    absent = len(comparison.pairs) - len(drawn)
    with drawing():
        figure = new_figure(112 + 23 * len(rows))
        axes = figure.subplots()
        axes.axvline(0.0, color=Ink.DEFAULTS.value, linewidth=1.0)
        axes.axhline(len(rows) - 1.5, color=Ink.GRID.value, linewidth=1.0)
        for row, (_, difference, filled) in enumerate(rows):
            _interval_mark(axes, row, difference, filled=filled, total=row == len(rows) - 1)
        axes.set_yticks(range(len(rows)), [short_label(label) for label, _, _ in rows])
        axes.get_yticklabels()[-1].set_fontweight("bold")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        bps_axis(axes.xaxis)
        note = f"; {plural(absent, 'pair')} without trades in both runs left out" if absent else ""
        axes.set_xlabel(f"learned minus defaults, bps a trade{note}")
        figure.legend(
            handles=[
                legend_mark("o", Ink.BOT3, "learned parameters in force"),
                legend_mark("o", Ink.DEFAULTS, "defaults in both runs", hollow=True),
            ],
            loc="outside upper left",
            ncols=2,
        )
        return svg_text(figure, "Learned minus defaults for each pair, in basis points a trade")


def _interval_mark(axes: Any, row: int, difference: Difference, *, filled: bool, total: bool) -> None:
    ink = Ink.BOT3 if filled else Ink.DEFAULTS
    middle = difference.difference_bps
    if middle is None:
        return
    if difference.interval_bps is not None:
        reach = CONFIDENCE_FACTOR * (difference.difference_se_bps or 0.0)
        axes.errorbar(middle, row, xerr=reach, color=ink.value, linewidth=3.0 if total else 1.5, zorder=2)
    axes.plot(
        middle,
        row,
        marker="D" if total else "o",
        markersize=8.0 if total else 7.0,
        color=ink.value,
        markerfacecolor=ink.value if filled else Ink.PAPER.value,
        zorder=3,
    )
