"""What a PostgreSQL server refuses, in its own short words, and what to do about it.

A statement's fault carries SQLSTATE, a code (PostgreSQL, appendix A). A connection that fails carries none
(libpq gives the server's sentence alone), so that is told by its English wording; of a server that speaks
another language the sentence comes with the remedy for all of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_GONE = "does not answer"
_CREDENTIALS = "refuses the credentials"
_BUSY = ("cannot work now", "nothing to correct here, try again")
# SQLSTATE -> what the server does, and the remedy.
_KNOWN = {
    "28P01": (_CREDENTIALS, "set FREQFLEET_STORE__TOKEN, or [store] token_file, to the password of {user}"),
    "28000": (
        "does not let {user} in",
        "create the role (createuser --pwprompt {user}), or let it in by a line of the server's pg_hba.conf",
    ),
    "3D000": ("has no such database", "create it: createdb --owner {user} {database}"),
    "42501": (
        "refuses this to the role",
        "grant it (docs/operations.md has the GRANTs), or run this, or first `freqfleet sync`, as the owner",
    ),
    "25006": ("cannot be written", "give [store] url the primary server, or let {database} be written"),
    "53100": ("has no room", "make room on the server's disk; nothing of this call was stored"),
    "53300": ("takes no more connections", "raise max_connections or the role's limit, or stop a program"),
    "57P01": _BUSY,
    "57P02": _BUSY,
    "57P03": _BUSY,
    "57014": ("was too slow", "look what keeps the server busy, or raise [store] timeout_seconds"),
    "08001": (_GONE, "check that the server runs, and host and port in [store] url"),
    "08006": (_GONE, "look at the server and the network, then try again"),
}
_OTHER = (_GONE, "check that the server runs, [store] url, and the password in FREQFLEET_STORE__TOKEN")
_WORDINGS = (
    (re.compile("password authentication failed|no password supplied"), "28P01"),
    (re.compile('database ".*" does not exist'), "3D000"),
    (re.compile('role ".*" (does not exist|is not permitted to log in)|pg_hba.conf'), "28000"),
    (re.compile("permission denied for database"), "42501"),
    (re.compile("too many (clients|connections)|connection slots"), "53300"),
    (re.compile("is (starting up|shutting down|in recovery)"), "57P03"),
    (re.compile("Connection refused|timeout expired|resolve host|could not translate host"), "08001"),
    (re.compile("closed the connection|connection (is|was) (lost|closed|bad)"), "08006"),
)
# libpq: `connection failed: connection to server at "host" (1.2.3.4), port 5432 failed: FATAL:  …`
_BEFORE = re.compile(r"^(connection failed: )?connection to server (at|on) .*? failed: ")


@dataclass(frozen=True, slots=True)
class PostgresFault:
    """does : what the server does. said : its sentence. remedy : what to do. None holds the password."""

    does: str
    said: str
    remedy: str


def postgres_fault(origin: object) -> PostgresFault | None:
    """Return what psycopg's error means; None where it is none of its, or can only be a fault of ours."""
    if not hasattr(origin, "sqlstate") or not hasattr(origin, "pgconn"):
        return None
    said = server_words(str(origin))
    code = origin.sqlstate or next((code for words, code in _WORDINGS if words.search(said)), None)
    if code is not None and code not in _KNOWN:
        return None
    does, remedy = _OTHER if code is None else _KNOWN[code]
    names = {"user": _of(origin, "user", "the user"), "database": _of(origin, "db", "the database")}
    return PostgresFault(does.format(**names), said, remedy.format(**names))


def server_words(text: str) -> str:
    """Return the first line of a driver's error, without where libpq connected to and how grave it is."""
    first = (text.strip() or "no reason given").splitlines()[0]
    return " ".join(_BEFORE.sub("", first).removeprefix("FATAL:").split())


def _of(origin: Any, name: str, unknown: str) -> str:
    """Return `user` or `db` of the connection; one that was lost has forgotten them."""
    connection = origin.pgconn
    value: bytes = getattr(connection, name, b"") if connection is not None else b""
    return value.decode("utf-8", "replace") or unknown
