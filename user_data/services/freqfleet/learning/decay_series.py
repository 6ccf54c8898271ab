"""The decay of a run as numbers over time: one for each published pair and side, and `all` of them."""

from __future__ import annotations

from datetime import datetime

from freqfleet.store.series import DECAY_Z, SeriesKeeper
from freqfleet.validation.decay import DecayReport


def record_decay(store: object, decay: DecayReport | None, at: datetime) -> str | None:
    """Store what is known; returns why it could not be kept, None where it was or nothing is known.

    Raises StoreUnavailable where the store does not answer.
    """
    if decay is None:
        return None
    values = {one.key: one.z for one in (decay.pooled, *decay.units) if not one.unsure}
    if not values:
        return None
    if not isinstance(store, SeriesKeeper):
        return "this learning store keeps no series: the decay of this run is not stored"
    receipt = store.record_series(DECAY_Z, at, values)
    return f"the store refused the decay of this run: {receipt.rejected[0]}" if receipt.rejected else None
