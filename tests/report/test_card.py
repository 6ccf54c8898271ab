from __future__ import annotations

import json

import numpy as np
import pytest

from freqfleet.domain.decisions import Verdict
from freqfleet.errors import InputError
from freqfleet.report.card import ReportCard, Surface, card_json
from freqfleet.testing.cards import pair_card, report_card


def test_every_verdict_is_counted_and_so_is_what_the_seeds_gate_would_have_done():
    card = report_card()

    assert card.verdicts() == {
        Verdict.PUBLISHED: 1,
        Verdict.INHERITED: 1,
        Verdict.KEPT: 1,
        Verdict.SKIPPED: 1,
    }
    assert card.seed_publishes() == 3


def test_json_holds_what_the_page_shows_and_no_nan():
    card = report_card()

    text = json.dumps(card_json(card), allow_nan=False)

    document = json.loads(text)
    first = document["pairs"][0]
    assert (document["schema"], document["verdicts"]["published"], document["seed_gate_publishes"]) == (
        1,
        1,
        3,
    )
    assert first["evidence"]["claim_bps"] == 38.1
    assert first["seed_gate"] == {"publishes": True, "test_profit_bps": 12.0, "test_trades": 70}
    assert len(first["surface"]["profit_bps"]) == len(first["surface"]["stop_losses"])
    assert first["surface"]["profit_bps"][-1][0] is None
    assert first["monte_carlo"]["level"] == "position"
    assert document["pairs"][-1]["surface"] is None


def test_a_card_of_no_pairs_is_no_fault():
    card = report_card()
    empty = ReportCard(**{name: getattr(card, name) for name in card.__dataclass_fields__} | {"pairs": ()})

    assert card_json(empty)["verdicts"] == {"published": 0, "inherited": 0, "kept": 0, "skipped": 0}


@pytest.mark.parametrize(
    ("stops", "targets", "profit", "plateau", "said"),
    [
        ((), (0.02,), np.empty((0, 1)), None, "not empty"),
        ((-0.01,), (0.02,), np.zeros((2, 1)), None, r"must be \(1, 1\) and not empty, was \(2, 1\)"),
        ((-0.01,), (0.02,), np.zeros((1, 1)), np.zeros((1, 2), dtype=bool), "plateau must be"),
    ],
)
def test_a_surface_whose_shapes_do_not_fit_is_refused(stops, targets, profit, plateau, said):
    with pytest.raises(InputError, match=said):
        Surface(stop_losses=stops, take_profits=targets, profit_bps=profit, plateau=plateau)


def test_a_pair_that_was_not_searched_says_so_by_none():
    skipped = pair_card("XRP/USDT:USDT", Verdict.SKIPPED)

    assert (skipped.surface, skipped.candidate, skipped.seed_gate) == (None, None, None)
