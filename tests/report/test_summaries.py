from __future__ import annotations

from dataclasses import replace

from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.report.demo_page import DemoPage, PlantedEdge, SyncLine
from freqfleet.report.summaries import (
    Finding,
    inconsistencies,
    loop_steps,
    reasons_not_published,
    truth_rows,
    truth_sentence,
    verdict_counts,
)
from freqfleet.testing.pages import made_up_page

EXITS = ExitParameters(stop_loss=-0.02, take_profit=0.05)


def decided(pair: str, verdict: Verdict, reason: str = "", side: Side = Side.LONG) -> Decision:
    return Decision(
        pair=f"{pair}/USDT:USDT",
        side=side,
        verdict=verdict,
        reason=reason,
        parameters=EXITS,
        evidence=Evidence(),
    )


def planted(pair: str, *, edge: bool) -> PlantedEdge:
    return PlantedEdge(
        pair=f"{pair}/USDT:USDT", side=Side.LONG, planted=edge, edge="runs" if edge else "nothing"
    )


def test_reasons_that_differ_in_numbers_and_pairs_only_are_counted_together() -> None:
    reasons = reasons_not_published(
        (
            decided("ETH", Verdict.KEPT, "p=0.31, 0.0004 needed"),
            decided("BTC", Verdict.SKIPPED, "BTC/USDT:USDT: 15 trades, 60 needed"),
            decided("SOL", Verdict.SKIPPED, "SOL/USDT:USDT: 1,200 trades, 60 needed"),
            decided("XRP", Verdict.KEPT, "p=9.1e-05, 0.0004 needed"),
            decided("ADA", Verdict.KEPT, "p=0.5, 0.0004 needed"),
            decided("TRX", Verdict.PUBLISHED, "p=0.0001"),
            decided("WLD", Verdict.INHERITED, "from the fleet"),
        )
    )

    assert [(one.count, one.verdict, one.kind) for one in reasons] == [
        (3, Verdict.KEPT, "p=…, … needed"),
        (2, Verdict.SKIPPED, "…: … trades, … needed"),
    ]
    assert reasons[0].example == "ETH/USDT:USDT long: p=0.31, 0.0004 needed"


def test_digits_inside_a_word_stay_in_the_reason() -> None:
    (one,) = reasons_not_published((decided("ETH", Verdict.SKIPPED, "no BOT3 trades in run x2b"),))

    assert one.kind == "no BOT3 trades in run x2b"


def test_verdicts_without_a_decision_are_counted_as_none() -> None:
    assert verdict_counts((decided("BTC", Verdict.KEPT),)) == {
        Verdict.PUBLISHED: 0,
        Verdict.INHERITED: 0,
        Verdict.KEPT: 1,
        Verdict.SKIPPED: 0,
    }


def with_truth(*edges: PlantedEdge, decisions: tuple[Decision, ...]) -> DemoPage:
    page = made_up_page(pairs=1)
    return replace(page, market=replace(page.market, truth=edges), decisions=decisions)


def test_planted_edges_are_found_missed_left_alone_or_false_alarms() -> None:
    page = with_truth(
        planted("BTC", edge=True),
        planted("ETH", edge=True),
        planted("SOL", edge=False),
        planted("XRP", edge=False),
        planted("ADA", edge=True),
        decisions=(
            decided("BTC", Verdict.INHERITED),
            decided("ETH", Verdict.KEPT),
            decided("SOL", Verdict.PUBLISHED),
            decided("XRP", Verdict.SKIPPED),
        ),
    )

    rows = truth_rows(page)

    assert [row.finding for row in rows] == [
        Finding.FOUND,
        Finding.MISSED,
        Finding.FALSE_ALARM,
        Finding.LEFT_ALONE,
        Finding.NOT_ASKED,
    ]
    assert truth_sentence(rows) == "1 of 3 planted edges found, 1 of 2 empty ones taken for an edge."


def test_decision_of_the_other_side_does_not_answer_for_an_edge() -> None:
    page = with_truth(
        planted("BTC", edge=True), decisions=(decided("BTC", Verdict.PUBLISHED, side=Side.SHORT),)
    )

    assert [row.finding for row in truth_rows(page)] == [Finding.NOT_ASKED]


def test_loop_counts_candles_trades_stored_decisions_published_and_tested() -> None:
    page = made_up_page()

    steps = {step.name: step.count for step in loop_steps(page)}

    assert steps == {
        "candles": 276_480,
        "trades": 3_605,
        "stored": 3_605,
        "decisions": 32,
        "published": 13,
        "BOT3 trades": 430,
    }


def test_made_up_page_contradicts_itself_nowhere() -> None:
    assert inconsistencies(made_up_page()) == ()


def test_trades_lost_or_doubled_on_the_way_to_the_store_are_a_warning() -> None:
    lost = SyncLine(bot="BOT1", exported=100, stored=98, duplicate_second_run=98)
    doubled = SyncLine(bot="BOT2", exported=100, stored=100, duplicate_second_run=60)
    fine = SyncLine(bot="BOT3", exported=100, stored=100, duplicate_second_run=100)
    page = replace(made_up_page(pairs=1), sync=(lost, doubled, fine))

    found = inconsistencies(page)

    assert [text.split(":")[0] for text in found] == ["BOT1", "BOT2"]
    assert "100 trades exported, 98 stored" in found[0]
    assert {step.name: step.detail for step in loop_steps(page)}["stored"].startswith("not exactly once")


def test_numbers_that_contradict_each_other_are_a_warning() -> None:
    page = made_up_page(pairs=2)
    run = replace(page.bots[0], longs=page.bots[0].longs + 1, exit_reasons={"roi_fallback": 3})
    assert page.comparison is not None
    total = replace(page.comparison.total, learned_trades=9_999)
    page = replace(page, bots=(run, *page.bots[1:]), comparison=replace(page.comparison, total=total))

    found = inconsistencies(page)

    assert found[0] == "BOT1 (learning): longs and shorts count 1,413 of 1,412 trades."
    assert found[1] == "BOT1 (learning): exit reasons count 3 of 1,412 trades."
    assert "the total 9,999" in found[2]
    assert len(found) == 3
