"""RunRecord: which pairs of a run are finished, and what was found for them.

A run is a named study: what it was asked (the header), and one entry per finished pair. `--resume` reads
the header back, so that it knows the same moment and searches the same way, and does not redo what is
finished. The trials of unfinished pairs are in the diaries.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from freqfleet.errors import InputError
from freqfleet.learning.finding_rows import outcome_row, pair_outcome
from freqfleet.learning.json_lines import append_line, read_lines
from freqfleet.learning.pair_work import PairOutcome
from freqfleet.learning.trial_diary import (
    DatabaseDiaries,
    Diaries,
    JournalDiaries,
    leave_study_database,
    refuse_other_study,
    shown_url,
    study_database,
)

STUDY_FOLDER = Path("user_data") / "optimizer"
RUN_FILE = "run.jsonl"
LOCK_FILE = "lock"
SCHEMA = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FINISHED = "finished "
_END = {"ended": True}


class RunRecord(Protocol):
    """The record of one named run."""

    name: str

    @property
    def diaries(self) -> Diaries:
        """Where the trials of its pairs are kept."""
        ...

    def header(self) -> dict[str, Any] | None:
        """Return what the run was asked; None where there is no run of this name."""
        ...

    def start(self, header: Mapping[str, Any]) -> None:
        """Begin a new run."""
        ...

    def finished(self) -> dict[str, PairOutcome]:
        """Return what was found, by pair."""
        ...

    def finish(self, outcome: PairOutcome) -> None:
        """Remember a finished pair, for good."""
        ...

    def end(self) -> None:
        """Remember that the run came to its end: nothing of it is left to go on with."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


def study_name(as_of: datetime, search: str, seed: int) -> str:
    """Return the name of a run that was given none: its day, its search and its seed."""
    return f"{as_of:%Y-%m-%d}-{search}-{seed}"


def checked_study_name(name: str) -> str:
    """Return `name`; raises InputError for one that is no plain file name."""
    if not _NAME.fullmatch(name):
        raise InputError(f"not a study name: {name!r}; use letters, digits, dots, dashes and underscores")
    return name


class FileRecord:
    """A run in a folder of its own: `run.jsonl` and a journal per pair and side.

    While it is open, no other process can open it. Raises InputError where one has.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = checked_study_name(name)
        self._folder = folder / name
        self.place = str(folder)
        self._file = self._folder / RUN_FILE
        self._parent = folder
        self._lock: IO[str] | None = None

    @property
    def diaries(self) -> Diaries:
        """Journal files in the same folder."""
        return JournalDiaries(study=self.name, folder=self._folder)

    def header(self) -> dict[str, Any] | None:
        """Return the first line; raises InputError for a file of another schema."""
        lines = read_lines(self._file)
        if not lines:
            return None
        if lines[0].get("schema") != SCHEMA:
            raise InputError(f"{self._file} has schema {lines[0].get('schema')}, this program reads {SCHEMA}")
        self._hold()
        return dict(lines[0]["header"])

    def start(self, header: Mapping[str, Any]) -> None:
        """Begin anew; what a run of the same name has left is removed."""
        self._hold()
        for file in (*self._folder.glob("*.log"), self._file):
            file.unlink(missing_ok=True)
        append_line(self._file, {"schema": SCHEMA, "header": dict(header)})

    def finished(self) -> dict[str, PairOutcome]:
        """Return what the lines say; the last line of a pair counts."""
        rows = [row for row in read_lines(self._file)[1:] if row != _END]
        return {row["pair"]: _outcome(row, self._file) for row in rows}

    def finish(self, outcome: PairOutcome) -> None:
        """Add a line; when this returns it is on the disk."""
        append_line(self._file, outcome_row(outcome))

    def end(self) -> None:
        """Add the last line; a run that goes on with more pairs writes others below it."""
        append_line(self._file, _END)

    @property
    def is_unfinished(self) -> bool:
        """True where a run of this name has begun and not come to its end."""
        lines = read_lines(self._file)
        return bool(lines) and lines[-1] != _END

    def close(self) -> None:
        """Let other processes open it."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def known(self) -> list[str]:
        """Return the names of the runs in the same folder, sorted."""
        return sorted(one.parent.name for one in self._parent.glob(f"*/{RUN_FILE}"))

    def _hold(self) -> None:
        """Take the lock, which ends with the process however it ends."""
        if self._lock is not None:
            return
        try:
            import fcntl  # noqa: PLC0415  (not on Windows, where two runs of one name are not told apart)
        except ImportError:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / LOCK_FILE).open("w")
        except OSError as error:
            raise InputError(f"cannot write {self._folder}: {error.strerror or error}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise InputError(
                f"study {self.name} is being run by another process; wait for it, or give --study NAME"
            ) from None
        self._lock = lock


