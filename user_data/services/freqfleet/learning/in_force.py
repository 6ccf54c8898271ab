"""What exits in force earn: plain ones by the engine of the search, those that follow the path by their own.

What a search finds has to beat what a bot really trades, its giveback and its moving stop included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeGuard

import numpy as np

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits, as_managed
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
    following = list(dict.fromkeys(one for one in exits if follows_path(one)))
    if not following:
        replayed = replay(exits)
        return [one.net_profit_ratio(replayed, paths) for one in costs]
    engine = open_managed_engine(paths, len(following), fee_ratio=costs[0].fee_ratio)
    fills = engine.fills([as_managed(tradable(one)) for one in following])
    plain = [one for one in dict.fromkeys(exits) if one not in following]
    by_barriers = replay(plain) if plain else None
    tables = []
    for one in costs:
        rows: dict[ExitParameters, FloatArray] = dict(
            zip(following, fills.net_profit_ratio(one, paths), strict=True)
        )
        if by_barriers is not None:
            rows.update(zip(plain, one.net_profit_ratio(by_barriers, paths), strict=True))
        tables.append(np.stack([rows[each] for each in exits]))
    return tables
