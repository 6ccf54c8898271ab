"""Opening the study of a run: a new one, or the one an interrupted call has left."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from freqfleet.clock import Clock, FixedClock, SystemClock
from freqfleet.errors import InputError
from freqfleet.learning.run_record import (
    STUDY_FOLDER,
    DatabaseRecord,
    FileRecord,
    RunRecord,
    continued,
    header_of,
    study_name,
)
from freqfleet.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A run that is about to begin or to go on.

    as_of : what time it knows; a resumed run knows the time of its first call. point_in_time : that time
        was asked for, so everything is recorded as of it. replaced : a study of this name that had been cut
        off was removed.
    """

    record: RunRecord
    as_of: datetime
    point_in_time: bool
    resumed: bool
    replaced: bool

    @property
    def clock(self) -> Clock:
        """The clock by which versions are recorded."""
        return FixedClock(self.as_of) if self.point_in_time else SystemClock()


def open_study(
    settings: Settings,
    *,
    search: str,
    name: str | None,
    storage: str | None,
    as_of: datetime | None,
    resume: bool,
    dry_run: bool,
) -> Study:
    """Return the study of a run.

    name : None means the day, the search and the seed. storage : the URL of a database; None means a folder
    below `user_data/optimizer`. as_of : None means now, or what the resumed study knows.

    Raises InputError where there is nothing to resume, or what is there was asked something else.
    """
    now = SystemClock().now()
    chosen = name or study_name(as_of or now, search, settings.optimizer.seed)
    record: FileRecord | DatabaseRecord = (
        FileRecord(settings.path(STUDY_FOLDER), chosen)
        if storage is None
        else DatabaseRecord(storage, chosen)
    )
    with ExitStack() as undo:
        undo.callback(record.close)
        study = _opened(settings, record, search, now, as_of, resume=resume, dry_run=dry_run)
        undo.pop_all()
    return study


def _opened(
    settings: Settings,
    record: FileRecord | DatabaseRecord,
    search: str,
    now: datetime,
    as_of: datetime | None,
    *,
    resume: bool,
    dry_run: bool,
) -> Study:
    known = record.header()
    cut_off = record.is_unfinished
    if resume and known is None:
        others = ", ".join(record.known()[-5:])
        hint = f"the last ones are {others}; give --study NAME" if others else "no study is there"
        raise InputError(f"no study {record.name} to resume in {record.place}: {hint}, or leave --resume out")
    if as_of is None and resume and known is not None:
        moment, point_in_time = datetime.fromisoformat(known["as_of"]), bool(known["point_in_time"])
    else:
        moment, point_in_time = as_of or now, as_of is not None
    header = header_of(
        as_of=moment, point_in_time=point_in_time, search=search, dry_run=dry_run, settings=settings
    )
    if resume:
        continued(record, header)
    else:
        record.start(header)
    return Study(
        record=record,
        as_of=moment,
        point_in_time=point_in_time,
        resumed=resume,
        replaced=cut_off and not resume,
    )
