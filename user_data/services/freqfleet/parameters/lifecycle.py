"""Lifecycle: what a person or a rule may do to parameters in force. Everything appends, nothing is changed.

A rollback records old values again, a retirement records that they count no longer. Both are versions with
a time of their own, so the book of any past moment stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from freqfleet.clock import iso
from freqfleet.errors import ParameterError
from freqfleet.parameters.book import ParameterBook
from freqfleet.parameters.version import ParameterVersion, Stage

ROLLBACK_RUN = "rollback"
RETIRE_RUN = "retire"
_SHORTEST_ID = 4


def find_version(versions: Iterable[ParameterVersion], wanted: str) -> ParameterVersion:
    """Return the version whose id is `wanted` or begins with it.

    Raises ParameterError where none or several do, and for fewer than four characters.
    """
    said = wanted.strip().lower()
    if len(said) < _SHORTEST_ID:
        raise ParameterError(f"a version needs at least {_SHORTEST_ID} characters of its id, was {wanted!r}")
    found = {one.version_id: one for one in versions if one.version_id.startswith(said)}
    if not found:
        raise ParameterError(f"no version {wanted!r}; `freqfleet params history PAIR` lists those of a pair")
    if len(found) > 1:
        raise ParameterError(f"{wanted!r} is the beginning of {len(found)} versions: {', '.join(found)}")
    return next(iter(found.values()))


def rolled_back(
    target: ParameterVersion, book: ParameterBook, *, at: datetime, note: str | None = None
) -> ParameterVersion:
    """Return the version that puts the values of `target` in force again from `at` on.

    book : of the store at `at`. note : why, in the words of whoever asked.

    Raises ParameterError where `target` was never in force, where its values are in force already, and
    where the key was recorded after `at` by a faster clock: the rollback would lose against that.
    """
    if target.stage is not Stage.CHAMPION:
        raise ParameterError(
            f"version {target.version_id} of {target.key.label} is {_said_stage(target)}; "
            "a rollback needs a champion of an earlier time"
        )
    champion = book.in_force(target.key, at)
    if champion is not None and champion.parameters == target.parameters:
        raise ParameterError(
            f"the values of version {target.version_id} are in force for {target.key.label} already, "
            f"by version {champion.version_id}"
        )
    return replace(
        target,
        valid_from=at,
        recorded_at=at,
        run_id=ROLLBACK_RUN,
        evidence=replace(
            target.evidence,
            rolls_back_to=target.version_id,
            parent_version=champion.version_id if champion is not None else None,
            note=note,
        ),
    )


def retired(
    champion: ParameterVersion, book: ParameterBook, *, at: datetime, note: str | None = None
) -> ParameterVersion:
    """Return the version that takes `champion` out of force at `at`; the book goes on to the next link.

    Raises ParameterError where it is not what is in force.
    """
    current = book.in_force(champion.key, at)
    if current is None or current.version_id != champion.version_id:
        instead = f"version {current.version_id} is" if current is not None else "nothing is"
        raise ParameterError(
            f"version {champion.version_id} is not in force for {champion.key.label}; {instead}"
        )
    return replace(
        champion,
        stage=Stage.RETIRED,
        valid_from=at,
        recorded_at=at,
        run_id=RETIRE_RUN,
        evidence=replace(champion.evidence, parent_version=champion.version_id, note=note),
    )


def retracted(
    champion: ParameterVersion,
    versions: Sequence[ParameterVersion],
    book: ParameterBook,
    *,
    at: datetime,
    note: str,
) -> ParameterVersion:
    """Return the version that answers a decay of `champion`: its parent again, or its retirement.

    versions : of the store; the parent is looked up by the id the evidence names. A champion that replaced
    the defaults, or whose parent was itself retired, has no values to go back to and is retired.
    """
    parent_id = champion.evidence.parent_version
    parent = next((one for one in versions if one.version_id == parent_id), None)
    usable = parent is not None and parent.stage is Stage.CHAMPION and parent.key == champion.key
    if parent is None or not usable or parent.parameters == champion.parameters:
        return retired(champion, book, at=at, note=note)
    return rolled_back(parent, book, at=at, note=note)


def taken_back(version: ParameterVersion) -> str | None:
    """Return the id of what a rollback or a retirement takes out of force; None for anything else."""
    return version.evidence.parent_version if version.run_id in (ROLLBACK_RUN, RETIRE_RUN) else None


def check_takes_effect(
    change: ParameterVersion, versions: Iterable[ParameterVersion]
) -> tuple[ParameterVersion, ...]:
    """Return the versions of the same key that will replace `change` later, as was announced before.

    Raises ParameterError where one was recorded after the change by another clock: it would win at once.
    """
    later = [one for one in versions if one.key == change.key and one.effective_from > change.effective_from]
    for one in later:
        if one.recorded_at > change.recorded_at:
            raise ParameterError(
                f"version {one.version_id} of {one.key.label} was recorded at {iso(one.recorded_at)}, this "
                f"clock says {iso(change.recorded_at)}; correct the clock that is wrong, then try again"
            )
    return tuple(one for one in later if one.stage is not Stage.CANDIDATE)


def _said_stage(version: ParameterVersion) -> str:
    return "a retirement" if version.stage is Stage.RETIRED else "a candidate that never was in force"
