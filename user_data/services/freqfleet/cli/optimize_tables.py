"""What `freqfleet optimize` prints: the summary of seed 000 as one table, then the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from rich.console import Console
from rich.table import Table

from freqfleet.cli.optimize_reasons import print_reasons, print_skipped
from freqfleet.cli.screen import TABLE_COLUMNS, fitting, name_left_out, screen
from freqfleet.domain.decisions import Verdict
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.pair_side import Finding
from freqfleet.replay.paths import Dropped
from freqfleet.report.formats import (
    as_bps,
    as_count,
    as_decimal,
    as_minutes,
    as_p_value,
    as_percent,
    as_seconds,
    as_time,
    pair_labels,
    plural,
    to_bps,
)
from freqfleet.validation.selection import KEEP

WHY_DROPPED = {
    Dropped.OUTSIDE_CANDLES.value: "opened outside the candles",
    Dropped.WINDOW_INCOMPLETE.value: "whose longest time limit is not over yet",
    Dropped.WINDOW_HAS_GAP.value: "with a gap in their candles",
    Dropped.WINDOW_HAS_BAD_CANDLE.value: "with a broken candle",
    Dropped.ENTRY_RATE_OFF_MARKET.value: "entered at a rate that the candles do not have",
}
_LEGEND = (
    "Stop and target are position-level: on price, before leverage. A published row shows what was "
    "published, a kept row what stays in force. Train, Test and In force are net basis points a trade; "
    "Test, Win, PF and Sharpe (per trade) come from trades nobody learned from. In a kept row the figures "
    "are those of the exits that were found."
)
_NUMBERS = (
    "Stop", "Target", "Vol", "Limit", "Train", "Test", "In force", "Win", "PF", "Sharpe", "Trades", "Eff"
)  # fmt: skip
_MOST_NEEDED = frozenset({"Stop", "Target", "Limit", "Test", "In force", "Trades"})


def print_run(run: OptimizerRun, *, every_reason: bool = False) -> None:
    """Print a run to stdout for people. every_reason : say each in full, none by its cause."""
    console = screen()
    searched = [one for one in run.findings if one.decision.verdict is not Verdict.SKIPPED]
    labels = pair_labels([one.decision.pair for one in run.findings])
    shortened = False
    if searched:
        shown = fitting(console, _NUMBERS, _MOST_NEEDED)
        screen(at_least=TABLE_COLUMNS).print(_table(searched, labels, shown))
        name_left_out(console, _NUMBERS, shown)
        console.print(_LEGEND, style="dim")
        console.print()
        names = [_name(one, labels) for one in searched]
        shortened = print_reasons(console, searched, names, every=every_reason)
    for one in searched:
        if one.parameter_importance:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in one.parameter_importance.items())
            console.print(f"{_name(one, labels)} importance: {shares}")
    skipped = [one for one in run.findings if one.decision.verdict is Verdict.SKIPPED]
    names = [_name(one, labels) for one in skipped]
    if print_skipped(console, skipped, names, every=every_reason) or shortened:
        console.print("every sentence in full, with the exits that were found: --reasons", style="dim")
    _print_samples(console, searched)
    _print_decay(console, run, labels)
    for note in run.notes:
        console.print(f"note: {note}")
    _print_summary(console, run)


def _table(findings: list[Finding], labels: dict[str, str], titles: Collection[str]) -> Table:
    """Return a row for each finding; titles : which columns of _NUMBERS it has."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Pair", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    for title in _NUMBERS:
        if title in titles:
            table.add_column(title, justify="right", no_wrap=True)
    for one in findings:
        exits, evidence = one.decision.parameters, one.decision.evidence
        assert exits is not None
        numbers = (
            as_percent(exits.stop_loss),
            as_percent(exits.take_profit, sign=True),
            as_decimal(exits.volatility_scaling),
            as_minutes(exits.time_limit_minutes),
            as_bps(to_bps(evidence.train_profit), unit=""),
            as_bps(to_bps(evidence.test_profit), unit=""),
            as_bps(to_bps(evidence.incumbent_test_profit), unit=""),
            as_percent(evidence.win_rate, 0),
            as_decimal(evidence.profit_factor),
            as_decimal(evidence.sharpe_per_trade),
            as_count(evidence.trades),
            as_count(evidence.effective_trades),
        )
        shown = [cell for title, cell in zip(_NUMBERS, numbers, strict=True) if title in titles]
        table.add_row(_name(one, labels), one.decision.verdict.value, *shown)
    return table


