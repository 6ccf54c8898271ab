"""The last good parameters of a bot on disk: what it trades on when the store is away at its start."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.bin_record import BinRecord
from freqfleet.errors import InputError
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.rows import parameter_version, version_row
from freqfleet.store.whole_file import write_whole

logger = logging.getLogger(__name__)

LAST_BOOKS = Path("user_data") / "last_books"
_SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedVersions:
    """The versions and bin records of a store as they were read at `saved_at`."""

    versions: tuple[ParameterVersion, ...]
    saved_at: datetime
    records: tuple[BinRecord, ...] = ()


class LastBook:
    """One JSON file, always whole: written beside itself, synced, renamed into place; its hash is checked.

    store : which store the versions are from, without any secret; those of another store are not used.
    """

    def __init__(self, file: Path, *, store: str) -> None:
        self.file = file
        self._store = store

    def save(
        self, versions: Sequence[ParameterVersion], saved_at: datetime, records: Sequence[BinRecord] = ()
    ) -> None:
        """Replace what was saved. A fault of the disk is logged: the book in memory is good without it."""
        body = json.dumps(
            {
                "schema": _SCHEMA,
                "store": self._store,
                "saved_ms": to_ms(saved_at),
                "versions": [version_row(one) for one in versions],
                "records": [one.to_dict() for one in records],
            },
            allow_nan=False,
        )
        try:
            write_whole(self.file, f"{_digest(body)}\n{body}\n")
        except OSError as error:
            logger.warning("the last good parameters could not be saved, %s: %s", self.file, error.strerror)

    def load(self) -> SavedVersions | None:
        """Return what was saved; None, with a warning, for a file that is damaged or another store's."""
        try:
            return self._parsed(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, InputError, ValueError, TypeError, KeyError, AttributeError) as error:
            why = f"{type(error).__name__}: {error}"
            logger.warning("the last good parameters in %s are not used: %s", self.file, why)
            return None

    def _parsed(self, text: str) -> SavedVersions:
        digest, _, body = text.partition("\n")
        if _digest(body.removesuffix("\n")) != digest:
            raise ValueError("the file was damaged, its hash is another")
        values = json.loads(body)
        if values["schema"] != _SCHEMA:
            raise ValueError(f"schema {values['schema']!r}, this program reads {_SCHEMA}")
        if values["store"] != self._store:
            raise ValueError(f"it is of {values['store']}, [store] url is {self._store}")
        versions = tuple(parameter_version(SimpleNamespace(**row)) for row in values["versions"])
        # A file of an earlier release has no records.
        records = tuple(BinRecord.from_dict(one) for one in values.get("records", ()))
        return SavedVersions(versions=versions, saved_at=from_ms(values["saved_ms"]), records=records)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
