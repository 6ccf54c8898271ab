"""Versions are written beside the others and then renamed: a bot sees all of one, or nothing of it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.signals.models.bank import version_name
from freqfleet.signals.models.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedFeeder:
    """A feeder ready to be written. models : LightGBM's text by side; a head that abstains has none."""

    certificate: Certificate
    models: Mapping[Side, str]


def write_version(bank: Path, feeders: Iterable[TrainedFeeder]) -> Path:
    """Write one version below `bank` and return its folder.

    Raises InputError for no feeder, or where the version is already there; a version is never changed.
    """
    trained = list(feeders)
    if not trained:
        raise InputError("a version needs at least one feeder")
    first = trained[0].certificate
    folder = bank / version_name(first.valid_from, first.created_at)
    if folder.exists():
        raise InputError(f"{folder} is already there; a version is never written twice")
    draft = bank / f".writing-{folder.name}-{os.getpid()}"
    draft.mkdir(parents=True)
    try:
        for one in trained:
            _write_feeder(draft, one)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return folder


def _write_feeder(folder: Path, one: TrainedFeeder) -> None:
    heads = dict(one.certificate.heads)
    for side, model in one.models.items():
        content = model.encode("utf-8")
        file = folder / f"{one.certificate.feeder}-{side}.txt"
        _write(file, content)
        heads[side] = replace(heads[side], file=file.name, sha256=hashlib.sha256(content).hexdigest())
    certificate = replace(one.certificate, heads=heads)
    _write(folder / f"{certificate.feeder}.json", certificate.to_json().encode("utf-8"))


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
