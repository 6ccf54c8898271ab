"""Start-up: what `freqfleet` takes before it works, as whole commands."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.market import Market
from bench.measure import Cost, environment, median_cost, run
from bench.ours import DAYS_BACK

_FREQFLEET = [sys.executable, "-c", "from freqfleet.cli import main; main()"]
# 1 says that nothing was published, which a dry run never does.
_OPTIMIZE_CODES = (0, 1)


def help_cost(folder: Path, repeats: int) -> Cost:
    """Return what `freqfleet --help` takes, the median of several."""
    return median_cost([run([*_FREQFLEET, "--help"], env=environment(), cwd=folder) for _ in range(repeats)])


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeCosts:
    """What `freqfleet optimize --dry-run` takes; cold is without any compiled kernel.

    one_pair : the whole command over one pair, both sides, with whatever kernels it needs compiled.
    one_pair_cold, fleet_cold : up to the first decision of a run over one pair, and over `fleet` pairs.
    """

    one_pair: Cost
    one_pair_cold: Cost
    fleet_cold: Cost
    fleet: int


def optimize_costs(market: Market, store: Path, folder: Path, repeats: int) -> OptimizeCosts:
    """Measure the first `freqfleet optimize` of a day, and of an installation."""
    userdir = folder / "user_data"
    (userdir / "config").mkdir(parents=True)
    (userdir / "config" / "fleet.toml").write_text(
        f'[store]\nurl = "sqlite:///{store}"\n\n[market]\ndatadir = "{market.datadir}"\n\n'
        f"[optimizer]\ndays_back = {DAYS_BACK}\n",
        encoding="utf-8",
    )
    verb = ["--userdir", str(userdir), "optimize", "--dry-run", "--pairs"]
    first_work = [sys.executable, "-m", "bench.first_work", *verb]
    cache = folder / "numba-cold"

    def once(command: Sequence[str], pairs: Sequence[str], *, cold: bool) -> Cost:
        if cold:
            shutil.rmtree(cache, ignore_errors=True)
        env = environment(NUMBA_CACHE_DIR=str(cache))
        return run([*command, *pairs], env=env, cwd=folder, allowed=_OPTIMIZE_CODES)

    one, fleet = market.pairs[:1], market.pairs
    rounds = [
        (
            once([*_FREQFLEET, *verb], one, cold=False),
            once(first_work, one, cold=True),
            once(first_work, fleet, cold=True),
        )
        for _ in range(repeats)
    ]
    whole, cold_one, cold_fleet = (median_cost(costs) for costs in zip(*rounds, strict=True))
    return OptimizeCosts(one_pair=whole, one_pair_cold=cold_one, fleet_cold=cold_fleet, fleet=len(fleet))
