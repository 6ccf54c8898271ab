"""One InfluxDB server: a query, a write, who it is; and what its faults mean.

Only line protocol (`POST /write`) and InfluxQL (`GET /query`) are spoken, the dialect that generations 1, 2
(through a DBRP mapping) and 3 share. The secret travels in a header; it is in no URL, no message, no log.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import httpcore
from pydantic import SecretStr

from freqfleet.errors import StoreError, StoreUnavailable
from freqfleet.store.deadline import DeadlineBackend, deadline
from freqfleet.store.influx_url import InfluxTarget

logger = logging.getLogger(__name__)

_CONNECTIONS = 8
_SAID = 300  # characters of a server's answer that a message repeats
_WINDOW = ("file limit", "72 hour")  # what 3 Core says of a query over too many files
_FULL = "would exceed"  # what 3 says where databases, tables or columns are at their limit
_CREATE = {
    1: "influx -execute 'CREATE DATABASE \"{bucket}\"'",
    2: "influx bucket create --name {bucket} --retention 0, then influx v1 dbrp create --db {bucket} "
    "--rp autogen --default --bucket-id ID",
    3: "influxdb3 create database {bucket}",
}


class LinesRefused(Exception):
    """The server took the request and refuses something in its lines; some of them may be stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who answers. generation : 1, 2 or 3. clock_offset_seconds : its clock minus ours."""

    product: str
    generation: int
    core: bool
    clock_offset_seconds: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a query: each a list in the order of `columns`. tags : of a GROUP BY."""

    columns: tuple[str, ...]
    rows: list[list[Any]]
    tags: Mapping[str, str]


