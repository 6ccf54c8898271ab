"""Stored rows that no value can be made of: told once each, counted, never returned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from freqfleet.errors import InputError
from freqfleet.store.rows import StoredRow

logger = logging.getLogger(__name__)

# What such a row raises; OSError where its time is beyond the machine's calendar. Rows are there already, so
# that no disk and no server can be meant.
UNUSABLE = (InputError, ValueError, TypeError, OverflowError, OSError)

T = TypeVar("T")


class UnusableRows:
    """The rows that one store has met. description : of the store, as its messages name it."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._reasons: dict[str, str] = {}

    @property
    def reasons(self) -> dict[str, str]:
        """What is wrong with each, by its label."""
        return dict(self._reasons)

    def usable(
        self,
        rows: Iterable[StoredRow],
        to_value: Callable[[StoredRow], T],
        label: Callable[[StoredRow], str],
    ) -> Iterator[T]:
        """Yield the values of rows and skip those that are none."""
        for row in rows:
            try:
                yield to_value(row)
            except UNUSABLE as error:
                self.skip(label(row), str(error))

    def skip(self, label: str, reason: str) -> None:
        """Keep why a row is not used; it is logged the first time."""
        if label not in self._reasons:
            logger.warning("%s: %s is not used: %s", self._description, label, reason)
        self._reasons[label] = reason
