"""How numbers are written for people. Elsewhere ratios stay ratios, but in reasons (`learning/wording.py`).

None and NaN are written as a dash: not measured is not zero.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

UNKNOWN = "–"
_MINUS_BEFORE_DIGIT = re.compile(r"(?<![\w.)])-(?=\d)")


def as_percent(ratio: float | None, digits: int = 2, *, sign: bool = False) -> str:
    """Return 0.0125 as `1.25 %`; `sign` writes the plus too."""
    return _number(ratio, 100.0, digits, sign=sign, unit=" %")


def as_bps(bps: float | None, digits: int = 1, *, sign: bool = True, unit: str = " bps") -> str:
    """Return 12.34 (already basis points) as `+12.3 bps`."""
    return _number(bps, 1.0, digits, sign=sign, unit=unit)


def to_bps(ratio: float | None) -> float | None:
    """Return a ratio in basis points: 0.0012 is 12. None and NaN become None."""
    return None if ratio is None or math.isnan(ratio) else ratio * 1e4


def as_count(count: float | None) -> str:
    """Return 276480 as `276,480`; an effective count such as 160.2 is rounded."""
    return _number(count, 1.0, 0, sign=False, unit="")


def as_decimal(value: float | None, digits: int = 2) -> str:
    """Return a plain number such as a scaling or a profit factor."""
    return _number(value, 1.0, digits, sign=False, unit="")


def as_p_value(value: float | None) -> str:
    """Return a p-value as `0.012`; below 0.0001 as `<0.0001`."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return "<0.0001" if value < 0.0001 else f"{value:.2g}"


def as_minutes(minutes: int | None) -> str:
    """Return 240 as `4 h`, 90 as `90 min`."""
    if minutes is None:
        return UNKNOWN
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def as_seconds(seconds: float) -> str:
    """Return a duration as `0.4 s`, `12 s` or `3 min 05 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def as_time(moment: datetime) -> str:
    """Return `moment` (aware) as `2025-11-01 12:30 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def as_day(moment: datetime) -> str:
    """Return the UTC day of `moment` (aware) as `2025-11-01`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d}"


def plural(count: int, noun: str) -> str:
    """Return `1 trade`, `2 trades`."""
    return f"{as_count(count)} {noun}" if count == 1 else f"{as_count(count)} {noun}s"


def short_pair(pair: str) -> str:
    """Return the base of a pair, for places with little room: `BTC/USDT:USDT` is `BTC`."""
    return pair.split("/", maxsplit=1)[0]


def pair_labels(pairs: Iterable[str]) -> dict[str, str]:
    """Return a label for each pair: its base, or all of it where two pairs share a base."""
    names = list(dict.fromkeys(pairs))
    bases = Counter(short_pair(pair) for pair in names)
    return {pair: short_pair(pair) if bases[short_pair(pair)] == 1 else pair for pair in names}


def typographic(text: str) -> str:
    """Return `text` with a true minus before numbers, as print has it."""
    return _MINUS_BEFORE_DIGIT.sub("−", text)


def _number(value: float | None, factor: float, digits: int, *, sign: bool, unit: str) -> str:
    if value is None or math.isnan(value):
        return UNKNOWN
    if math.isinf(value):
        return "∞" if value > 0.0 else "-∞"
    scaled = round(value * factor, digits) + 0.0  # + 0.0 turns -0.0 into 0.0
    return f"{scaled:{'+' if sign and scaled != 0.0 else ''},.{digits}f}{unit}"
