"""The publication gate: whether candidate parameters may replace the incumbent ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.replay.metrics import weighted_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The trades nobody learned from, replayed under both parameter vectors; every array is (n,).

    candidate_profit, incumbent_profit : net position-level ratio per trade.
    weights : per trade, above zero. entered_ms : when each position was opened.
    incumbent : how messages name the parameters in force.
    """

    candidate_profit: FloatArray
    incumbent_profit: FloatArray
    weights: FloatArray
    entered_ms: IntArray
    incumbent: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer, and the sentence that goes with it."""

    publish: bool
    reason: str


class Gate(Protocol):
    """Judges one candidate. Nothing random: the same trades give the same ruling."""

    def judge(self, held_out: HeldOut) -> Ruling:
        """Return whether the candidate may be published, and why."""
        ...


class HoldoutGate:
    """Publishes what earned more than the incumbent on the trades that were held out.

    It compares two means and knows nothing of chance: where there is nothing to learn, it still publishes
    about every second candidate that differs.
    """

    def judge(self, held_out: HeldOut) -> Ruling:
        """Return whether the candidate's held-out mean lies above the incumbent's."""
        trades = len(held_out.candidate_profit)
        if trades == 0:
            return Ruling(False, "no held-out trades to judge by")
        candidate = float(weighted_mean(held_out.candidate_profit, held_out.weights))
        incumbent = float(weighted_mean(held_out.incumbent_profit, held_out.weights))
        figures = (
            f"{_bps(candidate)} a trade held out, {held_out.incumbent} {_bps(incumbent)}, {trades} trades"
        )
        if not candidate > incumbent:  # also where either is NaN
            return Ruling(False, f"not better than what is in force: {figures}")
        return Ruling(True, figures)


def _bps(ratio: float) -> str:
    return f"{ratio * 1e4:+.1f} bps"
