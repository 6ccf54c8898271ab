"""Figures that may not have been measured."""

from __future__ import annotations

import math


def known(value: float) -> float | None:
    """Return a figure as a plain float; None where there is none to speak of: NaN, or infinite."""
    return float(value) if math.isfinite(value) else None
