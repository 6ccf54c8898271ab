"""Where the decisions of one position came from: written on the trade, so that every exit can be traced.

freqtrade groups statistics by exit reason, so the reason itself stays of few kinds (`stop_loss_optuna`); the
version behind it, its age, the age of the book and why the leverage was what it was stand in the trade's
custom data, under `freqfleet_entry` and `freqfleet_exit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from freqfleet.clock import human_age, iso
from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.parameters.book import Resolution

ENTRY_KEY = "freqfleet_entry"
EXIT_KEY = "freqfleet_exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAge:
    """How old the parameter book was, and whether that was too old to trade on. None: never loaded."""

    seconds: float | None
    degraded: bool

    def __str__(self) -> str:
        said = "never loaded" if self.seconds is None else f"{human_age(self.seconds)} old"
        return f"book {said}{', degraded: defaults' if self.degraded else ''}"


def entry_provenance(
    found: Resolution, at: datetime, age: BookAge, reasons: dict[str, str]
) -> dict[str, Any]:
    """Return what is known when a position is opened. reasons : why this leverage, why this stake."""
    link = found.chain[-1]
    version = link.version
    return {
        "level": link.level,
        "version": found.version,
        "version_age_seconds": None if version is None else (at - version.effective_from).total_seconds(),
        "learned_until": None if version is None else iso(version.learned_until),
        "book_age_seconds": age.seconds,
        "degraded": age.degraded,
        **reasons,
    }


def exit_provenance(reason: str, plan: ExitPlan, at: datetime, age: BookAge) -> dict[str, Any]:
    """Return what is known when a position is left."""
    return {
        "reason": reason,
        "at": iso(at),
        "version": plan.version,
        "source": plan.source.value,
        "tightened_by": plan.tightened_by,
        "book_age_seconds": age.seconds,
        "degraded": age.degraded,
    }
