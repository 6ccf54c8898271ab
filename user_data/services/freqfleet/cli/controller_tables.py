"""How `freqfleet controller` looks in a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from freqfleet.cli.screen import fitting, name_left_out, screen
from freqfleet.clock import iso
from freqfleet.domain.bin_record import MIN_TRADES, BinRecord
from freqfleet.learning.bin_exits import BinExitsRun
from freqfleet.learning.bin_hysteresis import RULE
from freqfleet.learning.controller import Cycle
from freqfleet.report.formats import UNKNOWN, as_count, as_decimal, as_percent, plural

_WIDTH = 140
_NUMBERS = (
    "Trades", "Wins", "Mean win", "Mean loss", "Factor", "Belief", "Kelly/4", "Conf.", "Stop", "Target"
)  # fmt: skip
_MOST_NEEDED = frozenset({"Trades", "Belief", "Kelly/4", "Stop", "Target"})


def cycle_to_dict(cycle: Cycle) -> dict[str, Any]:
    """Return a cycle for `--json`."""
    return {
        "schema": 1,
        "at": iso(cycle.at),
        "read": cycle.read.value,
        "trades": cycle.trades,
        "new_trades": cycle.new_trades,
        "recorded": [one.to_dict() for one in cycle.recorded],
        "waiting": cycle.waiting,
        "exits": None if cycle.exits is None else _exits(cycle.exits),
        "elapsed_seconds": cycle.wall_seconds,
        "cpu_seconds": cycle.cpu_seconds,
        "notes": list(cycle.notes),
    }


def print_cycle(cycle: Cycle) -> None:
    """Print what a cycle learned of every pair together; single pairs are counted."""
    console = screen()
    shown = [one for one in cycle.recorded if one.pair is None]
    if shown:
        titles = fitting(console, _NUMBERS, _MOST_NEEDED)
        screen(pipe=_WIDTH, at_least=_WIDTH).print(_table(shown, titles))
        name_left_out(console, _NUMBERS, titles)
        console.print(
            "Position-level, net of costs. Belief: mean of a trade, give or take one standard deviation."
        )
    of_pairs = [one for one in cycle.recorded if one.pair is not None]
    if of_pairs:
        speak = sum(one.qualifies for one in of_pairs)
        pairs = len({one.pair for one in of_pairs})
        console.print(
            f"and {plural(len(of_pairs), 'level')} of {plural(pairs, 'pair')}; {speak} have the {MIN_TRADES} "
            "trades to speak for themselves, the parent speaks for the others (--json FILE lists them)",
            soft_wrap=True,
        )
    if cycle.waiting:
        console.print(
            f"{plural(cycle.waiting, 'level')} held back: {RULE} (controller --every S)",
            soft_wrap=True,
        )
    if cycle.exits is not None:
        for reason, count in sorted(cycle.exits.left_out.items()):
            console.print(f"exits: {plural(count, 'bin')} left out, {reason}", soft_wrap=True)
    for note in cycle.notes:
        console.print(f"note: {note}", soft_wrap=True)
    console.print(cycle.line, soft_wrap=True)


def _exits(run: BinExitsRun) -> dict[str, Any]:
    return {
        "decisions": [
            {
                "pair": one.decision.pair,
                "side": one.decision.side.value,
                "leverage_bin": one.decision.leverage_bin.label if one.decision.leverage_bin else None,
                "verdict": one.decision.verdict.value,
                "reason": one.decision.reason,
                "stop_loss": one.decision.parameters.stop_loss if one.decision.parameters else None,
                "take_profit": one.decision.parameters.take_profit if one.decision.parameters else None,
                "trades": one.decision.evidence.trades,
                "claim_bps": one.decision.evidence.claim_bps,
                "p_value": one.decision.evidence.p_value,
                "version": one.decision.version,
            }
            for one in run.findings
        ],
        "retracted": list(run.retracted),
        "left_out": run.left_out,
        "elapsed_seconds": run.wall_seconds,
    }


def _table(records: list[BinRecord], titles: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Level", no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for one in records:
        cells = dict(zip(_NUMBERS, _numbers(one), strict=True))
        table.add_row(one.label, *(cells[title] for title in titles))
    return table


def _numbers(record: BinRecord) -> tuple[str, ...]:
    belief = record.posterior
    return (
        as_count(record.trades),
        _percent(record.win_rate),
        _percent(record.mean_win_ratio),
        _percent(record.mean_loss_ratio),
        UNKNOWN if record.profit_factor is None else as_decimal(record.profit_factor),
        f"{1e4 * belief.mean_ratio:+.1f} ± {1e4 * belief.mean_sd_ratio:.1f} bps",
        f"{belief.kelly_leverage:.2f}x",
        UNKNOWN if record.confidence is None else as_decimal(record.confidence),
        _percent(record.stop_loss),
        _percent(record.take_profit),
    )


def _percent(ratio: float | None) -> str:
    return UNKNOWN if ratio is None else as_percent(ratio)
