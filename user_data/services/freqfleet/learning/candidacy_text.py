"""A candidacy as text and back: what a killed run keeps of a pair, so that it need not be replayed again."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np

from freqfleet.domain.exit_plan import read_exit_parameters
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.learning.candidacy import Candidacy
from freqfleet.learning.cells import Met
from freqfleet.learning.path_lattice import PathLattice
from freqfleet.learning.path_prices import PathPrices
from freqfleet.replay.exit_events import ExitEvents
from freqfleet.replay.surface import SurfaceAxes
from freqfleet.validation.moments import Estimates

_COLUMNS = ("weights", "entered_ms", "window_end_ms", "incumbent_profit", "fallback_profit", "stressed_mean")
_EVENTS = ("stop_key", "stop_profit", "target_key", "target_profit", "deadline_key", "timed_out")
_PRICES = ("profit", "ambiguous")
_ESTIMATES = ("trades", "effective_trades", "mean", "variance")
_AXES = ("stop_losses", "take_profits", "volatility_scalings", "time_limit_minutes")


def candidacy_text(candidacy: Candidacy) -> str:
    """Return a compressed, printable form; numbers are kept to the last bit."""
    met = candidacy.events
    plain = {
        "pair": candidacy.pair,
        "side": candidacy.side.value,
        "bots": candidacy.bots,
        "incumbent": candidacy.incumbent.to_dict(),
        "fallback": candidacy.fallback.to_dict(),
        "incumbent_stressed_mean": candidacy.incumbent_stressed_mean,
        "atr_reference_ratio": candidacy.atr_reference_ratio,
        "data_hash": candidacy.data_hash,
        "duplicates": candidacy.duplicates,
        "axes": _axes(met),
    }
    arrays = {
        **{f"column.{name}": getattr(candidacy, name) for name in _COLUMNS},
        **{f"events.{name}": getattr(met, name) for name in _columns_of(met)},
        **{f"estimates.{name}": getattr(candidacy.estimates, name) for name in _ESTIMATES},
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, plain=np.array(json.dumps(plain)), **arrays)
    return base64.b64encode(packed.getvalue()).decode("ascii")


def candidacy_of_text(text: str) -> Candidacy:
    """Return what `candidacy_text` wrote; raises ValueError or KeyError for anything else."""
    with np.load(io.BytesIO(base64.b64decode(text, validate=True)), allow_pickle=False) as packed:
        arrays = {name: packed[name] for name in packed.files}
    plain: dict[str, Any] = json.loads(str(arrays.pop("plain")))

    def group(prefix: str) -> dict[str, Any]:
        return {
            name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)
        }

    axes, incumbent = plain.pop("axes"), read_exit_parameters(plain["incumbent"])
    return Candidacy(
        pair=plain["pair"],
        side=Side(plain["side"]),
        bots=tuple(plain["bots"]),
        incumbent=incumbent,
        fallback=read_exit_parameters(plain["fallback"]),
        incumbent_stressed_mean=plain["incumbent_stressed_mean"],
        atr_reference_ratio=plain["atr_reference_ratio"],
        data_hash=plain["data_hash"],
        duplicates=plain["duplicates"],
        events=_met(axes, incumbent, group("events.")),
        estimates=Estimates(**group("estimates.")),
        **group("column."),
    )


def _columns_of(met: Met) -> tuple[str, ...]:
    return _EVENTS if isinstance(met, ExitEvents) else _PRICES


def _axes(met: Met) -> dict[str, Any] | None:
    """Return the axes that cells lie on; None for ways to follow the path, which lie on none."""
    if not isinstance(met, ExitEvents):
        return None
    return {name: getattr(met.axes, name) for name in (*_AXES, "atr_reference_ratio")}


def _met(axes: dict[str, Any] | None, incumbent: ExitParameters, columns: dict[str, Any]) -> Met:
    if axes is None:
        return PathPrices(exits=PathLattice().upon(incumbent), **columns)
    ratio = axes["atr_reference_ratio"]
    return ExitEvents(
        axes=SurfaceAxes(**{name: tuple(axes[name]) for name in _AXES}, atr_reference_ratio=ratio),
        **columns,
    )
