"""What is measured, in the order of the page, and how much of it: full, or quick."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from bench import contest, startup
from bench.book import FLEET_PAIRS
from bench.controller import controller as measure_controller
from bench.machine import peer_versions
from bench.market import Market, Window, link_windows, write_market
from bench.measure import environment, run
from bench.ours import Ask, Told
from bench.overhead import measure_overhead
from bench.table import Row, Section, at_least_times, at_most, not_measured
from bench.trades import seeded_trades, write_store
from bench.walk import measure_walk
from freqfleet.replay.surface import FEW_SEARCHES

WORK_BARS = {12: 10.0, 288: 14.0}
HUNDRED_BAR = 2.0
MEMORY_BAR, MEMORY_BAR_TWO = 350.0, 750.0
HELP_BAR, WARM_BAR, COLD_BAR = 0.4, 1.5, 5.0
OVERHEAD_BAR = 1.05
WALK_BAR = 60.0
AGREEMENT_BAR = 0.99

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured. judged : whether bars apply; a small run says nothing about them.

    windows : of the work that has bars; growth : the sizes that show how cost grows.
    """

    judged: bool
    windows: int
    growth: tuple[int, ...]
    horizons: tuple[int, ...]
    days: int
    trades: int
    repeats: int
    rounds: int
    our_vectors: int
    grid: int
    overhead_pairs: int
    overhead_days: int
    overhead_rounds: int
    overhead_versions: int
    overhead_recordings: int
    walk_pairs: int
    walk_steps: int
    walk_days: int
    walk_trades: int

    @property
    def reserve_candles(self) -> int:
        """Every entry has so many candles after it: those of the longest horizon."""
        return max(self.horizons)


FULL = Size(
    judged=True,
    windows=150,
    growth=(10, 50, 150, 600),
    horizons=(12, 288, 2016),
    days=90,
    trades=250,
    repeats=3,
    rounds=5,
    our_vectors=1000,
    grid=200,
    overhead_pairs=8,
    overhead_days=30,
    overhead_rounds=13,
    overhead_versions=50,
    overhead_recordings=14,
    walk_pairs=61,
    walk_steps=13,
    walk_days=7,
    walk_trades=450,
)
QUICK = Size(
    judged=False,
    windows=2,
    growth=(2,),
    horizons=(12, 288),
    days=12,
    trades=200,
    repeats=1,
    rounds=1,
    our_vectors=200,
    grid=50,
    overhead_pairs=2,
    overhead_days=8,
    overhead_rounds=1,
    overhead_versions=2,
    overhead_recordings=2,
    walk_pairs=2,
    walk_steps=2,
    walk_days=2,
    walk_trades=200,
)


