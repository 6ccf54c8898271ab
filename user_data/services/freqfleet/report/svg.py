"""Figures as SVG that belongs in a page: the page's fonts and colours, no fonts, links or dates of its own.

matplotlib draws with the light colours below; `svg_text` then turns each into a CSS variable with that
colour as its fallback. So a figure follows the page's dark mode, and still stands alone.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from freqfleet.report.inks import Ink

WIDTH = 480
FONT_SIZE = 12.0


_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "freqfleet",
    "font.size": FONT_SIZE,
    "font.family": "DejaVu Sans",
    "text.parse_math": False,  # a `$` in an exit reason is a dollar
    "text.color": Ink.TEXT.value,
    "axes.labelcolor": Ink.TEXT.value,
    "axes.edgecolor": Ink.GRID.value,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.unicode_minus": True,
    "grid.color": Ink.GRID.value,
    "grid.linewidth": 0.8,
    "xtick.color": Ink.GRID.value,
    "ytick.color": Ink.GRID.value,
    "xtick.labelcolor": Ink.TEXT.value,
    "ytick.labelcolor": Ink.TEXT.value,
    "ytick.major.size": 0,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "legend.frameon": False,
    "legend.fontsize": FONT_SIZE,
    "legend.handlelength": 1.4,
    "legend.borderaxespad": 0.0,
    "lines.solid_capstyle": "round",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the report's style, whatever the user's matplotlibrc says."""
    with warnings.catch_warnings(), mpl.rc_context():
        # Letters that DejaVu lacks: the page's own font draws them, matplotlib only guesses their width.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from", category=UserWarning)
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(height: int) -> Figure:
    """Return an empty figure of WIDTH x `height` CSS pixels; call it inside `drawing`."""
    return Figure(figsize=(WIDTH / 72, height / 72), dpi=72)


def svg_text(figure: Figure, description: str) -> str:
    """Return the figure as one `<svg>` element for a page; the same figure gives the same text.

    description : what a screen reader says instead.
    """
    sheet = io.StringIO()
    figure.savefig(
        sheet, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    drawn = sheet.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r"<!--.*?-->\n?", "", drawn, flags=re.DOTALL)
    drawn = re.sub(
        r"<defs>\s*<style.*?</style>\s*</defs>", "", drawn, flags=re.DOTALL
    )  # holds for all the page
    drawn = drawn.replace("xlink:href=", "href=")
    drawn = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", drawn)
    drawn = re.sub(r" font-family: [^;\"]*;", "", drawn)
    drawn = re.sub(r"\n\s*", "\n", drawn)
    for ink in Ink:
        css = "currentColor" if ink is Ink.TEXT else f"var(--{ink.name.lower()}, {ink.value})"
        drawn = drawn.replace(ink.value, css)
    drawn = _with_own_ids(drawn)
    label = escape(description, quote=True)
    opening = f'<svg viewBox="{_view_box(drawn)}" role="img" aria-label="{label}">'
    return re.sub(r"<svg[^>]*>", lambda _: opening, drawn, count=1).strip()


def sentence_svg(sentence: str) -> str:
    """Return a low figure that only says why there is nothing to draw."""
    with drawing():
        figure = new_figure(70)
        figure.text(0.5, 0.5, sentence, ha="center", va="center", wrap=True)
        return svg_text(figure, sentence)


def _view_box(drawn: str) -> str:
    found = re.search(r'viewBox="([^"]+)"', drawn)
    assert found is not None
    return found.group(1)


def _with_own_ids(drawn: str) -> str:
    """Give the ids of this figure a prefix of its own: several figures share a page."""
    prefix = "f" + hashlib.sha256(drawn.encode()).hexdigest()[:8]
    drawn = re.sub(r'\bid="', f'id="{prefix}-', drawn)
    drawn = re.sub(r'href="#', f'href="#{prefix}-', drawn)
    return re.sub(r"url\(#", f"url(#{prefix}-", drawn)
