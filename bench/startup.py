"""Start-up: what `freqfleet` takes before it works, as whole commands."""

from __future__ import annotations

import shutil
import sys
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


def optimize_costs(market: Market, store: Path, folder: Path, repeats: int) -> tuple[Cost, Cost]:
    """Return what a first `freqfleet optimize` of one pair takes: with compiled kernels, and without any.

    Cold and warm runs alternate: every cold one fills the cache of the warm one after it.
    """
    userdir = folder / "user_data"
    (userdir / "config").mkdir(parents=True)
    (userdir / "config" / "fleet.toml").write_text(
        f'[store]\nurl = "sqlite:///{store}"\n\n[market]\ndatadir = "{market.datadir}"\n\n'
        f"[optimizer]\ndays_back = {DAYS_BACK}\n",
        encoding="utf-8",
    )
    command = [
        *_FREQFLEET, "--userdir", str(userdir), "optimize", "--dry-run", "--pairs", market.pairs[0],
    ]  # fmt: skip
    cache = folder / "numba-cold"
    cold, warm = [], []
    for _ in range(repeats):
        shutil.rmtree(cache, ignore_errors=True)
        for costs in (cold, warm):
            env = environment(NUMBA_CACHE_DIR=str(cache))
            costs.append(run(command, env=env, cwd=folder, allowed=_OPTIMIZE_CODES))
    return median_cost(warm), median_cost(cold)
