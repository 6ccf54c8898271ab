"""A published history that says what constants say: what a backtest reads in place of them.

Every version holds the default exits, and every bin record supports one leverage, so that a bot trades on it
what it trades on constants. What is left is the cost of reading it and of asking it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from freqfleet.domain.bin_record import KELLY_FRACTION, MIN_TRADES, BinRecord, ProfitPosterior
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.leverage_bins import LEVERAGE_BINS, LeverageBin
from freqfleet.domain.sides import Side
from freqfleet.parameters.version import ParameterKey, ParameterVersion
from freqfleet.settings import DefaultSettings
from freqfleet.store.sql import SqlStore

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
EVERY = timedelta(days=7)
FLEET_PAIRS = 61  # a fleet learns on more pairs than one backtest trades
LEVERAGE = 2.5  # supported at every level; not the setting's, so that trades show which of the two chose
_LEVELS: tuple[LeverageBin | None, ...] = (None, *LEVERAGE_BINS)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How much was published."""

    versions: int
    records: int


def publish_history(
    file: Path, pairs: Sequence[str], *, versions_each: int, recordings: int, until: datetime, seed: int
) -> History:
    """Write the store that a backtest of `pairs` up to `until` reads.

    versions_each : versions of every pair and side, all from before the backtest.
    recordings : how often every level of a fleet's bins was recorded, once a week as a walk does; the last
        one a week before `until`, so that what speaks changes while the backtest runs.
    """
    exits = DefaultSettings().parameters()
    store = SqlStore(f"sqlite:///{file}")
    try:
        versions = store.publish_parameters(
            [
                _version(pair, side, exits, number)
                for number in range(versions_each)
                for pair in pairs
                for side in Side
            ]
        )
        records = store.record_bins(
            list(_records(pairs, [until - EVERY * ago for ago in range(recordings, 0, -1)], seed))
        )
    finally:
        store.close()
    return History(versions=versions.accepted, records=records.accepted)


def _version(pair: str, side: Side, exits: ExitParameters, number: int) -> ParameterVersion:
    at = LONG_AGO + timedelta(days=number)
    return ParameterVersion(
        key=ParameterKey(side=side, pair=pair),
        parameters=exits,
        source=ExitSource.OPTUNA,
        valid_from=at,
        recorded_at=at,
        learned_until=at,
        run_id=f"bench-{number}",
    )


def _records(pairs: Sequence[str], moments: Sequence[datetime], seed: int) -> Iterator[BinRecord]:
    """Yield a record of every level at every moment: each pair's, and above them the whole fleet's."""
    rng = np.random.default_rng(seed)
    others = [f"FLEET{number}/USDT:USDT" for number in range(FLEET_PAIRS - len(pairs))]
    for at in moments:
        for side in Side:
            yield from (_record(None, side, step, 100 * MIN_TRADES, at, rng) for step in _LEVELS)
            for pair in (*pairs, *others):
                # Half of the bins have too few trades to speak for themselves: their parents are looked up.
                counts = rng.integers(1, 2 * MIN_TRADES, size=len(LEVERAGE_BINS)).tolist()
                for step, trades in zip(_LEVELS, (sum(counts), *counts), strict=True):
                    yield _record(pair, side, step, trades, at, rng)


def _record(
    pair: str | None,
    side: Side,
    step: LeverageBin | None,
    trades: int,
    at: datetime,
    rng: np.random.Generator,
) -> BinRecord:
    trade_sd, mean_sd = float(rng.uniform(0.01, 0.03)), float(rng.uniform(5e-4, 2e-3))
    lower_bound = LEVERAGE * trade_sd**2 / KELLY_FRACTION
    win_rate, win, loss = (float(one) for one in rng.uniform((0.4, 0.01, -0.03), (0.7, 0.03, -0.01)))
    return BinRecord(
        side=side,
        pair=pair,
        leverage_bin=step,
        trades=trades,
        effective_trades=0.8 * trades,
        posterior=ProfitPosterior(
            mean_ratio=lower_bound + mean_sd, mean_sd_ratio=mean_sd, trade_sd_ratio=trade_sd
        ),
        win_rate=win_rate,
        mean_win_ratio=win,
        mean_loss_ratio=loss,
        profit_factor=win_rate * win / ((win_rate - 1.0) * loss),
        confidence=float(rng.uniform()),
        learned_until=at - timedelta(minutes=int(rng.integers(1, 1000))),
        recorded_at=at,
    )
