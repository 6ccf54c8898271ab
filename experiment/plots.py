"""The plots of the page: what the fleet earned in each arm, and what learning changed."""

from __future__ import annotations

import math
from itertools import accumulate
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator, date2num
from matplotlib.figure import Figure

from experiment.backtests import Arm
from experiment.effects import daily_difference, daily_profit
from experiment.study import Study
from freqfleet.demo.comparison import widening
from freqfleet.report.comparison import CONFIDENCE_FACTOR

_INKS = {Arm.DEFAULTS: "#6b7280", Arm.LEARNED: "#1d4ed8", Arm.HOLDOUT: "#c2410c"}
_LABELS = {Arm.DEFAULTS: "defaults", Arm.LEARNED: "learned, gate", Arm.HOLDOUT: "learned, seed's gate"}
_DPI = 90


def draw(study: Study, folder: Path) -> tuple[Path, Path]:
    """Write both plots of a market to `folder` and return their files."""
    return _equity(study, folder), _differences(study, folder)


def _equity(study: Study, folder: Path) -> Path:
    at = date2num(study.days)
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    panels = figure.subplots(1, len(study.bots), sharey=False)
    for panel, bot in zip(panels, study.bots, strict=True):
        for arm in Arm:
            trades = [one for one in study.trades(arm, bot=bot) if one.opened_at >= study.since]
            total = list(accumulate(100.0 * one for one in daily_profit(trades, study.days)))
            wide = 3.0 if arm is Arm.DEFAULTS else 1.4
            panel.plot(at, total, color=_INKS[arm], linewidth=wide, label=_LABELS[arm])
        panel.axhline(0.0, color="#000000", linewidth=0.5)
        panel.set_title(bot, fontsize=10)
        _dates(panel)
    panels[0].set_ylabel("% of one position, summed", fontsize=8)
    panels[0].legend(fontsize=7, frameon=False)
    return _save(figure, folder / f"experiment-{study.market.name}-equity.png")


def _differences(study: Study, folder: Path) -> Path:
    at = date2num(study.days)
    figure = Figure(figsize=(9.0, 3.0), layout="constrained")
    panel = figure.subplots()
    before = [one for one in study.trades(Arm.DEFAULTS) if one.opened_at >= study.since]
    for arm in (Arm.LEARNED, Arm.HOLDOUT):
        after = [one for one in study.trades(arm) if one.opened_at >= study.since]
        daily = [100.0 * one for one in daily_difference(before, after, study.days)]
        line = list(accumulate(daily))
        panel.plot(at, line, color=_INKS[arm], linewidth=1.6, label=_LABELS[arm])
        band = _band(daily)
        lower, upper = ([at + sign * half for at, half in zip(line, band, strict=True)] for sign in (-1, 1))
        panel.fill_between(at, lower, upper, color=_INKS[arm], alpha=0.12, linewidth=0.0)
    for step in study.walks[Arm.LEARNED]:
        if step.recorded:
            panel.axvline(date2num(step.as_of), color=_INKS[Arm.LEARNED], linewidth=0.5, alpha=0.5)
    panel.axhline(0.0, color="#000000", linewidth=0.5)
    panel.set_ylabel("over the defaults, % of one position, summed", fontsize=8)
    panel.legend(fontsize=8, frameon=False, loc="upper left")
    _dates(panel)
    return _save(figure, folder / f"experiment-{study.market.name}-difference.png")


def _band(daily: list[float]) -> list[float]:
    """Return the half width of the 95 % interval of the sum up to each day; 0 on the first one."""
    found = [0.0]
    for count in range(2, len(daily) + 1):
        mean = math.fsum(daily[:count]) / count
        variance = math.fsum((one - mean) ** 2 for one in daily[:count]) / (count - 1)
        found.append(CONFIDENCE_FACTOR * widening(count) * math.sqrt(count * variance))
    return found[: len(daily)]


def _dates(panel: Axes) -> None:
    panel.xaxis.set_major_locator(MonthLocator())
    panel.xaxis.set_major_formatter(DateFormatter("%m-%d"))
    panel.tick_params(labelsize=7)
    for edge in ("top", "right"):
        panel.spines[edge].set_visible(False)


def _save(figure: Figure, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=_DPI, metadata={"Software": None})
    return file
