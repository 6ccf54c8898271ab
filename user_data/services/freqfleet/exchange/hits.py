"""Hits: which requests the exchange has seen, so that a run can prove whom it talked to."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass

from freqfleet.exchange.routes import NOT_FOUND, OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Counts of requests by `METHOD /path`.

    answered : known routes, answered with data.
    refused : known routes, answered with an error (a strange symbol, no price at that time).
    unknown : anything else; an offline run that is sound has none.
    """

    answered: dict[str, int]
    refused: dict[str, int]
    unknown: dict[str, int]

    @property
    def total(self) -> int:
        """All requests."""
        return sum(sum(group.values()) for group in (self.answered, self.refused, self.unknown))

    def as_json(self) -> dict[str, dict[str, int]]:
        """Return the counts as `/_hits` shows them."""
        return {"answered": self.answered, "refused": self.refused, "unknown": self.unknown}


class HitCounter:
    """Counts requests; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, method: str, path: str, status: int) -> None:
        """Note one answered request."""
        group = {OK: "answered", NOT_FOUND: "unknown"}.get(status, "refused")
        with self._lock:
            self._counts[group, f"{method} {path}"] += 1

    def hits(self) -> Hits:
        """Return what was counted so far."""
        with self._lock:
            counts = sorted(self._counts.items())
        groups: dict[str, dict[str, int]] = {"answered": {}, "refused": {}, "unknown": {}}
        for (group, request), number in counts:
            groups[group][request] = number
        return Hits(**groups)
