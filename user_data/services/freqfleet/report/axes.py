"""Axes, marks and labels that the report's figures share."""

from __future__ import annotations

from typing import Any

from matplotlib.dates import AutoDateLocator, num2date
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from freqfleet.report.formats import as_bps, typographic
from freqfleet.report.inks import Ink

_LONGEST_LABEL = 26


def legend_mark(marker: str, ink: Ink, label: str, *, hollow: bool = False) -> Line2D:
    """Return a mark with a label for a legend; `marker` is one of matplotlib's."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=7.0,
        color=ink.value,
        markerfacecolor=Ink.PAPER.value if hollow else ink.value,
        label=label,
    )


def percent_axis(axis: Any) -> None:
    """Label an axis whose numbers are already percent."""
    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: typographic(f"{value:g} %")))


def day_axis(axis: Any) -> None:
    """Label an axis of times with days, and with hours where it spans less than three days."""
    first, last = axis.get_view_interval()
    form = "%d %b" if last - first > 3.0 else "%d %b %H:%M"
    axis.set_major_locator(AutoDateLocator(minticks=3, maxticks=6 if last - first > 3.0 else 4))
    axis.set_major_formatter(FuncFormatter(lambda value, _: num2date(value).strftime(form)))


def bps_axis(axis: Any) -> None:
    """Label an axis whose numbers are basis points, signed."""
    axis.set_major_locator(MaxNLocator(nbins=7, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: typographic(as_bps(value, 0, unit=""))))


def short_label(label: str) -> str:
    """Return a label in one line that leaves room for the drawing."""
    flat = " ".join(label.split())
    return flat if len(flat) <= _LONGEST_LABEL else f"{flat[: _LONGEST_LABEL - 1]}…"
