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


def failed(subject: str, error: Exception, *, remedy: str) -> Finding:
    """Return the finding that an error makes, on one line.

    Our errors are written `what is wrong; what to do`: they bring their remedy. `remedy` is for the rest.
    """
    what, _, to_do = " ".join(str(error).split()).partition("; ")
    return fail(subject, what or type(error).__name__, to_do or remedy)
