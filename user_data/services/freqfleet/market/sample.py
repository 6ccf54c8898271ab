"""A seeded, labelled, synthetic market in freqtrade's layout, and the truth about what is in it.

For demos and tests that need no exchange: nothing in it ever happened. It ends at a fixed date, so that a
seed means the same candles for everyone. What was planted is written beside it, measured, so that an
optimizer's answer can be marked.

Importing this module imports freqtrade; `sample_truth.read_truth` does not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from freqfleet.clock import iso, to_ms
from freqfleet.errors import InputError
from freqfleet.market.sample_candles import funding_of, minute_candles
from freqfleet.market.sample_files import store_pair
from freqfleet.market.sample_pairs import SAMPLE_PAIRS
from freqfleet.market.sample_truth import (
    NOTICE,
    TRUTH_ENTRIES,
    TRUTH_FILE,
    PairTruth,
    SampleTruth,
    measure_pair,
    read_truth,
    truth_grid,
    write_truth,
)
from freqfleet.market.synthetic import (
    BAR_MINUTES,
    BARS_PER_DAY,
    GENERATOR_VERSION,
    Kind,
    PairProcess,
    planted_process,
    simulate,
)

__all__ = ["NOTICE", "PairTruth", "SampleTruth", "read_truth", "write_sample"]

SAMPLE_END = datetime(2025, 11, 1, tzinfo=UTC)
README_FILE = "README.txt"
DETAIL_PAIRS = 2  # the first pairs also get 1m candles, for --timeframe-detail
DAYS_BOUNDS = (2, 400)
_KINDS = (Kind.EDGE_FREE, Kind.MEAN_REVERTING, Kind.MOMENTUM)  # dealt out in turn


def write_sample(
    out: Path,
    pairs: int = 12,
    days: int = 78,
    seed: int = 7,
    *,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> SampleTruth:
    """Write a sample market to `out`, a datadir that freqtrade reads as it is.

    Candles of 5m for every pair (1m also for the first two), 1h mark prices and funding rates every 8
    hours; `truth.json` and `README.txt` beside them. The same arguments give the same candles, byte for
    byte, with the same NumPy and pyarrow.

    days : three to warm up; of 78, the demo then learns from 50, after which most of what is planted can be
    told from chance. From half as many trades the gate can only say that a side as a whole earns more.
    force : replace an earlier sample in `out`. Candles that no sample wrote are never touched.
    progress : told what is being done.

    Raises InputError for numbers out of bounds and for a folder that is not empty.
    """
    tell = progress if progress is not None else _tell_nobody
    _check(pairs, days, seed)
    _make_room(out, force=force)
    listed = SAMPLE_PAIRS[:pairs]
    to_processes, to_paths, to_candles, to_truth = np.random.SeedSequence(seed).spawn(4)
    processes = _processes(pairs, np.random.default_rng(to_processes))

    tell(f"simulating {days} days of {pairs} pairs")
    paths = simulate(processes, days * BARS_PER_DAY, np.random.default_rng(to_paths), one_market=True)
    start = SAMPLE_END - timedelta(days=days)
    _write_readme(out, seed)
    for index, (one, stream) in enumerate(zip(listed, to_candles.spawn(pairs), strict=True)):
        tell(f"writing {one.pair}")
        rng = np.random.default_rng(stream)
        candles = minute_candles(paths.one(index), one, to_ms(start), rng)
        store_pair(out, candles, *funding_of(candles, rng), detail=index < DETAIL_PAIRS)

    grid = truth_grid()
    truths = []
    for one, process, stream in zip(listed, processes, to_truth.spawn(pairs), strict=True):
        tell(f"measuring what is planted in {one.pair}")
        truths.append(measure_pair(one.pair, process, grid, np.random.default_rng(stream)))
    truth = SampleTruth(
        notice=NOTICE,
        generator_version=GENERATOR_VERSION,
        seed=seed,
        days=days,
        first=iso(start),
        last=iso(SAMPLE_END - timedelta(minutes=BAR_MINUTES)),
        timeframe=f"{BAR_MINUTES}m",
        measured={
            "default_stop_loss": grid.default[0],
            "default_take_profit": grid.default[1],
            "time_limit_minutes": grid.time_limit_minutes,
            "reward_risk_min": grid.reward_risk_min,
            "candidates": len(grid.candidates),
            "entries": TRUTH_ENTRIES,
            "entered": "at random times, long and short",
            "costs": "none",
        },
        pairs=tuple(truths),
    )
    write_truth(out, truth)
    return truth


def _check(pairs: int, days: int, seed: int) -> None:
    if not 1 <= pairs <= len(SAMPLE_PAIRS):
        raise InputError(f"pairs must lie in 1..{len(SAMPLE_PAIRS)}, was {pairs}")
    if not DAYS_BOUNDS[0] <= days <= DAYS_BOUNDS[1]:
        raise InputError(f"days must lie in {DAYS_BOUNDS[0]}..{DAYS_BOUNDS[1]}, was {days}")
    if seed < 0:
        raise InputError(f"seed must be 0 or more, was {seed}")


def _make_room(out: Path, *, force: bool) -> None:
    """Leave `out` as a folder without candles, or raise InputError and touch nothing."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; give --out another folder")
    if out.is_dir() and any(out.iterdir()):
        if not force:
            raise InputError(f"{out} is not empty; give --out another folder, or --force to replace a sample")
        readme, futures = out / README_FILE, out / "futures"
        is_sample = readme.is_file() and NOTICE in readme.read_text(encoding="utf-8", errors="replace")
        if not is_sample and any(out.rglob("*.feather")):
            raise InputError(f"{out} holds candles that no sample wrote; --force does not touch them")
        if is_sample and futures.is_dir():
            shutil.rmtree(futures)
        (out / TRUTH_FILE).unlink(missing_ok=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make {out}: {error.strerror}; give --out another folder") from None


def _processes(count: int, rng: np.random.Generator) -> list[PairProcess]:
    scales = rng.uniform(0.9, 1.1, len(SAMPLE_PAIRS))  # a pair's does not depend on how many there are
    return [planted_process(_KINDS[i % len(_KINDS)], round(float(scales[i]), 3)) for i in range(count)]


def _write_readme(out: Path, seed: int) -> None:
    (out / README_FILE).write_text(
        f"{NOTICE}\n\nSeed {seed}, generator version {GENERATOR_VERSION}. "
        f"What is planted in each pair, and what it is worth to entries at random times: {TRUTH_FILE}.\n",
        encoding="utf-8",
    )


def _tell_nobody(step: str) -> None:
    del step