def is_held(study: Path) -> bool:
    """Return whether another process works on the study of this folder."""
    try:
        import fcntl  # noqa: PLC0415  (not on Windows)
    except ImportError:
        return False
    try:
        with (study / LOCK_FILE).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


class DatabaseRecord:
    """A run in a database that several machines reach: the attributes of an Optuna study.

    Nothing in a shared database is ever removed: a run of a name that is taken is refused.
    """

    def __init__(self, url: str, name: str) -> None:
        self.name = checked_study_name(name)
        self._url = url
        self.place = shown_url(url)
        self._storage = study_database(url)

    @property
    def diaries(self) -> Diaries:
        """Studies in the same database."""
        return DatabaseDiaries(study=self.name, url=self._url)

    def header(self) -> dict[str, Any] | None:
        """Return what the study says of itself."""
        attributes = self._attributes()
        return None if attributes is None else dict(attributes["header"])

    def start(self, header: Mapping[str, Any]) -> None:
        """Make the study; raises InputError where its name is taken."""
        import optuna  # noqa: PLC0415

        if self._attributes() is not None:
            raise InputError(
                f"study {self.name} is in {self.place} already; go on with --resume, or give --study NAME"
            )
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(storage=self._storage, study_name=self.name, direction="maximize")
        study.set_user_attr("header", json.loads(json.dumps(dict(header))))

    def finished(self) -> dict[str, PairOutcome]:
        """Return what the study's attributes say."""
        attributes = self._attributes() or {}
        return {
            key.removeprefix(_FINISHED): _outcome(row, self.place)
            for key, row in attributes.items()
            if key.startswith(_FINISHED)
        }

    def finish(self, outcome: PairOutcome) -> None:
        """Add an attribute."""
        study_id = self._storage.get_study_id_from_name(self.name)
        self._storage.set_study_user_attr(study_id, f"{_FINISHED}{outcome.pair}", outcome_row(outcome))

    def end(self) -> None:
        """Nothing to remember: a name in a database is never taken again, ended or not."""

    @property
    def is_unfinished(self) -> bool:
        """False: a run here is never replaced, and asked nothing."""
        return False

    def known(self) -> list[str]:
        """Return the names of the runs in the database, sorted."""
        return sorted(one.study_name for one in self._storage.get_all_studies() if "header" in one.user_attrs)

    def close(self) -> None:
        """End the connections of this process; the next question would open one again."""
        leave_study_database(self._storage)

    def _attributes(self) -> dict[str, Any] | None:
        try:
            study_id = self._storage.get_study_id_from_name(self.name)
        except KeyError:
            return None
        attributes = dict(self._storage.get_study_user_attrs(study_id))
        return attributes if "header" in attributes else None


def header_of(
    *, as_of: datetime, point_in_time: bool, search: str, dry_run: bool, settings: Any
) -> dict[str, Any]:
    """Return what a run is asked, as plain values by name: equal headers give equal decisions.

    settings : freqfleet.settings.Settings; only what decides takes part. Not where the bots' databases are:
        the URL of a server may hold a password, and this is written to disk.
    """
    asked = settings.model_dump(
        mode="json",
        include={"bots", "defaults", "optimizer", "costs", "gate"},
        exclude={"bots": {"__all__": {"db_url"}}},
    )
    return {
        "as_of": as_of.isoformat(),
        "point_in_time": point_in_time,
        "search": search,
        "dry_run": dry_run,
        "leverage": settings.runtime.leverage,
        **_flattened(asked),
    }


def continued(record: FileRecord | DatabaseRecord, header: Mapping[str, Any]) -> None:
    """Raise InputError, showing both, where the record is of another run than `header` asks for."""
    known = record.header()
    assert known is not None
    refuse_other_study(record.name, known, json.loads(json.dumps(dict(header))))


def _flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flattened(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _outcome(row: dict[str, Any], place: object) -> PairOutcome:
    try:
        return pair_outcome(row)
    except (InputError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"cannot read a finished pair of {place}: {error!r}; start again without --resume"
        ) from None