class Bench:
    """Measures into a folder of its own. tell : progress, for people."""

    def __init__(self, size: Size, folder: Path, *, shared: Path | None, seed: int, tell: Tell) -> None:
        self._size = size
        self._folder = folder
        self._shared = shared
        self._seed = seed
        self._tell = tell
        self._cache = folder / "numba-warm"
        tell("writing the market")
        most = max(size.windows, *size.growth)
        self.all = write_market(folder, windows=most, days=size.days, shared=shared, seed=seed)
        self.market = self._first(size.windows)
        self._stores: dict[tuple[int, bool], Path] = {}

    # -- the work ------------------------------------------------------------------------------------

    def work(self) -> Section:
        """Return the work that has bars: exact search, a hundred vectors, memory."""
        size, rows = self._size, []
        windows = f"{size.windows} pair-windows, {size.trades} trades each"
        self._compile()
        every = partial(self._ours, windows=size.windows)
        told = {}
        for horizon in size.horizons[:2]:
            told[horizon] = self._repeated(partial(every, horizon=horizon, search="exact"))
            rows.append(
                self._row(
                    f"{windows}, {told[horizon].grid_cells:,} exact vectors a pair, to {horizon} candles",
                    told[horizon].cpu_seconds,
                    WORK_BARS.get(horizon),
                    "CPU-s",
                )
            )
        both = self._repeated(partial(every, horizon=288, search="exact", one_side=False))
        rows.append(
            Row(
                work=f"both sides in each window: {2 * both.grid_cells:,} vectors a pair, to 288 candles",
                measured=f"{both.cpu_seconds:.2f} CPU-s",
            )
        )
        hundred = self._repeated(partial(every, horizon=288, search="grid", limits=2, trials=128))
        each = hundred.candidates / max(hundred.judged, 1)
        rows.append(
            self._row(
                f"{windows}, {each:.0f} vectors a pair (--search grid), to 288 candles",
                hundred.cpu_seconds,
                HUNDRED_BAR,
                "CPU-s",
            )
        )
        two = every(horizon=288, search="exact", jobs=2)
        alone = max(one.memory_mb or 0.0 for one in (*told.values(), hundred))
        workers = sum(one or 0.0 for one in two.worker_memory_mb)
        rows += [
            self._row("peak memory, one process", alone, MEMORY_BAR, "MiB"),
            self._row(
                "peak memory, two workers and their parent",
                (two.memory_mb or 0.0) + workers,
                MEMORY_BAR_TWO,
                "MiB",
            ),
        ]
        last = told[size.horizons[1]]
        return Section(
            title="Load to validated result",
            rows=tuple(rows),
            notes=(
                "from the first read to the last decision: trades from SQLite, candles from files, search on "
                "70 %, gate on 30 %; modules are imported before, Numba is not",
                "one side a window, long and short in turn, so that a pair has one grid; "
                f"{last.candidates // max(last.judged, 1):,} of its cells keep the reward/risk constraint",
                f"of the run to {size.horizons[1]} candles: {last.trades:,} trades, {last.judged} decisions, "
                f"{last.dropped} trades dropped, {last.without_funding:,} without funding history, "
                f"{last.trades_cpu_seconds:.2f} CPU-s for reading trades, {last.wall_seconds:.1f} s of wall",
                "memory of several processes is the sum of their peaks, pages they share counted each time",
            ),
        )

    def growth(self) -> Section:
        """Return how cost grows with windows, horizon and workers."""
        size = self._size
        longest = max(size.horizons)
        self._compile()
        cases = [(count, 288) for count in size.growth]
        cases += [(size.windows, one) for one in size.horizons if one != 288]
        rows = []
        for count, horizon in cases:
            for jobs in (1, 2):
                told = self._ours(windows=count, horizon=horizon, search="exact", one_side=True, jobs=jobs)
                memory = (told.memory_mb or 0.0) + sum(one or 0.0 for one in told.worker_memory_mb)
                rows.append(
                    Row(
                        work=f"{count} pair-windows, {horizon} candles, {jobs} worker{'s'[: jobs - 1]}",
                        measured=f"{told.cpu_seconds:.2f} CPU-s, {told.wall_seconds:.2f} s wall, "
                        f"{memory:.0f} MiB",
                    )
                )
        again = sum(one.again is not None for one in self.all.windows)
        return Section(
            title="How cost grows",
            rows=tuple(rows),
            notes=(
                "exact search, one run each; the same trades at every horizon: "
                f"each has {longest:,} candles ahead",
                f"of {len(self.all.windows)} windows {again} are others under a second name",
                "the CPU seconds of two workers hold the import of the program in each of them",
            ),
        )

    # -- start-up, peers, overhead ---------------------------------------------------------------------

    def start_up(self) -> Section:
        """Return what whole commands take before they work."""
        repeats = self._size.repeats + 2 * self._size.judged
        folder = self._made("start-up")
        self._tell("start-up")
        shown = startup.help_cost(folder, repeats)
        optimize = startup.optimize_costs(
            self.market, self._store(self.market, one_side=False), folder, repeats
        )
        named = (
            ("freqfleet --help", shown, HELP_BAR),
            ("freqfleet optimize, one pair, the whole command", optimize.one_pair, WARM_BAR),
            ("the same, cold, to its first decision", optimize.one_pair_cold, COLD_BAR),
            (
                f"freqfleet optimize, {optimize.fleet} pairs, cold (it compiles), to its first decision",
                optimize.fleet_cold,
                COLD_BAR,
            ),
        )
        return Section(
            title="Start-up",
            rows=tuple(
                self._row(work, cost.cpu_seconds, bar, "CPU-s", more=f" ({cost.wall_seconds:.2f} s wall)")
                for work, cost, bar in named
            ),
            notes=(
                f"processes of their own, start of Python and imports included; medians of {repeats}",
                "cold: no compiled kernel is there; a run over a few pairs takes NumPy and compiles none",
                "bytecode of the modules is there, as after an installation: the first run writes it, "
                "and the median leaves that one out",
            ),
        )

    def peers(self) -> Section:
        """Return our ratios to other engines, and whether they agree with us."""
        size = self._size
        folder = self._made("peers")
        self._tell("peers")
        work = contest.draw_work(
            self.market,
            folder,
            base="BTC",
            trades=size.trades,
            vectors=max(size.our_vectors, 20),
            limit=288,
            reserve_candles=size.reserve_candles,
            seed=self._seed,
        )
        there = [one for one in contest.PEERS if not one.own_venv or contest.PEER_PYTHON.is_file()]
        results, surface = contest.hold(
            work, folder, rounds=size.rounds, our_vectors=size.our_vectors, grid=size.grid, engines=there
        )
        missing = "no .venv-bench, run make bench-setup"
        rows, notes = (
            [
                self._unjudged(not_measured(f"against {one.name}", f">= x{one.bar:,.0f}", missing))
                for one in contest.PEERS
                if one not in there
            ],
            list[str](),
        )
        for one in results:
            spread = f" (x{min(one.ratios):,.0f} .. x{max(one.ratios):,.0f})"
            speed = at_least_times(f"against {one.engine.name}", one.ratio, one.engine.bar, more=spread)
            agreement = Row(
                work=f"{one.engine.name} agrees, of {one.compared:,} trades",
                measured=f"{100 * one.same_share:.2f} % within {one.engine.tolerance:g}",
                bar=f">= {100 * AGREEMENT_BAR:g} %",
                held=one.same_share >= AGREEMENT_BAR,
            )
            rows += [self._unjudged(speed), agreement]
            notes.append(
                f"{one.engine.name}: {1e3 * one.seconds_per_evaluation:.3g} ms for all trades, one vector; "
                f"ours {1e6 * one.our_seconds_per_evaluation:.3g} us in batches of {size.our_vectors}; "
                f"largest difference {one.worst:.1e}"
                + (f"; {one.engine.differs}" if one.same_share < 1.0 else "")
            )
        return Section(
            title="Peers",
            rows=tuple(rows),
            notes=(
                f"{len(work.entry)} overlapping trades of {work.pair}, both sides, stop, target and a time "
                f"limit of {work.limit} candles; no fees, slippage or funding, which peers book otherwise; "
                f"one thread; medians of {size.rounds} interleaved rounds",
                *notes,
                "freqtrade does far more for a trade (orders, wallet, callbacks); vectorbt's arrays are laid "
                "out before its clock starts",
                f"our exact surface, the default search: {1e9 * surface:.3g} ns for all trades, one vector, "
                f"on a grid of {size.grid} x {size.grid}",
                f"their venv: {peer_versions()}",
            ),
        )

    def controller(self) -> Section:
        """Return what the leverage-bin controller costs."""
        return measure_controller(
            self._made("controller"),
            market=self.market,
            quick=not self._size.judged,
            seed=self._seed,
            tell=self._tell,
        )

    def overhead(self) -> Section:
        """Return what the parameter book costs a backtest."""
        size, work = self._size, "BOT3 backtest, parameter book against constants"
        self._tell("strategy overhead")
        found = measure_overhead(
            self.market,
            self._made("overhead"),
            pair_count=size.overhead_pairs,
            days=size.overhead_days,
            rounds=size.overhead_rounds,
            versions_each=size.overhead_versions,
            recordings=size.overhead_recordings,
            seed=self._seed,
        )
        spread = f"{min(found.ratios):.3f} .. {max(found.ratios):.3f}"
        row = Row(
            work=work,
            measured=f"{found.ratio:.3f}x ({spread})",
            bar=f"<= {OVERHEAD_BAR}x",
            held=found.ratio <= OVERHEAD_BAR,
        )
        return Section(
            title="Strategy overhead",
            rows=(self._unjudged(row),),
            notes=(
                f"whole freqtrade commands, {found.book_seconds:.1f} and {found.constant_seconds:.1f} CPU-s; "
                f"{found.pairs} pairs, {size.overhead_days} days, the same {found.trades} trades; "
                f"median of {len(found.ratios)} rounds, each of the two first in every other one",
                f"in the book: {found.history.versions:,} versions and {found.history.records:,} bin records "
                f"of {FLEET_PAIRS} pairs, {size.overhead_recordings} of every level; they choose leverage",
            ),
        )

    def walk(self) -> Section:
        """Return what a quarter of a year of walk-forward takes."""
        size = self._size
        self._tell("walk-forward")
        self._compile()
        found = measure_walk(
            self.all,
            self._made("walk"),
            shared=self._shared,
            pairs=size.walk_pairs,
            steps=size.walk_steps,
            days=size.walk_days,
            trades=size.walk_trades,
            reserve_candles=min(size.reserve_candles, 288),
            seed=self._seed,
            numba_cache=self._cache,
        )
        work = f"freqfleet walk-forward, {found.steps} steps of {size.walk_days} days, {found.pairs} pairs"
        return Section(
            title="Walk-forward",
            rows=(
                self._row(
                    work,
                    found.cost.cpu_seconds,
                    WALK_BAR,
                    "CPU-s",
                    more=f" ({found.cost.wall_seconds:.0f} s wall)",
                ),
            ),
            notes=(
                f"the whole command, one process; {found.trades:,} seeded trades over all leverage bins; "
                f"{found.judged:,} decisions of pair sides that were not skipped, {found.bins:,} of bins, "
                f"{found.records:,} bin records; "
                f"{'real candles of 180 days' if found.real else 'SYNTHETIC sample'}",
            ),
        )

    # -- how ---------------------------------------------------------------------------------------------

    def _compile(self) -> None:
        """Have the kernels compiled and kept, so that no row pays for it; fewer searches load no Numba."""
        if not self._cache.is_dir():
            self._ours(windows=min(FEW_SEARCHES + 1, self._size.windows), search="exact", horizon=12)

    def _repeated(self, once: Callable[[], Told]) -> Told:
        """Return the run of median cost among several."""
        runs = [once() for _ in range(self._size.repeats)]
        middle = median(one.cpu_seconds for one in runs)
        return min(runs, key=lambda one: abs(one.cpu_seconds - middle))

    def _ours(
        self,
        *,
        windows: int,
        horizon: int,
        search: str,
        one_side: bool = True,
        jobs: int = 1,
        limits: int = 12,
        trials: int = 100,
    ) -> Told:
        self._tell(f"{windows} pair-windows, {search}, {horizon} candles, {jobs} worker(s)")
        market = self._first(windows)
        ask = Ask(
            datadir=str(market.datadir),
            store=f"sqlite:///{self._store(market, one_side=one_side)}",
            search=search,
            horizon_candles=horizon,
            limits=limits,
            trials=trials,
            jobs=jobs,
        )
        command = [sys.executable, "-m", "bench.ours", json.dumps(asdict(ask))]
        cost = run(command, env=environment(NUMBA_CACHE_DIR=str(self._cache)), cwd=self._folder)
        return Told(**json.loads(cost.stdout))

    def _first(self, windows: int) -> Market:
        """Return a market of the first so many windows: a datadir of links."""
        if windows == len(self.all.windows):
            return self.all
        chosen: tuple[Window, ...] = self.all.windows[:windows]
        market = replace(self.all, datadir=self._folder / f"market-{windows}", windows=chosen)
        if not market.datadir.is_dir():
            link_windows(self.all, market)
        return market

    def _store(self, market: Market, *, one_side: bool) -> Path:
        key = len(market.windows), one_side
        if key not in self._stores:
            file = self._folder / f"trades-{key[0]}-{'one' if one_side else 'both'}.sqlite"
            trades = seeded_trades(
                market,
                count=self._size.trades,
                reserve_candles=self._size.reserve_candles,
                seed=self._seed,
                one_side=one_side,
            )
            write_store(file, trades)
            self._stores[key] = file
        return self._stores[key]

    def _made(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder

    def _row(self, work: str, value: float, bar: float | None, unit: str, *, more: str = "") -> Row:
        if bar is None:
            return Row(work=work, measured=f"{value:.2f} {unit}{more}")
        return self._unjudged(at_most(work, value, bar, unit, more=more))

    def _unjudged(self, row: Row) -> Row:
        return row if self._size.judged else replace(row, held=None)
