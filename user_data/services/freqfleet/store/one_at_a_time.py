"""OneAtATime: of a service that must not run twice, the second one is told which one runs."""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from freqfleet.clock import iso
from freqfleet.errors import InputError


class OneAtATime:
    """Holds a lock file while it is entered; the lock ends with the process, however that ends.

    Raises InputError where another process holds it, naming that one, and where the file cannot be written.
    """

    def __init__(self, file: Path, service: str, now: datetime) -> None:
        self._file = file
        self._service = service
        self._now = now
        self._held: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            held = self._file.open("a+", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{self._file} cannot be written: {error.strerror}") from None
        if not _locked(held):
            held.seek(0)
            who = _who(held.read())
            held.close()
            raise InputError(
                f"another {self._service} runs: {who}; stop that one first, or let it do the work"
            )
        held.truncate(0)
        held.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": iso(self._now)}))
        held.flush()
        self._held = held
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._held is not None:
            self._held.truncate(0)
            self._held.close()
            self._held = None


def _locked(file: IO[str]) -> bool:
    try:
        import fcntl  # noqa: PLC0415  (not on Windows, where a second one is not noticed)
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _who(text: str) -> str:
    try:
        told = json.loads(text)
        return f"process {told['pid']} on {told['host']} since {told['since']}"
    except (ValueError, KeyError, TypeError):
        return "a process that is just starting"
