"""The figures about decisions: what was published, and whether training flattered it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.lines import Line2D

from freqfleet.domain.decisions import Decision, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.report.axes import bps_axis, legend_mark, percent_axis, short_label
from freqfleet.report.formats import pair_labels, to_bps
from freqfleet.report.inks import Ink
from freqfleet.report.summaries import IN_FORCE, verdict_counts
from freqfleet.report.svg import drawing, new_figure, sentence_svg, svg_text

# Long stands on its point, short hangs below it: the two sides of a pair do not hide each other.
_SIDE_MARKERS = {
    Side.LONG: ((0.0, 1.0), (-0.56, 0.0), (0.56, 0.0), (0.0, 1.0)),
    Side.SHORT: ((0.0, -1.0), (-0.56, 0.0), (0.56, 0.0), (0.0, -1.0)),
}
_SIDE_MARKER_SIZE = 19.0  # of the square around the point; a triangle fills half of its height
_MOST_NAMES = 30
_VERDICT_INKS = {
    Verdict.PUBLISHED: Ink.BOT3,
    Verdict.INHERITED: Ink.INHERITED,
    Verdict.KEPT: Ink.DEFAULTS,
    Verdict.SKIPPED: Ink.DEFAULTS,
}


def decisions_plot(decisions: Sequence[Decision], defaults: ExitParameters) -> str:
    """Draw the stop against the target of every decision with parameters, and mark the default."""
    shown = [one for one in decisions if one.parameters is not None]
    if not decisions:
        return sentence_svg("No decision was asked for.")
    if not any(one.verdict in IN_FORCE for one in shown):
        return sentence_svg("Nothing was published: every pair and side stays on the parameters it had.")
    with drawing():
        figure = new_figure(380)
        axes = figure.subplots()
        axes.axvline(defaults.stop_loss * 100.0, color=Ink.DEFAULTS.value, linewidth=0.8, linestyle=":")
        axes.axhline(defaults.take_profit * 100.0, color=Ink.DEFAULTS.value, linewidth=0.8, linestyle=":")
        for one in sorted(shown, key=lambda decision: decision.verdict in IN_FORCE):
            assert one.parameters is not None
            axes.plot(
                one.parameters.stop_loss * 100.0,
                one.parameters.take_profit * 100.0,
                marker=_SIDE_MARKERS[one.side],
                markersize=_SIDE_MARKER_SIZE,
                color=_VERDICT_INKS[one.verdict].value,
                markeredgecolor=Ink.PAPER.value,
                alpha=0.85,
                zorder=3,
            )
        axes.plot(
            defaults.stop_loss * 100.0,
            defaults.take_profit * 100.0,
            marker="X",
            markersize=11.0,
            color=Ink.TEXT.value,
            markeredgecolor=Ink.PAPER.value,
            zorder=4,
        )
        _name_points(axes, [one for one in shown if one.verdict in IN_FORCE])
        axes.margins(x=0.16, y=0.1)
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
        axes.set_xlabel("stop, position-level")
        axes.set_ylabel("target, position-level")
        figure.legend(
            handles=_decision_handles(decisions), loc="outside upper left", ncols=3, columnspacing=1.2
        )
        return svg_text(figure, "Stop against target of every decision, with the default marked")


def _decision_handles(decisions: Sequence[Decision]) -> list[Line2D]:
    counts = verdict_counts(tuple(decisions))
    found = [
        legend_mark("o", _VERDICT_INKS[verdict], f"{verdict} {counts[verdict]}")
        for verdict in (Verdict.PUBLISHED, Verdict.INHERITED, Verdict.KEPT)
        if counts[verdict]
    ]
    found += _side_handles()
    return [*found, legend_mark("X", Ink.TEXT, "default")]


def _name_points(axes: Any, decisions: Sequence[Decision]) -> None:
    """Write the pairs beside their points, those at one point together; a crowd stays unnamed."""
    labels = pair_labels(one.pair for one in decisions)
    places: dict[tuple[float, float], list[str]] = {}
    for one in decisions:
        assert one.parameters is not None
        place = (round(one.parameters.stop_loss * 100.0, 1), round(one.parameters.take_profit * 100.0, 1))
        names = places.setdefault(place, [])
        if labels[one.pair] not in names:
            names.append(labels[one.pair])
    if len(places) > _MOST_NAMES:
        return
    for place, names in places.items():
        text = ", ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")
        axes.annotate(short_label(text), place, (7, 3), textcoords="offset points", fontsize=9.0, zorder=5)


def profit_plot(decisions: Sequence[Decision]) -> str:
    """Draw the profit found in training against the profit on held-out trades, in bps a trade.

    One point for every decision that has both numbers. On the diagonal training promised what came;
    below it training flattered.
    """
    measured = [
        one
        for one in decisions
        if to_bps(one.evidence.train_profit) is not None and to_bps(one.evidence.test_profit) is not None
    ]
    if not measured:
        return sentence_svg("No decision has both a training and a held-out profit.")
    points = [
        ((one.evidence.train_profit or 0.0) * 1e4, (one.evidence.test_profit or 0.0) * 1e4)
        for one in measured
    ]
    with drawing():
        figure = new_figure(380)
        axes = figure.subplots()
        axes.axhline(0.0, color=Ink.DEFAULTS.value, linewidth=0.8)
        axes.axvline(0.0, color=Ink.DEFAULTS.value, linewidth=0.8)
        low = min(0.0, *(min(point) for point in points))
        high = max(0.0, *(max(point) for point in points))
        axes.plot([low, high], [low, high], color=Ink.DEFAULTS.value, linewidth=1.0, linestyle="--")
        for one, (train, test) in zip(measured, points, strict=True):
            filled = one.verdict in IN_FORCE
            ink = _VERDICT_INKS[one.verdict]
            axes.plot(
                train,
                test,
                marker=_SIDE_MARKERS[one.side],
                markersize=_SIDE_MARKER_SIZE - 3.0,
                color=ink.value,
                markerfacecolor=ink.value if filled else Ink.PAPER.value,
                markeredgecolor=Ink.PAPER.value if filled else ink.value,
                alpha=0.9,
                zorder=4 if filled else 3,
            )
        bps_axis(axes.xaxis)
        bps_axis(axes.yaxis)
        axes.set_xlabel("in training, bps a trade")
        axes.set_ylabel("held out, bps a trade")
        figure.legend(handles=_profit_handles(measured), loc="outside upper left", ncols=3, columnspacing=1.2)
        return svg_text(figure, "Profit in training against profit on held-out trades")


def _profit_handles(decisions: Sequence[Decision]) -> list[Line2D]:
    found = [
        legend_mark("o", _VERDICT_INKS[verdict], verdict, hollow=verdict not in IN_FORCE)
        for verdict in Verdict
        if any(one.verdict is verdict for one in decisions)
    ]
    found += _side_handles()
    equal = Line2D([], [], color=Ink.DEFAULTS.value, linewidth=1.0, linestyle="--", label="the same in both")
    return [*found, equal]


def _side_handles() -> list[Line2D]:
    return [legend_mark("^", Ink.TEXT, "long", hollow=True), legend_mark("v", Ink.TEXT, "short", hollow=True)]
