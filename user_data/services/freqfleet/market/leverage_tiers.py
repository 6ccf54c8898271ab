"""Leverage tiers: what part of a position the exchange wants as margin, by the size of the position.

They come from the file that freqtrade ships for Binance and reads itself in dry-run and backtest. It is
found where freqtrade is installed, without importing freqtrade; nothing else here knows that it exists.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freqfleet.errors import MarketError

FREQTRADE_FILE = Path("exchange") / "binance_leverage_tiers.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageTier:
    """One tier of one pair, from `notional_from_quote` on.

    maintenance_ratio : of the position's value that must stay as margin.
    maintenance_amount_quote : what is taken off it again, so that the tiers join without a step.
    """

    notional_from_quote: float
    maintenance_ratio: float
    maintenance_amount_quote: float


Tiers = Sequence[LeverageTier]


@dataclass(frozen=True, slots=True)
class LeverageTiers:
    """The tiers of every pair of one exchange, lowest first."""

    by_pair: Mapping[str, Tiers]

    def of(self, pair: str) -> Tiers | None:
        """Return the tiers of a pair; None where the exchange's file does not know it."""
        return self.by_pair.get(pair)


def load_leverage_tiers(file: Path | None = None) -> LeverageTiers:
    """Read the tiers.

    file : in freqtrade's form; the one freqtrade ships where not given.

    Raises MarketError where it is missing or is not such a file.
    """
    chosen = file if file is not None else freqtrade_tiers_file()
    try:
        content = json.loads(chosen.read_text(encoding="utf-8"))
    except OSError as error:
        raise MarketError(f"cannot read leverage tiers {chosen}: {error.strerror or error}") from None
    except ValueError as error:
        raise MarketError(f"{chosen} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise MarketError(f"{chosen}: leverage tiers are an object of pairs, was {type(content).__name__}")
    return LeverageTiers({pair: _tiers(chosen, pair, rows) for pair, rows in content.items()})


def freqtrade_tiers_file() -> Path:
    """Return where freqtrade keeps Binance's tiers; raises MarketError where it does not any more."""
    found = importlib.util.find_spec("freqtrade")
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    for folder in folders:
        if (file := Path(folder) / FREQTRADE_FILE).is_file():
            return file
    raise MarketError(
        f"no {FREQTRADE_FILE} in freqtrade ({', '.join(folders) or 'not installed'}); this freqfleet was "
        "made for freqtrade 2026.9"
    )


def _tiers(file: Path, pair: str, rows: Any) -> tuple[LeverageTier, ...]:
    try:
        tiers = tuple(
            LeverageTier(
                notional_from_quote=float(row["minNotional"]),
                maintenance_ratio=float(row["maintenanceMarginRate"]),
                maintenance_amount_quote=float(row["info"]["cum"]),
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MarketError(f"{file}: the tiers of {pair} cannot be read ({error!r})") from None
    starts = [tier.notional_from_quote for tier in tiers]
    if not tiers or starts[0] != 0.0 or sorted(set(starts)) != starts or not math.isfinite(starts[-1]):
        raise MarketError(f"{file}: the tiers of {pair} must begin at 0 and rise, were {starts}")
    return tiers
