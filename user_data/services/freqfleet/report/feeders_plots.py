"""The figures of the feeders' report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.ticker import MaxNLocator

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.evidence import HeadEvidence
from freqfleet.learning.feeder_training.standing import Standing
from freqfleet.report.axes import bps_axis, legend_mark
from freqfleet.report.inks import Ink
from freqfleet.report.svg import drawing, new_figure, svg_text
from freqfleet.validation.blocks import Interval

INKS = {Side.LONG: Ink.BOT1, Side.SHORT: Ink.BOT2}
_OFFSETS = {Side.LONG: 0.16, Side.SHORT: -0.16}

Evidence = Mapping[tuple[str, Side], HeadEvidence]


def auc_plot(found: Sequence[Standing], evidence: Evidence) -> str:
    """Draw each head's AUC with its interval, and that of shuffled labels."""
    with drawing():
        figure = new_figure(330)
        axes = figure.subplots()
        axes.axvline(0.5, color=Ink.DEFAULTS.value, linewidth=1.0)
        for row, one in enumerate(found):
            for head in one.heads:
                at = row - _OFFSETS[head.side]
                _whisker(axes, at, head.auc, INKS[head.side])
                control = evidence[one.certificate.feeder, head.side].shuffled_auc
                if not math.isnan(control.value):
                    axes.plot(
                        control.value,
                        at,
                        marker="x",
                        color=Ink.DEFAULTS.value,
                        markersize=5.0,
                        linestyle="none",
                    )
        _feeders_axis(axes, found)
        axes.set_xlabel("area under the ROC curve, out of fold")
        marks = [*_side_marks(), legend_mark("x", Ink.DEFAULTS, "labels shuffled")]
        figure.legend(handles=marks, loc="outside upper left", ncols=3)
        return svg_text(figure, "AUC of every feeder and side with its interval")


def return_plot(found: Sequence[Standing]) -> str:
    """Draw what a vote earned after costs, and what the best rule's votes did."""
    with drawing():
        figure = new_figure(330)
        axes = figure.subplots()
        axes.axvline(0.0, color=Ink.DEFAULTS.value, linewidth=1.0)
        for row, one in enumerate(found):
            for head in one.heads:
                at = row - _OFFSETS[head.side]
                _whisker(axes, at, head.return_bps, INKS[head.side])
                if head.rule is not None:
                    axes.plot(
                        head.rule_return_bps, at, marker="D", color=Ink.INHERITED.value,
                        markersize=4.5, linestyle="none",
                    )  # fmt: skip
        _feeders_axis(axes, found)
        axes.set_xlim(-120, 120)
        bps_axis(axes.xaxis)
        axes.set_xlabel("basis points a vote, after costs, out of fold")
        marks = [*_side_marks(), legend_mark("D", Ink.INHERITED, "best rule")]
        figure.legend(handles=marks, loc="outside upper left", ncols=3)
        return svg_text(figure, "Return of the label after costs, per vote, with its interval")


def calibration_plot(one: Standing) -> str:
    """Draw said against happened, in bins of equal count."""
    with drawing():
        figure = new_figure(210)
        axes = figure.subplots()
        low, high = 1.0, 0.0
        for side in Side:
            curve = one.certificate.heads[side].metrics.get("calibration") or []
            said, won = [bin_["said"] for bin_ in curve], [bin_["won"] for bin_ in curve]
            if said:
                low, high = min(low, *said, *won), max(high, *said, *won)
            axes.plot(said, won, marker="o", markersize=3.5, color=INKS[side].value, linewidth=1.3)
        if low < high:
            axes.plot([low, high], [low, high], color=Ink.DEFAULTS.value, linewidth=0.9)
        axes.set_xlabel("said")
        axes.set_ylabel("touched the target")
        return svg_text(figure, f"Calibration of {one.certificate.feeder}")


def weeks_plot(one: Standing) -> str:
    """Draw the AUC of each week."""
    with drawing():
        figure = new_figure(210)
        axes = figure.subplots()
        axes.axhline(0.5, color=Ink.DEFAULTS.value, linewidth=0.9)
        for side in Side:
            weeks = one.certificate.heads[side].metrics.get("weeks") or []
            values = [week["auc"] if week["auc"] is not None else math.nan for week in weeks]
            axes.plot(
                range(1, len(values) + 1),
                values,
                marker="o",
                markersize=3.5,
                color=INKS[side].value,
                linewidth=1.3,
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("week out of fold")
        axes.set_ylabel("AUC")
        return svg_text(figure, f"AUC of {one.certificate.feeder} week by week")


def likeness_plot(names: Sequence[str], table: Sequence[Sequence[float]], side: Side) -> str:
    """Draw the matrix of rank correlations with its numbers."""
    with drawing():
        figure = new_figure(400)
        axes = figure.subplots()
        axes.grid(visible=False)
        count = len(names)
        for row in range(count):
            for column in range(count):
                value = table[row][column]
                if row == column or math.isnan(value):
                    continue
                size = 26.0 * math.sqrt(abs(value))
                ink = INKS[side] if value > 0 else Ink.INHERITED
                axes.plot(
                    column, row, marker="s", markersize=size, color=ink.value, alpha=0.35, linestyle="none"
                )
                axes.annotate(f"{value:.2f}", (column, row), ha="center", va="center", fontsize=10.0)
        axes.set_xlim(-0.6, count - 0.4)
        axes.set_ylim(count - 0.4, -0.6)
        axes.set_xticks(range(count), names, rotation=45, ha="right")
        axes.set_yticks(range(count), names)
        return svg_text(figure, f"Rank correlation of {side} scores")


def _whisker(axes: Any, at: float, interval: Interval, ink: Ink) -> None:
    if math.isnan(interval.value):
        return
    if not math.isnan(interval.low):
        axes.plot([interval.low, interval.high], [at, at], color=ink.value, linewidth=1.8)
    axes.plot(interval.value, at, marker="o", markersize=5.0, color=ink.value, linestyle="none")


def _feeders_axis(axes: Any, found: Sequence[Standing]) -> None:
    axes.set_yticks(range(len(found)), [one.certificate.feeder for one in found])
    axes.set_ylim(len(found) - 0.5, -0.5)


def _side_marks() -> list[Any]:
    return [legend_mark("o", INKS[side], str(side)) for side in Side]
