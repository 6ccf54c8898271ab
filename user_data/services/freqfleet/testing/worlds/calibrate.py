"""`python -m freqfleet.testing.worlds.calibrate`: print the drifts that make edges worth what they say."""

from __future__ import annotations

import sys

from freqfleet.testing.worlds.edges import Kind, improvement
from freqfleet.testing.worlds.market import SIGMAS

STRENGTHS_BPS = (10, 25, 50, 100)
STEPS = 12
GROWTH = 1.4
LOWEST = {Kind.LEVEL_5: 1e-5, Kind.LEVEL_8: 1e-5, Kind.REVERSION: 1e-3, Kind.MOMENTUM: 1e-5}
HIGHEST = {Kind.LEVEL_5: 6e-4, Kind.LEVEL_8: 6e-4, Kind.REVERSION: 0.2, Kind.MOMENTUM: 6e-4}


def worth_bps(kind: Kind, drift: float, sigma: float) -> float:
    """Return what the best cell earns over the default with this drift."""
    return float(improvement(kind, drift, sigma).max()) * 1e4


def drift_worth(kind: Kind, bps: float, sigma: float) -> float | None:
    """Return the smallest drift whose best cell is worth `bps`, by bisection; None where no drift is.

    A strong reversion is worth less again, so the upper end of the bisection is searched from below.
    """
    low, high = 0.0, LOWEST[kind]
    while worth_bps(kind, high, sigma) < bps:
        low, high = high, high * GROWTH
        if high > HIGHEST[kind]:
            return None
    for _ in range(STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if worth_bps(kind, middle, sigma) < bps else (low, middle)
    return (low + high) / 2.0


def main() -> None:
    """Print the contents of drifts.py."""
    out = sys.stdout
    out.write('"""Written by `python -m freqfleet.testing.worlds.calibrate`; see edges.py."""\n\n')
    out.write(
        "# (kind, bps a trade, index of the sigma) -> drift per candle, as a ratio of the entry price\n"
    )
    out.write("DRIFTS: dict[tuple[str, int, int], float] = {\n")
    for kind in HIGHEST:
        for bps in STRENGTHS_BPS:
            for index, sigma in enumerate(SIGMAS):
                found = drift_worth(kind, bps, sigma)
                if found is not None:
                    out.write(f'    ("{kind}", {bps}, {index}): {found:.4g},\n')
                out.flush()
    out.write("}\n")


if __name__ == "__main__":
    main()
