from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.report.decision_plots import decisions_plot, profit_plot
from freqfleet.testing.pages import made_up_page

DEFAULTS = ExitParameters(stop_loss=-0.03, take_profit=0.03)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def decided(
    base: str, verdict: Verdict, *, stop: float | None = -0.02, side: Side = Side.LONG, **evidence: float
) -> Decision:
    return Decision(
        pair=f"{base}/USDT:USDT",
        side=side,
        verdict=verdict,
        reason="by hand",
        parameters=None if stop is None else ExitParameters(stop_loss=stop, take_profit=0.05),
        evidence=Evidence(**evidence),  # type: ignore[arg-type]
    )


def test_decisions_are_counted_by_verdict_and_the_default_is_marked() -> None:
    page = made_up_page()

    found = texts(decisions_plot(page.decisions, page.defaults))

    assert {"published 13", "inherited 2", "kept 13", "long", "short", "default"} <= set(found)
    assert {"stop, position-level", "target, position-level", "−3 %", "5 %"} <= set(found)


def test_pairs_at_one_point_are_named_together() -> None:
    decisions = [decided(base, Verdict.PUBLISHED) for base in ("BTC", "ETH", "SOL", "XRP")]
    decisions.append(decided("BTC", Verdict.PUBLISHED, side=Side.SHORT))
    decisions.append(decided("ADA", Verdict.PUBLISHED, stop=-0.01))
    decisions.append(decided("TRX", Verdict.KEPT, stop=-0.03))

    found = texts(decisions_plot(decisions, DEFAULTS))

    assert "BTC, ETH +2" in found
    assert "ADA" in found
    assert not any("TRX" in text for text in found)


@pytest.mark.parametrize(
    ("decisions", "sentence"),
    [
        ([], "No decision was asked for."),
        ([decided("BTC", Verdict.SKIPPED, stop=None)], "Nothing was published"),
        ([decided("BTC", Verdict.KEPT)], "Nothing was published"),
    ],
)
def test_nothing_published_is_said_not_drawn(decisions: list[Decision], sentence: str) -> None:
    (found,) = texts(decisions_plot(decisions, DEFAULTS))

    assert found.startswith(sentence)


def test_profits_name_both_axes_and_the_verdicts_that_occur() -> None:
    decisions = [
        decided("BTC", Verdict.PUBLISHED, train_profit=0.005, test_profit=0.002),
        decided("ETH", Verdict.KEPT, train_profit=0.001, test_profit=-0.002),
        decided("SOL", Verdict.INHERITED, train_profit=0.001),
    ]

    found = texts(profit_plot(decisions))

    assert {"in training, bps a trade", "held out, bps a trade", "published", "kept"} <= set(found)
    assert "the same in both" in found
    assert "inherited" not in found
    assert {"0", "+30"} <= set(found)


def test_profits_measured_on_one_side_only_or_not_at_all_are_not_drawn_as_zero() -> None:
    half = [
        decided("BTC", Verdict.PUBLISHED, train_profit=0.005),
        replace(decided("ETH", Verdict.KEPT), evidence=Evidence(train_profit=0.1, test_profit=float("nan"))),
    ]

    assert texts(profit_plot(half)) == ["No decision has both a training and a held-out profit."]
