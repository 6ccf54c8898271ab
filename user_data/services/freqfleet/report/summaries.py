"""What follows from a DemoPage: counts and findings that the page and the terminal both show."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from freqfleet.domain.decisions import Decision, Verdict
from freqfleet.report.comparison import Comparison
from freqfleet.report.demo_page import BotRun, DemoPage, Phase, PlantedEdge, SyncLine
from freqfleet.report.formats import as_count, as_day, plural

IN_FORCE = (Verdict.PUBLISHED, Verdict.INHERITED)
_PAIR_NAME = re.compile(r"\b[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+)?")
_NUMBER = re.compile(r"[-+−]?(?<![A-Za-z_])\d[\d,]*(\.\d+)?(e[-+]?\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStep:
    """One station of the loop: a count and what it counts."""

    name: str
    count: int
    detail: str


def loop_steps(page: DemoPage) -> tuple[LoopStep, ...]:
    """Return the life of the loop, from candles to the trades BOT3 made with what was learned."""
    market = page.market
    learned_from = [run for run in page.bots if run.phase is Phase.LEARNING]
    stored = sum(line.stored for line in page.sync)
    verdicts = verdict_counts(page.decisions)
    tested = page.run(Phase.LEARNED)
    waiting = verdicts[Verdict.KEPT] + verdicts[Verdict.SKIPPED]
    return (
        LoopStep(
            name="candles",
            count=market.candles,
            detail=f"{plural(len(market.pairs), 'pair')}, {market.days:.0f} days, {market.timeframe}",
        ),
        LoopStep(
            name="trades",
            count=sum(run.trades for run in learned_from),
            detail=f"{plural(len(learned_from), 'bot')}, before {as_day(market.split_at)}",
        ),
        LoopStep(name="stored", count=stored, detail=_sync_finding(page.sync)),
        LoopStep(
            name="decisions", count=len(page.decisions), detail=f"{waiting} kept or skipped, with the reason"
        ),
        LoopStep(
            name="published",
            count=verdicts[Verdict.PUBLISHED],
            detail=f"and {verdicts[Verdict.INHERITED]} inherited from the fleet",
        ),
        LoopStep(
            name="BOT3 trades",
            count=0 if tested is None else tested.trades,
            detail="the test did not run" if tested is None else "on candles nobody learned from",
        ),
    )


def _sync_finding(lines: tuple[SyncLine, ...]) -> str:
    if not lines:
        return "nothing was synced"
    if all(line.exactly_once for line in lines):
        return "exactly once, also when synced twice"
    return "not exactly once: see the warnings"


def verdict_counts(decisions: tuple[Decision, ...]) -> dict[Verdict, int]:
    """Return how many decisions came to each verdict; every verdict is a key."""
    counts = Counter(decision.verdict for decision in decisions)
    return {verdict: counts[verdict] for verdict in Verdict}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """Decisions that were not published for the same kind of reason.

    kind : the reason with its numbers and pairs replaced by `…`.
    example : one of the reasons as it was given, with its pair and side.
    """

    verdict: Verdict
    kind: str
    count: int
    example: str


def reasons_not_published(decisions: tuple[Decision, ...]) -> tuple[ReasonCount, ...]:
    """Count why pairs and sides have no parameters of their own, most frequent first."""
    groups: dict[tuple[Verdict, str], list[Decision]] = {}
    for decision in decisions:
        if decision.verdict not in IN_FORCE:
            kind = _NUMBER.sub("…", _PAIR_NAME.sub("…", decision.reason))
            groups.setdefault((decision.verdict, kind), []).append(decision)
    found = [
        ReasonCount(
            verdict=verdict,
            kind=kind,
            count=len(members),
            example=f"{members[0].pair} {members[0].side}: {members[0].reason}",
        )
        for (verdict, kind), members in groups.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, one.verdict, one.kind)))


class Finding(StrEnum):
    """How a decision stands to what was planted."""

    FOUND = "found"
    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    LEFT_ALONE = "rightly left alone"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthRow:
    """A planted edge beside the decision about it; None where no decision was asked for."""

    edge: PlantedEdge
    decision: Decision | None
    finding: Finding


def truth_rows(page: DemoPage) -> tuple[TruthRow, ...]:
    """Return what was planted beside what was found, in the order of the market's truth."""
    decided = {(decision.pair, decision.side): decision for decision in page.decisions}
    rows = []
    for edge in page.market.truth or ():
        decision = decided.get((edge.pair, edge.side))
        rows.append(TruthRow(edge=edge, decision=decision, finding=_finding(edge, decision)))
    return tuple(rows)


def _finding(edge: PlantedEdge, decision: Decision | None) -> Finding:
    if decision is None:
        return Finding.NOT_ASKED
    if decision.verdict in IN_FORCE:
        return Finding.FOUND if edge.planted else Finding.FALSE_ALARM
    return Finding.MISSED if edge.planted else Finding.LEFT_ALONE


def truth_sentence(rows: tuple[TruthRow, ...]) -> str:
    """Say in one sentence how much of what was planted was found, and how many alarms were false."""
    counts = Counter(row.finding for row in rows)
    planted = sum(row.edge.planted for row in rows)
    empty = len(rows) - planted
    return (
        f"{counts[Finding.FOUND]} of {planted} planted edges found, "
        f"{counts[Finding.FALSE_ALARM]} of {empty} empty ones taken for an edge."
    )


def inconsistencies(page: DemoPage) -> tuple[str, ...]:
    """Return a sentence for every number of the page that contradicts another; shown as a warning."""
    found = [
        f"{line.bot}: {as_count(line.exported)} trades exported, {as_count(line.stored)} stored, "
        f"{as_count(line.duplicate_second_run)} recognised by the second sync; the three should agree."
        for line in page.sync
        if not line.exactly_once
    ]
    for run in page.bots:
        found += _run_inconsistencies(run)
    if page.comparison is not None:
        found += _comparison_inconsistencies(page.comparison)
    return tuple(found)


def _run_inconsistencies(run: BotRun) -> list[str]:
    sums = {
        "longs and shorts": run.longs + run.shorts,
        "exit reasons": sum(run.exit_reasons.values()),
        "entry feeders": sum(run.entry_feeders.values()),
    }
    counted = {"longs and shorts", *(["exit reasons"] if run.exit_reasons else [])}
    counted |= {"entry feeders"} if run.entry_feeders else set()
    return [
        f"{run.bot} ({run.phase}): {name} count {as_count(total)} of {plural(run.trades, 'trade')}."
        for name, total in sums.items()
        if name in counted and total != run.trades
    ]


def _comparison_inconsistencies(comparison: Comparison) -> list[str]:
    lines = [line.difference for line in comparison.pairs]
    sums = {
        "defaults": (sum(line.default_trades for line in lines), comparison.total.default_trades),
        "learned": (sum(line.learned_trades for line in lines), comparison.total.learned_trades),
    }
    return [
        f"Comparison ({name}): the pairs have {plural(of_pairs, 'trade')}, the total {as_count(total)}."
        for name, (of_pairs, total) in sums.items()
        if of_pairs != total
    ]
