"""A service says that it is alive: one small file, replaced whole, that `doctor` reads."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from freqfleet.clock import iso, parse_time
from freqfleet.errors import InputError
from freqfleet.store.whole_file import write_whole

HEARTBEATS = Path("user_data") / "heartbeats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """When a service last finished a cycle, how often it does, and what it said then.

    every_seconds : None for a program that runs when somebody starts it, as `freqfleet optimize`.
    """

    service: str
    at: datetime
    every_seconds: float | None
    pid: int
    said: str

    def is_stale(self, now: datetime) -> bool:
        """True where two cycles and a minute have gone by without a word; never where there are no cycles."""
        if self.every_seconds is None:
            return False
        return (now - self.at).total_seconds() > 2.0 * self.every_seconds + 60.0


def beat(folder: Path, service: str, at: datetime, every_seconds: float | None, said: str) -> None:
    """Write the heartbeat of a service; raises OSError where the folder cannot be written."""
    values = {"at": iso(at), "every_seconds": every_seconds, "pid": os.getpid(), "said": said}
    write_whole(folder / f"{service}.json", json.dumps(values) + "\n")


def rest(folder: Path, service: str) -> None:
    """Remove the heartbeat of a service that was stopped on purpose."""
    (folder / f"{service}.json").unlink(missing_ok=True)


def heartbeats(folder: Path) -> list[Heartbeat]:
    """Return the heartbeats of a folder, by service; a file that is none is left out."""
    found = []
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            every = values["every_seconds"]
            found.append(
                Heartbeat(
                    service=file.stem,
                    at=parse_time(values["at"]),
                    every_seconds=None if every is None else float(every),
                    pid=int(values["pid"]),
                    said=str(values["said"]),
                )
            )
        except (OSError, ValueError, KeyError, TypeError, InputError):
            continue
    return found
