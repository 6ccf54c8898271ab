"""A walk through the past, as a whole command: `freqfleet walk-forward`, a step a week."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bench.market import Market, Window
from bench.measure import BenchError, Cost, environment, run
from bench.trades import over_all_bins, seeded_trades, write_store
from freqfleet.clock import from_ms, iso
from freqfleet.market.candles import CandleFiles

_FREQFLEET = [sys.executable, "-c", "from freqfleet.cli import main; main()"]
# Random entries teach nothing: 1 says that nothing was published.
_CODES = (0, 1)
REAL = Path("market") / "bench" / "binance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a walk took. trades : in the store. judged : decisions of all steps that were not skipped.

    records : of leverage bins. bins : how often one stood before the gate with exits of its own.
    """

    cost: Cost
    pairs: int
    steps: int
    trades: int
    judged: int
    records: int
    bins: int
    real: bool


def measure_walk(
    sample: Market, folder: Path, *, shared: Path | None, pairs: int, steps: int, days: int, trades: int,
    reserve_candles: int, seed: int, numba_cache: Path,
) -> Walk:  # fmt: skip
    """Walk over the real set of 180 days where it is there, else over `sample`.

    days : between steps; the last one lies so many days before the end. trades : of each pair.
    """
    market = _market(sample, shared, pairs)
    store = folder / "walk.sqlite"
    recorded = write_store(
        store,
        over_all_bins(
            seeded_trades(market, count=trades, reserve_candles=reserve_candles, seed=seed), seed=seed
        ),
    )
    userdir = folder / "user_data"
    (userdir / "config").mkdir(parents=True)
    (userdir / "config" / "fleet.toml").write_text(
        f'[store]\nurl = "sqlite:///{store}"\n\n'
        f'[market]\ndatadir = "{market.datadir.resolve()}"\ndetail_timeframe = "none"\n',
        encoding="utf-8",
    )
    last = _end(market) - timedelta(days=days)
    first = last - timedelta(days=days * (steps - 1))
    told = folder / "walk.json"
    cost = run(
        [
            *_FREQFLEET, "--userdir", str(userdir), "walk-forward", "--from", iso(first), "--to", iso(last),
            "--every", f"{days}d", "--json", str(told),
        ],
        env=environment(NUMBA_CACHE_DIR=str(numba_cache)),
        cwd=folder,
        allowed=_CODES,
    )  # fmt: skip
    document = json.loads(told.read_text(encoding="utf-8"))
    judged = sum(one["published"] + one["inherited"] + one["kept"] for one in document["steps"])
    bins = sum(one["bins"]["judged"] for one in document["steps"])
    if not (judged and bins):
        raise BenchError("the walk judged nothing, so its cost means nothing; give more trades or days")
    return Walk(
        cost=cost,
        pairs=len(market.pairs),
        steps=len(document["steps"]),
        trades=recorded,
        judged=judged,
        records=document["bin_records"],
        bins=bins,
        real=market is not sample,
    )


def _market(sample: Market, shared: Path | None, pairs: int) -> Market:
    if shared is None or not (shared / REAL).is_dir():
        return sample
    datadir = shared / REAL
    named = CandleFiles(datadir).pairs()[:pairs]
    windows = tuple(Window(pair=pair, source=datadir, first=0) for pair in named)
    return replace(sample, datadir=datadir, windows=windows, real=True)


def _end(market: Market) -> datetime:
    files = CandleFiles(market.datadir)
    ends = max(int(files.load(pair).time_ms[-1]) for pair in market.pairs)
    return from_ms(ends).replace(hour=0, minute=0, second=0, microsecond=0)