class InfluxServer:
    """Thread-safe; connections are kept open and shared.

    timeout_seconds : the whole of one request, however slowly the server answers.
    """

    def __init__(self, target: InfluxTarget, secret: SecretStr | None, timeout_seconds: float) -> None:
        self.target = target
        self._timeout_seconds = timeout_seconds
        self._headers: dict[bytes | str, bytes | str] = {
            "Accept": "application/json",
            "User-Agent": "freqfleet",
        }
        if secret is not None:
            self._headers["Authorization"] = _authorization(target.user, secret)
            if target.readable_on_the_way:
                logger.warning(
                    "%s: the secret crosses the network unencrypted; use influxdbs://", target.description
                )
        self._pool = httpcore.ConnectionPool(
            max_connections=_CONNECTIONS, keepalive_expiry=30.0, network_backend=DeadlineBackend()
        )
        self._identity: Identity | None = None

    def identity(self) -> Identity:
        """Ask the server who it is; raises StoreUnavailable where none answers as InfluxDB does."""
        response = self._request("GET", "/ping")
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status >= 400:
            raise self._fault(response, bucket=None)
        version = headers.get("x-influxdb-version", "").removeprefix("v")
        if not version and response.content:
            version = str(_json(response.content).get("version", "")).removeprefix("v")
        generation = version.partition(".")[0]
        if not generation.isdigit():
            raise StoreUnavailable(
                f"{self.target.description}: something answers there, but it is no InfluxDB; "
                "check [store] url"
            )
        build = headers.get("x-influxdb-build", "")
        return Identity(
            product=" ".join(part for part in ("InfluxDB", version, build) if part),
            generation=int(generation),
            core=int(generation) >= 3 and "enterprise" not in build.lower(),
            clock_offset_seconds=_clock_offset(headers.get("date")),
        )

    def query(self, bucket: str, influxql: str) -> list[Answer]:
        """Run one InfluxQL statement and return its series; times are nanoseconds.

        Raises StoreUnavailable where the server or the bucket is not there, StoreError for an answer that is
        not the whole one.
        """
        arguments = urlencode({"db": bucket, "epoch": "ns", "q": influxql})
        response = self._request("GET", f"/query?{arguments}")
        if response.status >= 400:
            raise self._fault(response, bucket)
        answer = _json(response.content)
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != 1:
            raise StoreUnavailable(
                f"{self.target.description}: not an answer of InfluxDB: {said(response.content)}; check that "
                "[store] url leads to the server itself, not to something in between"
            )
        result = results[0]
        if "error" in result:
            raise self._refusal(str(result["error"]), bucket)
        series = result.get("series", ())
        if result.get("partial") or any(one.get("partial") for one in series):
            raise StoreUnavailable(
                f"{self.target.description}: it cut its answer short; set max-row-limit = 0 under [http] in "
                "influxdb.conf, a part of the trades is worse than none"
            )
        return [Answer(tuple(one["columns"]), one.get("values", []), one.get("tags", {})) for one in series]

    def write(self, bucket: str, lines: Sequence[str]) -> None:
        """Store points; raises LinesRefused where the server dislikes one of them, StoreUnavailable else."""
        arguments = urlencode({"db": bucket, "precision": "ns"})
        body = "\n".join(lines).encode()
        response = self._request("POST", f"/write?{arguments}", body)
        if response.status in (400, 422):
            refuse_lines(said(response.content))
        if response.status >= 400:
            raise self._fault(response, bucket)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    def missing(self, bucket: str) -> StoreUnavailable:
        """Return the error for a bucket that is not there, with the commands that create it."""
        remedy = _CREATE[min(max(self._generation(), 1), 3)].format(bucket=bucket)
        return StoreUnavailable(
            f"{self.target.description}: there is no bucket or database {bucket}, or this secret may not use "
            f"it; create it: {remedy}"
        )

    def unreachable(self, error: Exception) -> StoreUnavailable:
        """Return the error for a server that does not answer in time or at all."""
        late = isinstance(error, httpcore.TimeoutException | TimeoutError)
        words = str(error).rstrip(".") or type(error).__name__
        why = f"no answer within {self._timeout_seconds:g} s" if late else words
        return StoreUnavailable(
            f"{self.target.description} does not answer: {why}; check [store] url and that it runs"
        )

    def refused_credentials(self) -> StoreUnavailable:
        """Return the error for a secret the server does not accept."""
        return StoreUnavailable(
            f"{self.target.description} refuses the credentials; set FREQFLEET_STORE__TOKEN (a token, or the "
            "password of the user in [store] url) to one that may read and write the fleet's buckets"
        )

    def forbidden(self, bucket: str, text: str) -> StoreUnavailable:
        """Return the error for a bucket this secret may not use; generation 1 says it of missing ones."""
        create = _CREATE[min(max(self._generation(), 1), 3)].format(bucket=bucket)
        grant = "a token with its read and write permission"
        if self.target.user is not None:
            grant = f'GRANT ALL ON "{bucket}" TO "{self.target.user}"'
        return StoreUnavailable(
            f"{self.target.description} refuses the use of {bucket}: {text}; create it where it is missing "
            f"({create}), let this secret use it ({grant}), or set FREQFLEET_STORE__TOKEN to one that may"
        )

    def _generation(self) -> int:
        if self._identity is None:
            try:
                self._identity = self.identity()
            except StoreError:
                return 1
        return self._identity.generation

    def _request(self, method: str, path: str, body: bytes | None = None) -> httpcore.Response:
        try:
            with deadline(self._timeout_seconds):
                return self._pool.request(
                    method,
                    f"{self.target.origin}{path}",
                    headers=self._headers,
                    content=body,
                    extensions={"timeout": {"pool": self._timeout_seconds}},
                )
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise self.unreachable(error) from None
        except RuntimeError as error:  # httpcore says so where the pool was closed
            raise self.unreachable(error) from None

    def _fault(self, response: httpcore.Response, bucket: str | None) -> StoreError:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
        return self.fault(response.status, headers, response.content, bucket)

    def fault(
        self, status: int, headers: Mapping[str, str], content: bytes, bucket: str | None
    ) -> StoreError:
        """Return what an HTTP status means; `headers` in lower case."""
        text = said(content)
        if any(words in text for words in _WINDOW):  # generation 3 says this, too, with status 500
            return self._refusal(text, bucket)
        if status == 403 and bucket is not None:
            return self.forbidden(bucket, text)
        if status in (401, 403):
            return self.refused_credentials()
        if bucket is not None and (status == 404 or "not found" in text):
            return self.missing(bucket)
        if status == 429 or status >= 500:
            seconds = _retry_after(headers.get("retry-after"))
            again = "try again" if seconds is None else f"try again in {seconds:g} s"
            return StoreUnavailable(
                f"{self.target.description} cannot work now (HTTP {status}: {text}); nothing to correct "
                f"here, {again}",
                retry_after_seconds=seconds,
            )
        return self._refusal(f"HTTP {status}: {text}", bucket)

    def _refusal(self, answer: str, bucket: str | None) -> StoreError:
        text = answer[:_SAID]
        if bucket is not None and ("database not found" in text or "mapping not found" in text):
            return self.missing(bucket)
        if any(words in text for words in _WINDOW):
            return StoreError(
                f"{self.target.description} refuses so long a window: {text}; InfluxDB 3 Core answers about "
                "72 h at a time: raise its --query-file-limit, or keep the history in InfluxDB 1 or 2, "
                "PostgreSQL or SQLite"
            )
        if _FULL in text:
            return StoreUnavailable(
                f"{self.target.description} is at a limit of its own: {text}; raise it, or remove what "
                "is not the fleet's from this server"
            )
        if "authorization" in text.lower() or "not authorized" in text.lower():
            return self.refused_credentials()
        return StoreUnavailable(
            f"{self.target.description}: {text}; check that the server is an InfluxDB 1, 2 or 3"
        )


def _authorization(user: str | None, secret: SecretStr) -> str:
    if user is None:
        return f"Token {secret.get_secret_value()}"
    pair = f"{user}:{secret.get_secret_value()}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _json(content: bytes) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def refuse_lines(text: str) -> None:
    """Raise LinesRefused, unless it is the bucket and no line that the server's text is about."""
    if "database not found" not in text and _FULL not in text:
        raise LinesRefused(text)


def said(content: bytes) -> str:
    """Return what a server says about a fault, on one line and not too much of it.

    Generation 3 puts the reasons of a partial write into `data`, beside an `error` that names none.
    """
    values = _json(content)
    text = str(values.get("error") or values.get("message") or content.decode("utf-8", "replace"))
    if text.startswith("error authorizing query"):  # the whole query follows, then the right that is missing
        text = text.rpartition(", ")[2]
    lines = values.get("data")
    if isinstance(lines, list):
        reasons = [
            str(one["error_message"]) for one in lines if isinstance(one, dict) and "error_message" in one
        ]
        text = ": ".join([text, *dict.fromkeys(reasons)])
    return " ".join(text.split())[:_SAID] or "no reason given"


def _retry_after(text: str | None) -> float | None:
    """Read Retry-After in seconds; None where it is missing or a date."""
    try:
        return max(0.0, float(text)) if text is not None else None
    except ValueError:
        return None


def _clock_offset(text: str | None) -> float | None:
    try:
        theirs = parsedate_to_datetime(text) if text is not None else None
    except ValueError:
        return None
    return None if theirs is None else (theirs - datetime.now(UTC)).total_seconds()
