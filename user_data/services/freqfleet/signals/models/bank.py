"""FeederBank: a folder of versions; a candle is scored by the newest version that was valid then.

    BANK/20251101T000000Z-20251102T093000Z/drift.json drift-long.txt drift-short.txt …

A version appears by a rename, whole or not at all: a trainer needs no word with the bots, which look at
the folder again whenever it changes. Failure: a version that cannot be used is said once, by its file,
and the one before it stays in force.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from freqfleet.clock import parse_time, to_ms
from freqfleet.domain.sides import Side
from freqfleet.errors import ModelError
from freqfleet.signals.models.certificate import Certificate, read_certificate
from freqfleet.signals.models.head import HeadModel, load_head
from freqfleet.signals.recipes import Recipe

logger = logging.getLogger(__name__)

_STAMP = "%Y%m%dT%H%M%SZ"
_VERSION = re.compile(r"(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Version:
    """One folder of the bank; they sort by when they are valid, then by when they were made."""

    valid_from: datetime
    created_at: datetime
    folder: Path

    def certificate_file(self, feeder: str) -> Path:
        """Return where a feeder's certificate is, or would be."""
        return self.folder / f"{feeder}.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeederModel:
    """One feeder of one version. version : its folder's name. heads : by side; None where it abstains."""

    version: str
    certificate: Certificate
    heads: dict[Side, HeadModel | None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Epoch:
    """A model and the candles it scores: those that open in [from_ms, until_ms)."""

    from_ms: int
    until_ms: int
    model: FeederModel


def version_name(valid_from: datetime, created_at: datetime) -> str:
    """Return the folder's name of a version."""
    return f"{valid_from:{_STAMP}}-{created_at:{_STAMP}}"


class FeederBank:
    """The versions below `folder`. A folder that does not exist is an empty bank.

    max_age : a model that is older does not speak any more; a fleet whose training stopped abstains.
    only_paying : silence heads whose votes lost money out of fold, after costs.
    problems : by file, why a version or model is not used.
    Thread-safe.
    """

    def __init__(self, folder: Path, *, max_age: timedelta, only_paying: bool = False) -> None:
        self.folder = folder
        self.problems: dict[Path, str] = {}
        self._max_age_ms = round(max_age.total_seconds() * 1000)
        self._only_paying = only_paying
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._versions: tuple[Version, ...] = ()
        self._models: dict[tuple[Path, str], FeederModel | None] = {}

    def versions(self) -> tuple[Version, ...]:
        """Return every version, oldest first; the folder is read again where it has changed."""
        with self._lock:
            self._refresh()
            return self._versions

    def epochs(self, recipe: Recipe, first_ms: int, last_ms: int) -> list[Epoch]:
        """Return which model scores which candles between two times (of candle opens), oldest first.

        Candles before the first version, and those for which every model is too old, are in no epoch.
        """
        epochs: list[Epoch] = []
        until = last_ms + 1
        for version in reversed(self.versions()):
            from_ms = to_ms(version.valid_from)
            if from_ms >= until:
                continue  # valid later, or replaced by a version made later
            model = self.model(version, recipe)
            if model is None:
                continue
            expires = min(until, from_ms + self._max_age_ms)
            if expires > first_ms:
                epochs.append(Epoch(from_ms=max(from_ms, first_ms), until_ms=expires, model=model))
            until = from_ms
            if from_ms <= first_ms:
                break
        return epochs[::-1]

    def model(self, version: Version, recipe: Recipe) -> FeederModel | None:
        """Return a feeder of a version; None where the version has none, or none that can be used."""
        key = (version.folder, recipe.name)
        with self._lock:
            if key not in self._models:
                self._models[key] = self._load(version, recipe)
            return self._models[key]

    def _load(self, version: Version, recipe: Recipe) -> FeederModel | None:
        file = version.certificate_file(recipe.name)
        if not file.exists():
            return None
        try:
            return load_model(file, recipe, only_paying=self._only_paying)
        except ModelError as error:
            self.problems[file] = str(error)
            logger.error("feeder %s: %s; an older version speaks, or nobody", recipe.name, error)
            return None

    def _refresh(self) -> None:
        try:
            state = self.folder.stat()
        except OSError:
            self._versions, self._seen = (), None
            return
        # The count of links beside the time: two versions may appear within one tick of the file system.
        changed = (state.st_mtime_ns, state.st_nlink)
        if changed == self._seen:
            return
        found = []
        for folder in self.folder.iterdir():
            match = _VERSION.fullmatch(folder.name)
            if match is not None and folder.is_dir():
                valid_from, created_at = (parse_time(stamp) for stamp in match.groups())
                found.append(Version(valid_from=valid_from, created_at=created_at, folder=folder))
        known = {one.folder for one in self._versions}
        fresh = [one for one in found if one.folder not in known]
        if known and fresh:
            logger.info("feeder bank: %d new versions in %s", len(fresh), self.folder)
        self._versions, self._seen = tuple(sorted(found)), changed


def load_model(file: Path, recipe: Recipe, *, only_paying: bool = False) -> FeederModel:
    """Read a certificate and its models; raises ModelError or ModelMismatch with the file.

    only_paying : leave out a head that did not earn out of fold, after costs; it abstains.
    """
    certificate = read_certificate(file)
    certificate.require_features(recipe.features, file)
    heads = {
        side: None if only_paying and not head.paid else load_head(certificate, head, file.parent)
        for side, head in certificate.heads.items()
    }
    return FeederModel(version=file.parent.name, certificate=certificate, heads=heads)


def newest_models(bank: FeederBank, recipes: Sequence[Recipe]) -> dict[str, FeederModel]:
    """Return each feeder's newest usable model, whatever its age; feeders without one are missing."""
    found: dict[str, FeederModel] = {}
    for recipe in recipes:
        for version in reversed(bank.versions()):
            model = bank.model(version, recipe)
            if model is not None:
                found[recipe.name] = model
                break
    return found
