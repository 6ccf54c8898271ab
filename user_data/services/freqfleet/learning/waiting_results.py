"""What waited for the store comes into force before a run asks what is in force.

Results that an earlier run could not store are in force from the moment at which they are stored. A run knows
what was recorded until its own time, so it takes that time after them: else it would compare with what was in
force before, and publish the same exits once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from freqfleet.clock import Clock
from freqfleet.domain.exits import ExitParameters
from freqfleet.learning.memory import LearningMemory
from freqfleet.learning.pending import PendingParameters
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.lifecycle import taken_back
from freqfleet.parameters.version import ParameterVersion


def publish_waiting(
    pending: PendingParameters, store: LearningMemory, *, defaults: ExitParameters, clock: Clock
) -> tuple[str, ...]:
    """Publish what an earlier run could not, unless something newer has been learned since.

    A retraction is carried out where what it takes back is still in force. Returns what a person should know;
    nothing where nothing waits.

    Raises StoreUnavailable where the store is still away, ParameterError for a damaged file; both leave the
    file as it is.
    """
    waiting = pending.read()
    if not waiting:
        return ()
    now = clock.now()
    book = ParameterBook(store.parameter_versions(recorded_to=now), defaults=defaults, as_of=now)
    still_hold = [one for one in waiting if _still_holds(one, book.in_force(one.key, now))]
    # Only now does the store know them.
    receipt = store.publish_parameters([replace(one, recorded_at=now) for one in still_hold])
    away = pending.retire()
    return tuple(_said(receipt.accepted, len(waiting), str(away), receipt.rejected))


def still_waiting(pending: PendingParameters) -> tuple[str, ...]:
    """Return what a run says that publishes nothing, what waits included."""
    waiting = pending.read()
    if not waiting:
        return ()
    return (
        f"{len(waiting)} results of an earlier run wait in {pending.file}; "
        "a run without --dry-run publishes them",
    )


def _said(accepted: int, waited: int, away: str, rejected: tuple[object, ...]) -> Iterator[str]:
    yield f"published {accepted} of {waited} results that waited for the store; the file is now {away}"
    for reason in rejected:
        yield f"the store refused a result that waited: {reason}"


def _still_holds(waiting: ParameterVersion, champion: ParameterVersion | None) -> bool:
    back = taken_back(waiting)
    if back is not None:
        return champion is not None and champion.version_id == back
    return champion is None or champion.learned_until < waiting.learned_until
