"""Hysteresis: when a new belief about a leverage bin may replace the published one.

A bot takes the highest bin whose Kelly leverage supports it, so a belief that trembles around a bin's edge
would make leverage jump with every trade. What was published therefore stays
- for an hour at least,
- while the new belief lies on the other side of an edge, until it has been clearly beyond it for three looks
  in a row and an hour (or stays there for a day),
- and where nothing that matters has changed (then for a week).
Where looks lie a day or more apart, as in a walk through the past, nothing trembles: there the edge alone
holds nothing back.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta

from freqfleet.clock import human_age
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.leverage_bins import LEVERAGE_EDGES

AT_LEAST = timedelta(hours=1)
AT_MOST = timedelta(days=1)
FRESH = timedelta(days=7)  # small changes are recorded so often: records are read again and again
LOOKS = 3
EDGE_MARGIN = 0.25  # of leverage
# A change smaller than this share of its own uncertainty says nothing.
BELIEF_SHARE, TRADES_SHARE = 0.25, 0.10


RULE = (
    f"what is published stays for {human_age(AT_LEAST.total_seconds())}; a belief across an edge of leverage "
    f"has to stay there as long, and for {LOOKS} looks in a row of one process"
)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A belief that lies beyond an edge of what was published: to which bin, since when, how many looks."""

    to: int
    since: datetime
    looks: int


class Hysteresis:
    """Remembers, by level, what stands to be published; starts anew with the process."""

    def __init__(self) -> None:
        self._crossings: dict[str, Crossing] = {}
        self._due: dict[str, datetime] = {}
        self._seen: dict[str, datetime] = {}

    @property
    def waiting(self) -> int:
        """How many levels have changed and are held back."""
        return len(self._due)

    def is_due(self, now: datetime) -> bool:
        """True where something that was held back may have come of age."""
        return any(at <= now for at in self._due.values())

    def publishes(self, published: BinRecord | None, new: BinRecord, now: datetime) -> bool:
        """Return whether `new` replaces what is published; what is held back is remembered."""
        key = new.label
        before, self._seen[key] = self._seen.get(key), now
        if published is None:
            return self._done(key)
        if not _matters(published, new):
            stale = now - published.recorded_at >= FRESH and _plain(published) != _plain(new)
            self._forget(key)
            return stale
        may = published.recorded_at + AT_LEAST
        crossing = self._crossing(key, published, new, now)
        if crossing is not None and not (before is not None and now - before >= AT_MOST):
            ripe = crossing.looks >= LOOKS and now - crossing.since >= AT_LEAST
            if not ripe and now - crossing.since < AT_MOST:
                self._due[key] = max(may, crossing.since + AT_LEAST) if crossing.looks >= LOOKS else now
                return False
        if now < may:
            self._due[key] = may
            return False
        return self._done(key)

    def _crossing(self, key: str, published: BinRecord, new: BinRecord, now: datetime) -> Crossing | None:
        here, there = _step(published), _step(new)
        if here == there or not (published.qualifies and new.qualifies):  # its parent speaks for it
            self._crossings.pop(key, None)
            return None
        before = self._crossings.get(key)
        if not _clearly(published, new):
            looks, since = 0, now if before is None else before.since
        elif before is None or before.to != there or before.looks == 0:
            looks, since = 1, now
        else:
            looks, since = before.looks + 1, before.since
        self._crossings[key] = Crossing(to=there, since=since, looks=looks)
        return self._crossings[key]

    def _done(self, key: str) -> bool:
        self._forget(key)
        return True

    def _forget(self, key: str) -> None:
        self._crossings.pop(key, None)
        self._due.pop(key, None)


def _matters(published: BinRecord, new: BinRecord) -> bool:
    if published.qualifies is not new.qualifies or _step(published) != _step(new):
        return True
    moved = abs(published.posterior.lower_bound_ratio - new.posterior.lower_bound_ratio)
    more = abs(new.trades - published.trades)
    return (
        moved >= BELIEF_SHARE * published.posterior.mean_sd_ratio
        or more > TRADES_SHARE * published.trades
        or (published.stop_loss, published.take_profit) != (new.stop_loss, new.take_profit)
    )


def _step(record: BinRecord) -> int:
    """Return how many edges the Kelly leverage reaches: 0 for less than 1x."""
    return bisect_right(LEVERAGE_EDGES, record.posterior.kelly_leverage)


def _clearly(published: BinRecord, new: BinRecord) -> bool:
    """True where the new belief lies beyond the edge it has crossed first by the margin."""
    kelly = new.posterior.kelly_leverage
    here, there = _step(published), _step(new)
    if there > here:
        return kelly >= LEVERAGE_EDGES[here] + EDGE_MARGIN
    return kelly <= LEVERAGE_EDGES[here - 1] - EDGE_MARGIN


def _plain(record: BinRecord) -> dict[str, object]:
    return {
        name: one for name, one in record.to_dict().items() if name not in ("recorded_at", "learned_until")
    }
