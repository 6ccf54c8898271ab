"""The contest: the same trades under the same vectors, every engine in a process of its own, in turns.

Each round asks every engine once, one after the other, so that a busy minute of the machine falls on all of
them. Ratios are formed within a round, from CPU seconds per evaluation (one vector over all trades).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import IO, Self

import numpy as np

from bench.market import Market, under_its_own_name
from bench.measure import ROOT, BenchError, environment
from bench.peers.protocol import Work
from bench.trades import trades_of
from freqfleet.clock import to_ms
from freqfleet.exchange.markets import market_of
from freqfleet.market.candles import CandleFiles

PEER_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
OURS, SURFACE = "means", "surface"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A peer. vectors : so many a round. like : the mode of ours that its results are compared with.

    tolerance : how far a gross profit ratio may lie from ours to count as the same; differs : why some do.
    """

    name: str
    module: str
    own_venv: bool
    vectors: int
    bar: float
    like: str
    tolerance: float
    differs: str


PEERS = (
    Engine(
        name="vectorbt",
        module="vectorbt_peer",
        own_venv=True,
        vectors=20,
        bar=300.0,
        like="honest",
        tolerance=1e-9,
        differs="a price that meets a barrier to the last bit may count or not",
    ),
    Engine(
        name="backtesting.py",
        module="backtesting_peer",
        own_venv=True,
        vectors=2,
        bar=5_000.0,
        like="honest",
        tolerance=1e-9,
        differs="a target that the open has jumped, and the order inside the entry candle",
    ),
    Engine(
        name="freqtrade backtest loop",
        module="freqtrade_peer",
        own_venv=False,
        vectors=1,
        bar=10_000.0,
        like="freqtrade",
        tolerance=1e-6,
        differs="a stop in the candle of the time limit goes first there; amounts and prices are rounded",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one peer did. ratio : its CPU seconds per evaluation over ours; of each round, and their median.

    same_share : trades and vectors whose profit is ours within the tolerance; worst : the largest difference.
    """

    engine: Engine
    ratio: float
    ratios: tuple[float, ...]
    seconds_per_evaluation: float
    our_seconds_per_evaluation: float
    compared: int
    same_share: float
    worst: float


class Player:
    """An engine's process."""

    def __init__(self, python: Path | str, module: str, work: Path, *arguments: str, own_venv: bool) -> None:
        self.label = " ".join((module, *arguments))
        self._log = work.with_name(f"{'-'.join((module, *arguments))}.log")
        env = environment()
        if own_venv:
            env["PYTHONPATH"] = str(ROOT)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own modules
                [str(python), "-m", f"bench.peers.{module}", str(work), *arguments],
                env=env,
                cwd=work.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._file = work.with_name(f"{'-'.join((module, *arguments))}.npy")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError):  # it has given up already
            self._input.close()
        if error is not None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def wait_until_ready(self) -> None:
        """Return when the engine has loaded and warmed up."""
        self._answer()

    def play(self, count: int) -> float:
        """Let it evaluate the first `count` vectors and return the CPU seconds that took."""
        self._input.write(json.dumps({"count": count, "file": str(self._file)}) + "\n")
        self._input.flush()
        seconds: float = json.loads(self._answer())["cpu_seconds"]
        return seconds

    def profits(self) -> np.ndarray:
        """Return what it evaluated last."""
        profits: np.ndarray = np.load(self._file)
        return profits

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            last = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
            raise BenchError(f"{self.label} gave up:\n" + "\n".join(last))
        return line


def draw_work(
    market: Market,
    folder: Path,
    *,
    base: str,
    trades: int,
    vectors: int,
    limit: int,
    reserve_candles: int,
    seed: int,
) -> Work:
    """Return the contest's work: seeded trades of one window, and vectors from the default ranges.

    base : the coin whose first window is taken; the first window of all where it has none.
    """
    named = (one for one in market.windows if one.source.name.startswith(f"{base}_"))
    window = next(named, market.windows[0])
    datadir, pair = under_its_own_name(market, window, folder / "contest")
    candles = CandleFiles(datadir).load(pair)
    own = trades_of(candles, count=trades, reserve_candles=reserve_candles, seed=seed)
    rng = np.random.default_rng(seed)
    prices = np.stack([candles.open, candles.high, candles.low, candles.close, candles.close], axis=1)
    return Work(
        time_ms=candles.time_ms,
        open=candles.open,
        high=candles.high,
        low=candles.low,
        close=candles.close,
        entry=np.searchsorted(candles.time_ms, [to_ms(one.opened_at) for one in own]),
        sign=np.array([one.side.sign for one in own]),
        stop_loss=-rng.uniform(0.01, 0.0515, vectors),
        take_profit=rng.uniform(0.015, 0.20, vectors),
        limit=limit,
        tick=market_of(pair, prices, 0).tick,
        pair=pair,
        datadir=str(datadir),
    )


def hold(
    work: Work, folder: Path, *, rounds: int, our_vectors: int, grid: int, engines: Sequence[Engine] = PEERS
) -> tuple[list[Result], float]:
    """Let every engine play `rounds` rounds; also return our exact surface's seconds per evaluation.

    Raises BenchError where an engine gives up.
    """
    file = folder / "work.npz"
    work.save(file)
    times: dict[str, list[float]] = {}
    profits: dict[str, np.ndarray] = {}
    plan: dict[str, tuple[Player, int]] = {}
    try:
        for mode, count in ((OURS, our_vectors), (SURFACE, grid)):
            plan[mode] = Player(sys.executable, "ours_peer", file, mode, own_venv=False), count
        for one in engines:
            python = PEER_PYTHON if one.own_venv else sys.executable
            plan[one.name] = Player(python, one.module, file, own_venv=one.own_venv), one.vectors
        for player, count in plan.values():
            player.wait_until_ready()
            player.play(count)  # lay out arrays of this size
        for _ in range(rounds):
            for name, (player, count) in plan.items():
                times.setdefault(name, []).append(player.play(count) / _evaluations(name, count))
        for one in engines:
            profits[one.name] = plan[one.name][0].profits()
    finally:
        for player, _ in plan.values():
            player.__exit__(*sys.exc_info())
    ours = {
        mode: _ours(file, mode, max(one.vectors for one in engines)) for mode in {one.like for one in engines}
    }
    return [_result(one, times, profits[one.name], ours[one.like]) for one in engines], median(times[SURFACE])


def _evaluations(name: str, count: int) -> int:
    return count * count if name == SURFACE else count


def _ours(file: Path, mode: str, count: int) -> np.ndarray:
    with Player(sys.executable, "ours_peer", file, mode, own_venv=False) as player:
        player.wait_until_ready()
        player.play(count)
        return player.profits()


def _result(
    engine: Engine, times: Mapping[str, Sequence[float]], theirs: np.ndarray, ours: np.ndarray
) -> Result:
    ratios = tuple(their / our for their, our in zip(times[engine.name], times[OURS], strict=True))
    apart = np.abs(theirs - ours[: len(theirs)])
    return Result(
        engine=engine,
        ratio=median(ratios),
        ratios=ratios,
        seconds_per_evaluation=median(times[engine.name]),
        our_seconds_per_evaluation=median(times[OURS]),
        compared=apart.size,
        same_share=float((apart <= engine.tolerance).mean()),  # a missing trade is NaN and not the same
        worst=float(np.nanmax(apart)),
    )
