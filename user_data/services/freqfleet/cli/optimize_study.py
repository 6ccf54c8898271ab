"""The study that `freqfleet optimize` begins or goes on with, and the old ones that give way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from freqfleet.learning.study import Study
    from freqfleet.settings import Settings


def begin_study(
    settings: Settings,
    *,
    search: str,
    name: str | None,
    storage: str | None,
    as_of: datetime | None,
    resume: bool,
    dry_run: bool,
) -> Study:
    """Open a study as `learning.study.open_study` does, say how it begins, and remove old folders."""
    from freqfleet.learning.study import open_study

    study = open_study(
        settings, search=search, name=name, storage=storage, as_of=as_of, resume=resume, dry_run=dry_run
    )
    _tell(study)
    if storage is None:
        _prune(settings, study.record.name)
    return study


def _prune(settings: Settings, current: str) -> None:
    """Remove the oldest studies beyond `[studies] keep`, and name them. current : never removed."""
    from freqfleet.learning.old_studies import prune_studies
    from freqfleet.learning.run_record import STUDY_FOLDER

    keep = settings.studies.keep
    pruned = prune_studies(settings.path(STUDY_FOLDER), keep=keep, current=current)
    if pruned.removed:
        names = ", ".join(pruned.removed[:3]) + (", ..." if len(pruned.removed) > 3 else "")
        click.echo(
            f"old studies removed: {len(pruned.removed)} ({names}); the newest {keep} stay, "
            "see [studies] keep",
            err=True,
        )
    for name, reason in pruned.left.items():
        click.echo(f"old study {name} stays: {reason}", err=True)


def _tell(study: Study) -> None:
    """Say whether a study goes on or takes the place of one that was cut off."""
    from freqfleet.clock import iso

    if study.resumed:
        click.echo(f"study {study.record.name} goes on, as of {iso(study.as_of)}", err=True)
    elif study.replaced:
        click.echo(
            f"study {study.record.name} starts anew; it was cut off, --resume would have gone on with it",
            err=True,
        )
