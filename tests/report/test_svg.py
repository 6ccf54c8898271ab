from __future__ import annotations

import re
from xml.etree import ElementTree

from freqfleet.report.inks import Ink
from freqfleet.report.svg import drawing, new_figure, sentence_svg, svg_text


def drawn(label: str = "a line", description: str = "a figure") -> str:
    with drawing():
        figure = new_figure(200)
        axes = figure.subplots()
        axes.plot([0.0, 1.0], [0.0, -1.0], color=Ink.BOT1.value, label=label)
        figure.legend()
        return svg_text(figure, description)


def test_same_figure_gives_the_same_text() -> None:
    assert drawn() == drawn()


def test_figure_brings_no_links_fonts_dates_styles_or_scripts() -> None:
    text = drawn()

    assert "http" not in text
    assert "font-family" not in text
    assert "DejaVu" not in text
    assert "<style" not in text
    assert "<metadata" not in text
    assert not re.search(r"\b20\d\d-\d\d", text)


def test_colours_follow_the_page() -> None:
    text = drawn()

    assert "fill: currentColor" in text
    assert f"stroke: var(--bot1, {Ink.BOT1})" in text
    assert Ink.TEXT.value not in text


def test_figures_of_one_page_share_no_id() -> None:
    one, other = (set(re.findall(r'id="([^"]+)"', drawn(label))) for label in ("one", "other"))

    assert one
    assert not one & other


def test_every_reference_of_a_figure_has_its_target() -> None:
    text = drawn()
    ids = set(re.findall(r'id="([^"]+)"', text))

    used = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))

    assert used
    assert used <= ids


def test_hostile_texts_stay_text() -> None:
    label = "</svg><script>alert(1)</script> $\\frac{$ <!-- 金"

    figure = ElementTree.fromstring(drawn(label, description='"><script>'))

    assert label in "".join(figure.itertext())
    assert figure.attrib["aria-label"] == '"><script>'
    assert not figure.findall(".//script")


def test_empty_figure_says_why() -> None:
    figure = ElementTree.fromstring(sentence_svg("No trades & no account."))

    assert "No trades & no account." in "".join(figure.itertext())
