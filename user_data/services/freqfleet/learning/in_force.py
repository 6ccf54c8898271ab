"""What exits in force earn: plain ones by the engine of the search, those that follow the path by their own.

What a search finds has to beat what a bot really trades, its giveback and its moving stop included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeGuard

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.tradable import tradable
from freqfleet.market.arrays import FloatArray
from freqfleet.replay.costs import Costs
from freqfleet.replay.engine import ReplayedExits
from freqfleet.replay.managed_engines import open_managed_engine
from freqfleet.replay.paths import TradePaths

# Exits of every trade under some vectors.
Replay = Callable[[Sequence[ExitParameters]], ReplayedExits]


def follows_path(exits: ExitParameters) -> TypeGuard[ManagedExits]:
    """Return whether more than barriers and a time limit ends a position that a bot trades on these."""
    traded = tradable(exits)
    return isinstance(traded, ManagedExits) and not traded.is_plain


def asks_for_trend(*exits: ExitParameters) -> bool:
    """Return whether the trend has to be gathered to replay some of these."""
    return any(follows_path(one) and one.regime_exit_z is not None for one in exits)


def profits_in_force(
    exits: Sequence[ExitParameters], *, paths: TradePaths, costs: Sequence[Costs], replay: Replay
) -> list[FloatArray]:
    """Return the net profit of every trade under exits as bots trade them, once for each cost; (p, n).

    costs : the first are those of trading; a break-even stop covers their fees whatever the others say.
    replay : of the plain ones, on the same paths.

    Raises InputError for exits by regime on paths that were gathered without their trend.
    """
    following = [at for at, one in enumerate(exits) if follows_path(one)]
    if not following:
        replayed = replay(exits)
        return [one.net_profit_ratio(replayed, paths) for one in costs]
    tables = [np.empty((len(exits), len(paths))) for _ in costs]
    plain = [at for at in range(len(exits)) if at not in following]
    if plain:
        replayed = replay([exits[at] for at in plain])
        for table, one in zip(tables, costs, strict=True):
            table[plain] = one.net_profit_ratio(replayed, paths)
    traded = [tradable(exits[at]) for at in following]
    engine = open_managed_engine(paths, len(traded), fee_ratio=costs[0].fee_ratio)
    fills = engine.fills([one for one in traded if isinstance(one, ManagedExits)])
    for table, one in zip(tables, costs, strict=True):
        table[following] = fills.net_profit_ratio(one, paths)
    return tables
