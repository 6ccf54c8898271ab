"""What a comparison with freqtrade found: counts by kind of exit, and every difference with its reason."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from freqfleet.clock import from_ms, iso
from freqfleet.domain.closed_trade import ClosedTrade

FULL = os.environ.get("FREQFLEET_PARITY") == "full"
OUT_VARIABLE = "FREQFLEET_PARITY_OUT"
RATE_TOLERANCE = 1e-9
# The kinds that the bars are about; the others are counted beside them.
BARRED = ("stop", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One exit that was not reproduced. reason : empty where nobody knows why."""

    trade: str
    kind: str
    theirs: str
    ours: str
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """One part of the parity table.

    compared, reproduced : exits by kind. left_out : trades that were not replayed, by reason.
    """

    title: str
    compared: Counter[str] = field(default_factory=Counter)
    reproduced: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, kind: str, *, same: bool, difference: Difference) -> None:
        """Count one exit; keep `difference` where it was not reproduced."""
        self.compared[kind] += 1
        self.reproduced[kind] += same
        if not same:
            self.differences.append(difference)

    def merge(self, other: Comparison) -> None:
        """Add what another comparison found."""
        self.compared.update(other.compared)
        self.reproduced.update(other.reproduced)
        self.left_out.update(other.left_out)
        self.differences.extend(other.differences)

    @property
    def share(self) -> float:
        """The reproduced share of stop and target exits."""
        return sum(self.reproduced[kind] for kind in BARRED) / sum(self.compared[kind] for kind in BARRED)

    @property
    def unexplained(self) -> list[Difference]:
        """Stop and target exits that differ for no known reason."""
        return [one for one in self.differences if one.kind in BARRED and not one.reason]

    def lines(self) -> list[str]:
        """Return the markdown table of this part."""
        rows = [f"| {self.title} | exits | reproduced | share |", "|---|---:|---:|---:|"]
        for kind in sorted(self.compared):
            total, same = self.compared[kind], self.reproduced[kind]
            rows.append(f"| {kind} | {total:,} | {same:,} | {same / total:.4%} |")
        left_out = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.left_out.items()))
        rows += ["", f"Not replayed: {left_out or 'none'}.", ""]
        for one in self.differences:
            rows.append(f"- {one.trade}: {one.theirs}; replay {one.ours}. {one.reason or 'UNEXPLAINED'}")
        return [*rows, ""] if self.differences else rows

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counters = {"compared": self.compared, "reproduced": self.reproduced, "left_out": self.left_out}
        return {"title": self.title, **counters, "differences": [asdict(one) for one in self.differences]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` wrote."""
        counters = {name: Counter(values[name]) for name in ("compared", "reproduced", "left_out")}
        differences = [Difference(**one) for one in values["differences"]]
        return cls(title=values["title"], differences=differences, **counters)

    def publish(self, name: str) -> None:
        """Print the table, and keep it for the report where the environment says where."""
        print("", *self.lines(), sep="\n")
        folder = os.environ.get(OUT_VARIABLE)
        if folder:
            (Path(folder) / f"{name}.json").write_text(json.dumps(self.to_dict()), encoding="utf-8")

    def must_reach(self, bar: float, *, at_least: int) -> None:
        """Fail where the bar is missed, a difference is unexplained, or too little was compared."""
        exits = sum(self.compared[kind] for kind in BARRED)
        assert exits >= at_least, f"only {exits} stop and target exits were compared"
        assert not self.unexplained, f"{len(self.unexplained)} unexplained, first: {self.unexplained[0]}"
        assert self.share >= bar, f"{self.share:.4%} of {exits} exits reproduced, wanted {bar:.1%}"


def same_exit(trade: ClosedTrade, closed_ms: int, rate: float) -> bool:
    """Return whether an exit in the candle that opens at `closed_ms` is the trade's."""
    return from_ms(closed_ms) == trade.closed_at and same_rate(rate, trade.close_rate)


def same_rate(one: float, other: float) -> bool:
    """Return whether two prices are the same but for the noise of float64."""
    return abs(one / other - 1.0) <= RATE_TOLERANCE


def at_rate(closed_ms: int, rate: float) -> str:
    """Return how differences name an exit."""
    return f"{iso(from_ms(closed_ms))} at {rate:.10g}"
