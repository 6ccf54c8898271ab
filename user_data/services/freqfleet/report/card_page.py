"""The report card as one HTML file that needs no network, and its JSON beside it.

The list and every table stand in the HTML and can be read without a script. The script sorts, filters and
draws the heatmaps from the packed surfaces, each when it comes into view.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from freqfleet.domain.decisions import Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.report import formats
from freqfleet.report.card import DecayLine, PairCard, ReportCard, Surface, card_json
from freqfleet.report.card_rows import groups, seed_words
from freqfleet.report.card_surface import beyond, packed_mask, packed_profit, place, pooled
from freqfleet.report.html import page_environment, write_whole
from freqfleet.report.inks import DARK_INKS, Ink

CARD_FILE = "card.html"
JSON_FILE = "card.json"
_IN_FORCE = (Verdict.PUBLISHED, Verdict.INHERITED)
_DECAY_PAIRS = 10  # shown beside the families; with hundreds of pairs nobody reads on
_ORDER = {Verdict.PUBLISHED: 0, Verdict.INHERITED: 1, Verdict.KEPT: 2, Verdict.SKIPPED: 3}


def render_card(card: ReportCard) -> str:
    """Return the whole page as HTML. Every text of the card is escaped."""
    shown = sorted(
        card.pairs,
        key=lambda one: (
            _ORDER[one.decision.verdict],
            -(one.decision.evidence.claim_bps or 0.0),
            one.decision.pair,
            one.decision.side.value,
        ),
    )
    return (
        page_environment()
        .get_template("card.html.j2")
        .render(
            card=card,
            shown=shown,
            labels=formats.pair_labels(one.decision.pair for one in shown),
            groups=[groups(one) for one in shown],
            headline=_headline(card),
            explained=_explained(card),
            tone="good" if any(card.verdicts()[verdict] for verdict in _IN_FORCE) else "even",
            crossed=_crossed(card),
            decay=_decay_shown(card),
            decay_word=_decay_word,
            widest=max((step.count for step in card.funnel), default=0),
            seed_words=seed_words,
            surfaces=_script_json(_surfaces(shown)),
            light={ink.name.lower(): ink.value for ink in Ink},
            dark={ink.name.lower(): value for ink, value in DARK_INKS.items()},
        )
    )


def write_card(card: ReportCard, folder: Path) -> tuple[Path, Path]:
    """Write `card.html` and `card.json` into `folder`, each whole or not at all; returns both files."""
    page, document = folder / CARD_FILE, folder / JSON_FILE
    write_whole(page, render_card(card))
    write_whole(document, json.dumps(card_json(card), separators=(",", ":"), allow_nan=False) + "\n")
    return page, document


def _headline(card: ReportCard) -> str:
    verdicts = card.verdicts()
    published, inherited = verdicts[Verdict.PUBLISHED], verdicts[Verdict.INHERITED]
    total = len(card.pairs)
    if total == 0:
        return "No pair was asked for"
    if published + inherited == 0:
        return f"Nothing was published in {formats.plural(total, 'decision')}"
    also = f", {formats.as_count(inherited)} inherited" if inherited else ""
    return f"{formats.as_count(published)} of {formats.as_count(total)} published{also}"


def _explained(card: ReportCard) -> str:
    verdicts = card.verdicts()
    ours = verdicts[Verdict.PUBLISHED] + verdicts[Verdict.INHERITED]
    seed = card.seed_publishes()
    judged = sum(one.seed_gate is not None for one in card.pairs)
    if judged == 0:
        return "The seed's gate was not measured in this run."
    if ours == 0 and seed == 0:
        return "The seed's gate would have published nothing either."
    return (
        f"The seed's gate, held-out mean above 0, would have published {formats.as_count(seed)} of "
        f"the {formats.as_count(judged)} it could judge. Where there is nothing to learn, it tosses a coin."
    )


def _crossed(card: ReportCard) -> list[tuple[Verdict, int, int]]:
    """Return each verdict, how many have it, and how many of those the seed's gate would publish."""
    return [
        (
            verdict,
            count,
            card.seed_publishes([one for one in card.pairs if one.decision.verdict is verdict]),
        )
        for verdict, count in card.verdicts().items()
    ]


def _decay_shown(card: ReportCard) -> list[DecayLine]:
    """Return the first line, which is of all pairs, and those of pairs that fall behind most."""
    pairs = sorted(card.decay[1:], key=lambda one: (not one.flagged, one.z is None, -(one.z or 0.0)))
    return [*card.decay[:1], *pairs[:_DECAY_PAIRS]]


def _decay_word(line: DecayLine) -> str:
    if line.z is None:
        return "not known yet"
    return "yes" if line.flagged else "no"


def _surfaces(shown: list[PairCard]) -> dict[str, Any]:
    """Return what the script draws: the axes once each, the packed surfaces, null where there is none."""
    axes: list[dict[str, Any]] = []
    drawn = [None if one.surface is None else _drawn(one, one.surface, axes) for one in shown]
    return {"axes": axes, "surfaces": drawn}


def _drawn(one: PairCard, surface: Surface, axes: list[dict[str, Any]]) -> dict[str, Any]:
    small = pooled(surface.stop_losses, surface.take_profits, surface.profit_bps, surface.plateau)
    own = {
        "stops": [round(value, 5) for value in small.stop_losses],
        "targets": [round(value, 5) for value in small.take_profits],
    }
    if own not in axes:
        axes.append(own)

    def marked(exits: ExitParameters) -> list[float]:
        outside = beyond(surface.stop_losses, exits.stop_loss) or beyond(
            surface.take_profits, exits.take_profit
        )
        row = place(small.stop_losses, exits.stop_loss)
        return [row, place(small.take_profits, exits.take_profit), int(outside)]

    base = one.incumbent_profit_bps
    return {
        "axes": axes.index(own),
        "profit": packed_profit(small.profit_bps),
        "plateau": None if small.plateau is None else packed_mask(small.plateau),
        "chosen": None if one.candidate is None else marked(one.candidate),
        "incumbent": None if one.incumbent is None else marked(one.incumbent),
        "base": None if base is None else round(base, 1),
    }


def _script_json(values: dict[str, Any]) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - numbers and base64 only, `<` escaped
