"""The feeders' report: one HTML page, with a verdict that the numbers allow and no other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.evidence import CONTROL_LEVEL, HeadEvidence, likeness
from freqfleet.learning.feeder_training.standing import HeadStanding, Standing
from freqfleet.report.feeders_plots import (
    auc_plot,
    calibration_plot,
    likeness_plot,
    return_plot,
    weeks_plot,
)
from freqfleet.report.html import page_environment, write_whole
from freqfleet.report.inks import DARK_INKS, Ink
from freqfleet.validation.blocks import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedersPage:
    """What the page shows. market : a sentence about the candles; command : how to make it again."""

    created_at: datetime
    market: str
    command: str
    cpu_seconds: float
    standings: tuple[Standing, ...]
    evidence: Mapping[tuple[str, Side], HeadEvidence]
    ideas: Mapping[str, str]


def verdict(page: FeedersPage) -> str:
    """Return the one sentence that the page begins with."""
    heads = [(one, head) for one in page.standings for head in one.heads]
    informed = [head for _one, head in heads if head.auc.low > 0.5]
    paying = [(one, head) for one, head in heads if head.pays]
    knows = f"{len(informed)} of {len(heads)} heads rank candles better than chance"
    if not paying:
        return f"{knows}; none of them shows an edge after costs."
    names = ", ".join(f"{one.certificate.feeder} {head.side}" for one, head in paying)
    return (
        f"{knows}; {len(paying)} show an edge after costs ({names}). Of {len(heads)} heads, one in forty "
        "would by chance."
    )


def controls(page: FeedersPage) -> str:
    """Return what the shuffled labels showed."""
    known = [one.shuffled_auc for one in page.evidence.values() if not math.isnan(one.shuffled_auc.low)]
    inside = sum(one.holds(0.5) for one in known)
    return (
        f"Control: with labels dealt out anew, {inside} of {len(known)} heads have 0.5 inside their interval "
        f"({CONTROL_LEVEL:.2%}, so that all of them together hold with 95 %). {_leak(inside, len(known))}"
    )


def _leak(inside: int, known: int) -> str:
    return "Nothing leaks." if inside == known else "Something may leak: look there before believing any."


def render_feeders(page: FeedersPage) -> str:
    """Return the whole page as HTML; only our figures are markup."""
    names = [one.certificate.feeder for one in page.standings]
    tables = {
        side: [[likeness(page.evidence[a, side], page.evidence[b, side]) for b in names] for a in names]
        for side in Side
    }
    return (
        page_environment()
        .get_template("feeders.html.j2")
        .render(
            page=page,
            verdict=verdict(page),
            controls=controls(page),
            light={ink.name.lower(): ink.value for ink in Ink},
            dark={ink.name.lower(): value for ink, value in DARK_INKS.items()},
            rows=[(one, head, _cells(one, head)) for one in page.standings for head in one.heads],
            auc=Markup(auc_plot(page.standings, page.evidence)),  # noqa: S704 - our own figure
            returns=Markup(return_plot(page.standings)),  # noqa: S704
            alike={side: Markup(likeness_plot(names, tables[side], side)) for side in Side},  # noqa: S704
            details=[
                {
                    "one": one,
                    "calibration": Markup(calibration_plot(one)),  # noqa: S704
                    "weeks": Markup(weeks_plot(one)),  # noqa: S704
                    "importance": {
                        side: page.evidence[one.certificate.feeder, side].importance[:6] for side in Side
                    },
                }
                for one in page.standings
            ],
            skipped=_skipped(page.standings),
        )
    )


def write_feeders(page: FeedersPage, file: Path) -> None:
    """Write the page to `file`, whole or not at all."""
    write_whole(file, render_feeders(page))


def _cells(one: Standing, head: HeadStanding) -> dict[str, str]:
    metrics = one.certificate.heads[head.side].metrics
    return {
        "auc": _interval(head.auc, "{:.3f}"),
        "won": _number(metrics.get("won_share"), "{:.1%}"),
        "precision": _interval(head.precision, "{:.1%}"),
        "votes": f"{head.votes:,}",
        "bps": _interval(head.return_bps, "{:+.1f}"),
        "rule": "–" if head.rule is None else f"{head.rule} {head.rule_return_bps:+.1f}",
        "error": _number(metrics.get("calibration_error"), "{:.3f}"),
        "trees": str(metrics.get("trees", 0)),
    }


def _skipped(found: Sequence[Standing]) -> dict[str, str]:
    skipped: dict[str, str] = {}
    for one in found:
        for pair, reason in one.certificate.skipped_pairs.items():
            skipped.setdefault(pair, f"{one.certificate.feeder}: {reason}")
    return skipped


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _interval(one: Interval, form: str) -> str:
    if math.isnan(one.value):
        return "–"
    if math.isnan(one.low):
        return form.format(one.value)
    return f"{form.format(one.value)} [{form.format(one.low)}, {form.format(one.high)}]"
