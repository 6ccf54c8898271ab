"""Batch: the lines of one write to one bucket, and what each of them stands for in its receipt."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from freqfleet.store.influx_writer import Write, write_all
from freqfleet.store.promise import WriteReceipt


class Outcome(StrEnum):
    """What a line does to what it is of."""

    ACCEPTED = "accepted"
    AMENDED = "amended"


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    label: str
    outcome: Outcome | None


class Batch:
    """Lines in the order they are sent, with the name that a refusal gives each."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._duplicates = 0

    def add(self, text: str, label: str, outcome: Outcome | None) -> None:
        """Append a line; None for one that goes along with another and counts for nothing."""
        self._lines.append(_Line(text, label, outcome))

    def leave_out(self, count: int = 1) -> None:
        """Count what is stored already and needs no line."""
        self._duplicates += count

    def send(self, write: Write, bucket: str, description: str) -> WriteReceipt:
        """Write the lines; what the server refuses is not counted as stored, and told."""
        refused = write_all(write, bucket, [one.text for one in self._lines])
        stored = Counter(one.outcome for index, one in enumerate(self._lines) if index not in refused)
        return WriteReceipt(
            accepted=stored[Outcome.ACCEPTED],
            amended=stored[Outcome.AMENDED],
            duplicate=self._duplicates,
            rejected=tuple(
                f"{self._lines[index].label}: {description} refuses it: {reason}"
                for index, reason in sorted(refused.items())
            ),
        )
