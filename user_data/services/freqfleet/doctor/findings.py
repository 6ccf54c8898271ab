"""A finding: what was looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a checked thing is."""

    OK = "ok"
    NOTE = "note"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor; a `fail` always carries its remedy."""

    subject: str
    state: State
    text: str
    remedy: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject, State.OK, text)


def note(subject: str, text: str, remedy: str = "") -> Finding:
    """Return a finding to know about; nothing is broken."""
    return Finding(subject, State.NOTE, text, remedy)


def fail(subject: str, text: str, remedy: str) -> Finding:
    """Return a finding that stops the fleet from working as meant."""
    return Finding(subject, State.FAIL, text, remedy)
