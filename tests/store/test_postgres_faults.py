from __future__ import annotations

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import exc

from freqfleet.errors import StoreUnavailable
from freqfleet.store.faults import store_error
from freqfleet.store.postgres_faults import postgres_fault, server_words

# What libpq says of a connection that fails carries no code, only these words (PostgreSQL 12 to 18).
TO = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "does", "remedy"),
    [
        (f'{TO}FATAL:  password authentication failed for user "x"', "refuses the credentials", "_TOKEN"),
        (f"{TO}fe_sendauth: no password supplied", "refuses the credentials", "_TOKEN"),
        (f'{TO}FATAL:  database "gone" does not exist', "has no such database", "createdb --owner"),
        (f'{TO}FATAL:  role "x" does not exist', "does not let the user in", "createuser"),
        (f'{TO}FATAL:  no pg_hba.conf entry for host "10.0.0.8"', "does not let the user in", "pg_hba.conf"),
        (f"{TO}FATAL:  sorry, too many clients already", "takes no more connections", "max_connections"),
        (f"{TO}FATAL:  the database system is starting up", "cannot work now", "try again"),
        (f"{TO}Connection refused", "does not answer", "host and port"),
        ("failed to resolve host 'db.invalid': [Errno -2] unknown", "does not answer", "host and port"),
        ("connection timeout expired", "does not answer", "host and port"),
        ("server closed the connection unexpectedly\n\tThis probably means…", "does not answer", "network"),
        (f"{TO}FATAL:  Passwort-Authentifizierung fehlgeschlagen", "does not answer", "_TOKEN"),
    ],
)
def test_a_connection_that_fails_is_told_by_its_words(text: str, does: str, remedy: str):
    fault = postgres_fault(psycopg.OperationalError(text))

    assert fault is not None
    assert fault.does == does
    assert remedy in fault.remedy
    assert "10.0.0.7" not in fault.said  # the store's own description names the server
    assert "FATAL" not in fault.said


@pytest.mark.parametrize(
    ("error", "does", "remedy"),
    [
        (errors.DiskFull, "has no room", "make room on the server's disk"),
        (errors.InsufficientPrivilege, "refuses this to", "docs/operations.md has the GRANTs"),
        (errors.ReadOnlySqlTransaction, "cannot be written", "the primary server"),
        (errors.TooManyConnections, "takes no more connections", "max_connections"),
        (errors.AdminShutdown, "cannot work now", "try again"),
        (errors.QueryCanceled, "was too slow", "timeout_seconds"),
    ],
)
def test_a_statement_that_fails_is_told_by_its_code(error: type[psycopg.Error], does: str, remedy: str):
    wrapped = exc.DBAPIError.instance("SELECT secret", {"a": "secret"}, error("in words"), psycopg.Error)

    told = store_error(wrapped, "learning store x", 10.0)

    # Every one of them passes or is mended without a change of the letters that wait in an outbox.
    assert type(told) is StoreUnavailable
    assert str(told).startswith(f"learning store x {does}")
    assert f": in words; {remedy}" in str(told) or remedy in str(told).partition("; ")[2]
    assert "secret" not in str(told)


def test_a_fault_of_ours_is_none_of_the_servers():
    assert postgres_fault(errors.UndefinedColumn("no such column")) is None
    assert postgres_fault(ValueError("of something else")) is None


def test_an_error_without_words_has_some():
    assert server_words(" \n") == "no reason given"
