"""Side: the direction of a position. `order_side` (buy, sell) is another word and not used here."""

from __future__ import annotations

from enum import StrEnum

from freqfleet.errors import InputError


class Side(StrEnum):
    """The direction of a position."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short: a price move times the sign is a gain."""
        return 1 if self is Side.LONG else -1

    @property
    def is_short(self) -> bool:
        """True for a short position, as freqtrade writes it."""
        return self is Side.SHORT

    @classmethod
    def of(cls, *, is_short: bool) -> Side:
        """Return the side of a freqtrade trade."""
        return cls.SHORT if is_short else cls.LONG


def parse_side(text: str) -> Side:
    """Read `long` or `short`; raises InputError with the text otherwise."""
    try:
        return Side(text.strip().lower())
    except ValueError:
        raise InputError(f"side must be long or short, was {text!r}") from None
