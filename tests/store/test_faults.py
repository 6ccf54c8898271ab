"""Every exception class a database can raise becomes one of ours."""

from __future__ import annotations

import sqlite3
from types import ModuleType

import pytest
from sqlalchemy import exc

from freqfleet.errors import StoreError, StoreUnavailable
from freqfleet.store.faults import FAULTS, kind_of, store_error, told


def classes_of(module: ModuleType, parent: type[Exception]) -> list[type[Exception]]:
    found = (one for one in vars(module).values() if isinstance(one, type) and issubclass(one, parent))
    return sorted(set(found), key=lambda one: one.__name__)


SQLITE = classes_of(sqlite3, sqlite3.Error)
DBAPI = classes_of(exc, exc.DBAPIError)


def test_the_families_are_the_ones_we_know():
    assert len(SQLITE) == 9
    assert len(DBAPI) == 9


@pytest.mark.parametrize("kind", [*SQLITE, *DBAPI, exc.TimeoutError, exc.DisconnectionError])
def test_every_class_of_the_drivers_is_mapped_by_name(kind: type[Exception]):
    assert kind in FAULTS


@pytest.mark.parametrize("kind", classes_of(exc, exc.SQLAlchemyError))
def test_every_class_of_sqlalchemy_leads_to_an_error_of_ours(kind: type[Exception]):
    assert issubclass(kind_of(kind), StoreError)


@pytest.mark.parametrize("kind", SQLITE)
def test_a_wrapped_driver_error_says_what_the_driver_said_and_no_sql(kind: type[sqlite3.Error]):
    wrapped = exc.DBAPIError.instance("SELECT secret", {"a": "secret"}, kind("it broke"), sqlite3.Error)

    said = str(store_error(wrapped, "learning store x", 10.0))

    assert "it broke" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("SQLITE_BUSY", "raise [store] timeout_seconds"),
        ("SQLITE_BUSY_SNAPSHOT", "raise [store] timeout_seconds"),
        ("SQLITE_CANTOPEN", "its folder can be written"),
        ("SQLITE_READONLY_DIRECTORY", "mounted read-only"),
        ("SQLITE_FULL", "the disk is full"),
        ("SQLITE_IOERR_FSYNC", "check the disk"),
        ("SQLITE_IOERR_SHMSIZE", "the disk is full"),
        ("SQLITE_NOTADB", "not an SQLite database"),
        ("SQLITE_CORRUPT", "run `freqfleet sync`, which moves it aside"),
    ],
)
def test_faults_of_the_world_come_with_a_remedy(name: str, remedy: str):
    raw = sqlite3.OperationalError("said by SQLite")
    raw.sqlite_errorname = name

    error = store_error(raw, "learning store x", 10.0)

    assert isinstance(error, StoreUnavailable)
    assert remedy in str(error)


def test_a_fault_of_ours_is_not_called_unavailable():
    error = store_error(sqlite3.IntegrityError("NOT NULL constraint failed"), "learning store x", 10.0)

    assert type(error) is StoreError
    assert "report it" in str(error)


def test_other_errors_pass_through():
    with pytest.raises(KeyError), told("learning store x", 10.0):
        raise KeyError("ours to see")
