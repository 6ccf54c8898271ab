"""What `freqfleet feeders` prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from freqfleet.cli.screen import screen
from freqfleet.clock import iso
from freqfleet.learning.feeder_training.standing import HeadStanding, Standing
from freqfleet.report.formats import plural
from freqfleet.signals.models.bank import FeederBank
from freqfleet.validation.blocks import Interval


def print_standings(
    found: Sequence[Standing],
    ideas: Mapping[str, str],
    bank: FeederBank,
    *,
    untrained: Sequence[str],
    rules: Sequence[str],
) -> None:
    """Print the ranking, one line a head, and what is not in it."""
    console = screen()
    if not found:
        console.print(f"No trained feeder in {bank.folder}: the rules vote ({', '.join(rules)}).")
        console.print("Train a version with: freqfleet feeders train")
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("#", "feeder", "side"):
            table.add_column(name, no_wrap=True)
        for name in ("AUC", "votes", "won", "bps a vote", "rule"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("verdict")
        for one in found:
            for head in one.heads:
                table.add_row(*_row(one, head))
        console.print(table)
        versions = plural(len(bank.versions()), "version")
        console.print(
            f"\n{versions} in {bank.folder}. Out of fold: rows that neither trees nor threshold had seen. "
            "bps a vote: after costs, with its 95 % interval (days resampled); rule: "
            "what the best rule feeder's votes earned on the same rows. All intervals: --json -",
        )
        for one in found:
            console.print(f"  {_learned(one)}: {ideas[one.certificate.feeder]}")
    if untrained and found:
        console.print(f"Without a model: {', '.join(untrained)}.")
    for file, why in bank.problems.items():
        console.print(f"Not used: {file}: {why}", style="red")


def _learned(one: Standing) -> str:
    """Return when and from what a feeder learned."""
    certificate = one.certificate
    days = (certificate.train_to - certificate.train_from).total_seconds() / 86_400
    return (
        f"{certificate.feeder}, valid from {certificate.valid_from:%Y-%m-%d}, {certificate.rows:,} rows of "
        f"{days:.0f} days"
    )


def _row(one: Standing, head: HeadStanding) -> tuple[str, ...]:
    return (
        str(one.rank),
        one.certificate.feeder,
        str(head.side),
        _number(head.auc.value, "{:.3f}"),
        f"{head.votes:,}",
        _number(100.0 * head.precision.value, "{:.0f} %"),
        _interval(head.return_bps, "{:+.0f}"),
        "-" if head.rule is None else f"{head.rule_return_bps:+.0f}",
        head.verdict,
    )


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else form.format(value)


def standing_values(one: Standing) -> dict[str, Any]:
    """Return a feeder's line for --json."""
    certificate = one.certificate
    return {
        "rank": one.rank,
        "feeder": certificate.feeder,
        "valid_from": iso(certificate.valid_from),
        "train_from": iso(certificate.train_from),
        "train_to": iso(certificate.train_to),
        "rows": certificate.rows,
        "pairs": len(certificate.pairs),
        "return_bps": None if math.isnan(one.return_bps) else one.return_bps,
        "heads": {
            str(head.side): {
                "verdict": head.verdict,
                "auc": head.auc.to_dict(),
                "votes": head.votes,
                "precision": head.precision.to_dict(),
                "return_bps": head.return_bps.to_dict(),
                "best_rule": head.rule,
                "best_rule_return_bps": None if head.rule is None else head.rule_return_bps,
            }
            for head in one.heads
        },
    }


def print_scores(answers: Sequence[Mapping[str, Any]], feeders: Sequence[str]) -> None:
    """Print what every feeder says of each pair's candle."""
    console = screen()
    for answer in answers:
        console.print(f"{answer['pair']}, candle of {answer['candle']}")
        table = Table(box=None, pad_edge=False)
        for name in ("feeder", "long", "short", "model"):
            table.add_column(name)
        for name in feeders:
            said = [answer[side]["scores"][name] for side in ("long", "short")]
            shown = ["abstains" if one is None else f"{one:.2f}" for one in said]
            table.add_row(name, *shown, str(answer.get("models", {}).get(name) or "-"))
        console.print(table)
        if "models" in answer and not any(answer["models"].values()):
            console.print(
                "No model was valid when this candle opened: a model is valid from the newest candle of its "
                "training on. Ask again once a later candle has closed, or give --at a later time.",
            )
        for side in ("long", "short"):
            votes = f"{answer[side]['votes']} of {answer[side]['voters']} vote {side}"
            console.print(f"{votes}: {answer['tags'][side] or 'no agreement'}")


def _interval(one: Interval, form: str) -> str:
    if math.isnan(one.value):
        return "-"
    if math.isnan(one.low):
        return form.format(one.value)
    return f"{form.format(one.value)} [{form.format(one.low)}, {form.format(one.high)}]"
