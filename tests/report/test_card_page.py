from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from freqfleet.domain.decisions import Verdict
from freqfleet.report.card import DecayLine, ReportCard
from freqfleet.report.card_page import render_card, write_card
from freqfleet.report.card_rows import groups
from freqfleet.testing.cards import evidence, hill, pair_card, report_card

MANY = 300


def with_fields(card: ReportCard, **changes: object) -> ReportCard:
    return replace(card, **changes)  # type: ignore[arg-type]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def drawn(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found.group(1))


def test_the_page_says_what_was_published_and_what_the_seeds_gate_would_have():
    page = render_card(report_card())

    assert "1 of 4 published, 1 inherited" in page
    assert "would have published 3 of the 3 it could judge" in page
    assert page.count('<details class="pair"') == 4


def test_nothing_published_is_said_as_it_is():
    page = render_card(report_card((pair_card("SOL/USDT:USDT", Verdict.KEPT),)))

    assert "Nothing was published in 1 decision<" in page


def test_a_run_without_pairs_families_and_decay_has_a_page():
    page = render_card(
        with_fields(report_card(), pairs=(), families=(), decay=(), funnel=(), notes=(), commands=())
    )

    assert "No pair was asked for" in page
    assert "No family was tested" in page
    assert "decay needs published parameters" in page


def test_published_pairs_come_first_and_skipped_ones_last():
    page = render_card(report_card())

    verdicts = re.findall(r'<details class="pair" [^>]*data-verdict="(\w+)"', page)

    assert verdicts == ["published", "inherited", "kept", "skipped"]


def test_what_the_script_draws_has_the_order_of_the_list():
    data = drawn(render_card(report_card()))

    first, *_, last = data["surfaces"]
    assert last is None
    assert len(data["axes"]) == 1
    assert (len(data["axes"][0]["stops"]), len(data["axes"][0]["targets"])) == (20, 30)
    assert first["base"] == 2.0
    stop, target, outside = first["chosen"]
    assert outside == 0
    assert data["axes"][0]["stops"][round(stop)] == pytest.approx(-0.02, abs=1e-3)
    assert data["axes"][0]["targets"][round(target)] == pytest.approx(0.05, abs=3e-3)


def test_texts_are_escaped_everywhere():
    nasty = '</script><img src=x onerror="alert(1)">'
    card = report_card()
    decision = replace(card.pairs[0].decision, reason=nasty)
    pair = replace(card.pairs[0], decision=decision, incumbent_name=nasty)

    page = render_card(with_fields(card, pairs=(pair,), notes=(nasty,), run_id=nasty))

    assert "<img" not in page
    assert page.count("</script>") == 2


def test_a_page_of_300_surfaces_stays_below_three_megabytes():
    surface = hill(40.0, stop_count=100, target_count=100)
    one = replace(pair_card("BTC/USDT:USDT", Verdict.PUBLISHED), surface=surface)
    pairs = tuple(
        replace(one, decision=replace(one.decision, pair=f"C{number}/USDT:USDT")) for number in range(MANY)
    )

    page = render_card(report_card(pairs))

    assert len(page.encode()) < 3_000_000


def test_a_page_without_a_surface_promises_none():
    plain = report_card()
    followed = with_fields(plain, pairs=tuple(replace(one, surface=None) for one in plain.pairs))

    texts = [text_of(render_card(one)) for one in (plain, followed)]

    assert ["Press one for its surface and evidence." in text for text in texts] == [True, False]
    assert "Press one for its evidence. It is held out." in texts[1]
    assert render_card(followed).count('class="thumb none"') == len(plain.pairs)


def test_the_page_loads_nothing_from_elsewhere():
    page = render_card(report_card())

    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="', page)
    assert "http" not in page.replace("http-equiv", "")


def test_both_files_are_written_whole(tmp_path):
    page, document = write_card(report_card(), tmp_path / "report")

    assert page.read_text().endswith("</html>")
    assert json.loads(document.read_text())["run_id"] == "20251101T120000Z-abc123"
    assert sorted(one.name for one in page.parent.iterdir()) == ["card.html", "card.json"]


def test_only_what_was_measured_has_a_row():
    bare = replace(
        pair_card("BTC/USDT:USDT", Verdict.KEPT),
        monte_carlo=None,
        overfitting=None,
        sharpe=None,
        seed_gate=None,
    )
    bare = replace(bare, decision=replace(bare.decision, evidence=type(bare.decision.evidence)(trades=70)))

    heads = [one.head for one in groups(bare)]

    assert heads == ["Exits", "Held out, over what was in force"]


def test_decay_shows_all_pairs_then_the_flagged_then_the_worst_and_counts_the_rest():
    lines = [DecayLine(name="all pairs", trades=900, z=0.2, p_value=0.4, flagged=False)]
    lines += [
        DecayLine(name=f"P{number} long", trades=30, z=number / 10, p_value=0.3, flagged=number == 0)
        for number in range(15)
    ]
    lines.append(DecayLine(name="young short", trades=1, z=None, p_value=None, flagged=False))

    page = text_of(render_card(with_fields(report_card(), decay=tuple(lines))))

    places = [page.index(name) for name in ("all pairs 900", "P0 long", "P14 long", "P13 long")]
    assert places == sorted(places)
    assert "young short" not in page
    assert "The 11 that matter most of 17; the JSON file holds all." in page


def test_decay_that_is_not_known_is_not_called_none():
    young = DecayLine(name="young short", trades=1, z=None, p_value=None, flagged=False)

    page = text_of(render_card(with_fields(report_card(), decay=(young,))))

    assert "young short 1 – – not known yet" in page


def test_a_suspect_of_decay_and_a_boundary_are_named():
    pair = pair_card("BTC/USDT:USDT", Verdict.PUBLISHED)
    measured = evidence(decay_z=2.5, boundary=("stop_loss", "take_profit"))
    pair = replace(pair, decision=replace(pair.decision, evidence=measured))

    rows = {row.name: row.value for group in groups(pair) for row in group.rows}

    assert rows["decay z"] == "2.50 – suspect"
    assert rows["at a boundary"] == "stop_loss, take_profit"


def test_the_neighbourhood_has_its_mean_and_its_worst_and_an_old_version_none():
    pair = pair_card("BTC/USDT:USDT", Verdict.PUBLISHED)
    old = evidence(plateau_neighbours=None, plateau_mean_profit=None, plateau_least_profit=None)

    new_rows, old_rows = (
        {
            row.name: (row.value, row.hint)
            for group in groups(replace(pair, decision=replace(pair.decision, evidence=one)))
            for row in group.rows
        }
        for one in (evidence(), old)
    )

    assert new_rows["neighbourhood"] == ("+21.5 bps", "in-sample mean a trade of it and its 8 neighbours")
    assert new_rows["worst neighbour"][0] == "+12.0 bps"
    assert new_rows.keys() - old_rows.keys() == {"neighbourhood", "worst neighbour"}