def _print_samples(console: Console, findings: list[Finding]) -> None:
    by_bot: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for one in findings:
        by_bot.update(one.decision.evidence.bot_trades)
        dropped.update(one.dropped)
    if not by_bot:
        return
    counts = ", ".join(f"{bot} {as_count(count)}" for bot, count in sorted(by_bot.items()))
    effective = sum(one.decision.evidence.effective_trades or 0.0 for one in findings)
    console.print(
        f"\nreplayed trades: {counts}; under the bots' weights they say as much as {as_count(effective)}"
    )
    left_out = [f"{as_count(count)} {WHY_DROPPED[reason]}" for reason, count in sorted(dropped.items())]
    purged = sum(one.purged for one in findings)
    if purged:
        left_out.append(f"{as_count(purged)} purged between training and test")
    if left_out:
        console.print(f"left out: {', '.join(left_out)}")
    without_funding = sum(one.without_funding for one in findings)
    if without_funding:
        console.print(f"funding unknown, and not charged, for {as_count(without_funding)} trades")
    without_liquidation = sum(one.without_liquidation for one in findings)
    if without_liquidation:
        console.print(
            f"liquidation price unknown, and not replayed, for {as_count(without_liquidation)} trades"
        )
    detailed = sum(one.decision.evidence.detail_trades or 0 for one in findings)
    if detailed:
        console.print(f"replayed on finer candles, where they are there: {as_count(detailed)} trades")
    coarse = sum(one.coarse for one in findings)
    if coarse:
        console.print(
            f"finer candles left alone for {as_count(coarse)} trades: "
            "an exit by regime is in force, and looks at the candles of the strategy"
        )
    ambiguous = sum(one.decision.evidence.ambiguous_trades or 0 for one in findings)
    console.print(f"stop and target in one candle, counted as stopped: {as_count(ambiguous)} trades")


def _print_summary(console: Console, run: OptimizerRun) -> None:
    counts = ", ".join(f"{verdict.value} {run.count(verdict)}" for verdict in Verdict if run.count(verdict))
    console.print(
        f"{counts or 'no pairs'} · as of {as_time(run.as_of)} · search {run.search}, "
        f"{as_count(run.candidates)} proposals in {as_seconds(run.elapsed_seconds)} · run {run.run_id}"
    )
    searched = [one for one in run.findings if one.decision.verdict is not Verdict.SKIPPED]
    if searched and not run.count(Verdict.PUBLISHED) and not run.count(Verdict.INHERITED):
        console.print(_nothing_certified(run, searched))
    if run.dry_run:
        console.print("dry run: nothing was stored")


def _nothing_certified(run: OptimizerRun, searched: list[Finding]) -> str:
    """Say that nothing was published, and by what it was explained."""
    if run.gathering is None:
        return f"nothing is published: none of {plural(len(searched), 'pair side')} beat what is in force"
    if not run.gathering.certified:
        return "nothing is certified: nothing could be tested, for the reasons above"
    waiting = sum(
        one.ruling.verdict in (Verdict.PUBLISHED, Verdict.INHERITED) for one in run.gathering.certified
    )
    if waiting:
        return f"nothing is published: {plural(waiting, 'certified pair side')} changed too lately, see above"
    moved = [one for one in run.gathering.certified if one.selected != KEEP]
    tested = [one for one in run.gathering.certified if one.ruling.q_value is not None]
    least = min((one.ruling.q_value or 0.0 for one in tested), default=None)
    q_value = "" if least is None else f", the smallest p after counting them all is {as_p_value(least)}"
    return (
        f"nothing is certified: chance explains it. Other exits looked better for {len(moved)} of "
        f"{plural(len(run.gathering.certified), 'pair side')}; {len(tested)} had trades enough to be tested "
        f"alone{q_value}. What is in force stays."
    )


def _print_decay(console: Console, run: OptimizerRun, labels: dict[str, str]) -> None:
    """Say how what was in force before this run fares, where something was."""
    if run.decay is None or not run.decay.units:
        return
    pooled = run.decay.pooled
    sides = plural(len(run.decay.units), "published pair side")
    if pooled.unsure:
        console.print(f"decay: not known for {sides}, {pooled.unsure}")
    else:
        verdict = "it has decayed" if run.decay.decayed else "no decay to be seen"
        console.print(
            f"decay: {sides} claimed {as_bps(pooled.learned_bps)} a trade and earned "
            f"{as_bps(pooled.since_bps)} over {as_count(pooled.trades)} later trades, "
            f"z {as_decimal(pooled.z)} (p {as_p_value(pooled.p_value)}): {verdict}",
        )
    if run.decay.flagged:
        names = ", ".join(_key_name(key, labels) for key in run.decay.flagged)
        console.print(f"decayed on their own: {names}")


def _key_name(key: str, labels: dict[str, str]) -> str:
    pair, side = key.rsplit(" ", 1)
    return f"{labels.get(pair, pair)} {side}"


def _name(finding: Finding, labels: dict[str, str]) -> str:
    return f"{labels[finding.decision.pair]} {finding.decision.side.value}"
