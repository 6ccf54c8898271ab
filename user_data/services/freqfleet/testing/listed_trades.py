"""ListedTrades: a bot's database as a list, for tests of what reads one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.trades.reading import Inventory, Reading


class ListedTrades:
    """A TradeSource in a list.

    read_ids : the ids of the trades that the last `read` returned.
    """

    description = "a list"

    def __init__(
        self, trades: Sequence[ClosedTrade], dropped: tuple[str, ...] = (), *, bot: str = "BOT1"
    ) -> None:
        self.bot = bot
        self.trades = list(trades)
        self.dropped = dropped
        self.read_ids: list[int] = []

    def inventory(self) -> Inventory:
        """Return the ids of every trade of the list."""
        return Inventory(
            instance=self.trades[0].instance if self.trades else "db:empty",
            trade_ids=frozenset(one.trade_id for one in self.trades),
        )

    def read(self, *, closed_from: datetime | None = None, also: Collection[int] = ()) -> Reading:
        """Return the trades closed at or after `closed_from`, and those with the ids `also`."""
        found = tuple(
            one
            for one in self.trades
            if closed_from is None or one.closed_at >= closed_from or one.trade_id in also
        )
        self.read_ids = [one.trade_id for one in found]
        return Reading(bot=self.bot, source=self.description, trades=found, dropped=self.dropped)
