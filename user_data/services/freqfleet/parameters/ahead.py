"""Versions that were recorded later than it is: a clock runs ahead, the learner's, or this one is late.

Nobody trades on them before their time (`parameters.book`), so whoever waits for them must be told.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from freqfleet.clock import iso
from freqfleet.parameters.version import ParameterVersion


def recorded_ahead(versions: Iterable[ParameterVersion], now: datetime) -> str | None:
    """Return one sentence about the versions recorded after `now`; None where there are none."""
    ahead = [one.recorded_at for one in versions if one.recorded_at > now]
    if not ahead:
        return None
    count = "1 parameter version was" if len(ahead) == 1 else f"{len(ahead)} parameter versions were"
    return (
        f"{count} recorded at {iso(max(ahead))}, this clock says {iso(now)}: not used before; "
        "set the clock that is wrong"
    )
