"""What a sample market contains: measured when it is made, kept as `truth.json` beside the candles."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.planted import ExitGrid, measure_edge
from freqfleet.market.synthetic import Kind, PairProcess
from freqfleet.settings import DefaultSettings, OptimizerSettings

TRUTH_FILE = "truth.json"
TRUTH_ENTRIES = 4_000

NOTICE = (
    "SYNTHETIC: these candles were made up by `freqfleet data sample`. They borrow the names of real pairs "
    "and no price of them. Nothing learned here says anything about a real market."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTruth:
    """What one pair of a sample contains. Both sides are alike.

    All of it is for entries at random times. A feeder that follows or fades moves enters elsewhere on the
    path, and other exits may be best for it; where nothing is planted, nothing is best for anybody.

    edge : in a few words; `nothing` for an edge-free pair.
    parameters : of the process, see `synthetic.PairProcess`.
    best_stop_loss, best_take_profit : position-level; None for an edge-free pair, where none is best.
    improvement_bps : mean gain per trade over the default exits, before costs, for entries at random
        times on both sides; measured on an independent simulation that had no say in the choice. For an
        edge-free pair that of the exits which looked best by chance: about 0.
    """

    pair: str
    kind: Kind
    edge: str
    parameters: dict[str, Any]
    best_stop_loss: float | None
    best_take_profit: float | None
    improvement_bps: float
    standard_error_bps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleTruth:
    """What a sample contains and how that was measured; the content of `truth.json`."""

    notice: str
    generator_version: int
    seed: int
    days: int
    first: str
    last: str
    timeframe: str
    measured: dict[str, Any]
    pairs: tuple[PairTruth, ...]


def truth_grid() -> ExitGrid:
    """Return the exits that the truth compares: a lattice over the search space that ships, 1440 minutes."""
    defaults, search = DefaultSettings(), OptimizerSettings()
    stops = np.append(np.arange(search.stop_loss[1], search.stop_loss[0], -0.0025), search.stop_loss[0])
    near = np.arange(search.take_profit[0], 0.0499, 0.0025)
    far = np.geomspace(0.05, search.take_profit[1], 8)
    return ExitGrid(
        stop_losses=tuple(float(stop) for stop in np.round(stops, 4)),
        take_profits=tuple(float(target) for target in np.round([*near, *far], 4)),
        reward_risk_min=search.reward_risk_min,
        default=(defaults.stop_loss, defaults.take_profit),
        time_limit_minutes=defaults.time_limit_minutes,
    )


def measure_pair(pair: str, process: PairProcess, grid: ExitGrid, rng: np.random.Generator) -> PairTruth:
    """Measure what is planted in one pair."""
    edge = measure_edge(process, grid, rng, entries=TRUTH_ENTRIES)
    planted = process.kind is not Kind.EDGE_FREE
    return PairTruth(
        pair=pair,
        kind=process.kind,
        edge=process.edge,
        parameters=asdict(process),
        best_stop_loss=edge.stop_loss if planted else None,
        best_take_profit=edge.take_profit if planted else None,
        improvement_bps=round(edge.improvement_bps, 2),
        standard_error_bps=round(edge.standard_error_bps, 2),
    )


def write_truth(datadir: Path, truth: SampleTruth) -> None:
    """Write `truth.json` into a sample."""
    (datadir / TRUTH_FILE).write_text(json.dumps(asdict(truth), indent=2) + "\n", encoding="utf-8")


def read_truth(datadir: Path) -> SampleTruth | None:
    """Return the truth of a sample, or None where `datadir` holds no `truth.json`, as real candles do.

    Raises InputError for a file that this version did not write.
    """
    path = datadir / TRUTH_FILE
    if not path.is_file():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        pairs = tuple(PairTruth(**{**one, "kind": Kind(one["kind"])}) for one in values["pairs"])
        return SampleTruth(**{**values, "pairs": pairs})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no truth of a sample ({error!r}); make the sample again") from None
