"""The trades of a fleet in InfluxDB: each bot's in a bucket of its own, and which point of a trade counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.errors import TradeSourceError
from freqfleet.store import influx_names as names
from freqfleet.store import influx_points as points
from freqfleet.store.influx_reader import InfluxReader, chunks, one_of
from freqfleet.store.rows import Row, next_ms, trade_row

PAIRS_PER_QUERY = 50  # a query travels in the request's first line


class InfluxTrades:
    """Reads the trades of every bot.

    buckets : bot -> its bucket on the server.
    """

    def __init__(self, reader: InfluxReader, buckets: Mapping[str, str]) -> None:
        self._reader = reader
        self._buckets = dict(buckets)

    def bucket(self, bot: str) -> str:
        """Return the bucket of a bot that has one."""
        return self._buckets[bot]

    def row(self, trade: ClosedTrade) -> Row:
        """Return the row of a trade; raises TradeSourceError for one that no bucket can hold."""
        row = trade_row(trade)
        if trade.bot not in self._buckets:
            raise TradeSourceError(
                f"{trade.label}: no bucket for {trade.bot!r}; "
                f"set trades under [bots.{trade.bot}] in fleet.toml"
            )
        flaw = points.trade_flaw(row)
        if flaw is not None:
            raise TradeSourceError(f"{trade.label}: {flaw}")
        return row

    def around(self, bot: str, rows: Sequence[Row]) -> list[points.TradePoint]:
        """Return every point that may be an earlier state of one of a bot's rows, or stand in its place."""
        # A trade closes after it opened, so an earlier state of one of these lies behind this time.
        since_ns = min(row["opened_ms"] for row in rows) * points.NS_PER_MS
        return self._reader.trades(
            self._buckets[bot], points.KNOWN_SELECT, one_of(names.BOT, [bot]), since_ns, None
        )

    def alive(
        self,
        columns: Sequence[str],
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[points.TradePoint]:
        """Return the point that counts of every trade in a window, without those that have moved away."""
        since_ns = None if closed_from is None else next_ms(closed_from) * points.NS_PER_MS
        until_ns = None if closed_to is None else next_ms(closed_to) * points.NS_PER_MS
        found: list[points.TradePoint] = []
        for bucket in self._buckets_of(bots):
            for some in chunks(pairs, PAIRS_PER_QUERY) if pairs is not None else [None]:
                conditions = [*one_of(names.BOT, bots), *one_of(names.PAIR, some)]
                found += self._reader.trades(bucket, columns, conditions, since_ns, until_ns)
        return _counting(found)

    def last_close_ms(self, bot: str) -> int | None:
        """Return when the newest trade of a bot was closed; None where it has none."""
        if bot not in self._buckets:
            return None
        last = self._reader.newest_trades(self._buckets[bot], one_of(names.BOT, [bot]))
        alive = _counting(last)
        if last and not alive:  # every one of the newest has moved: look at all
            alive = self.alive(points.KNOWN_SELECT, bots=[bot])
        return max((one.closed_ms for one in alive), default=None)

    def totals(self) -> tuple[int, int | None]:
        """Return how many trades all bots have, and when the newest of them was closed."""
        count, closes = 0, []
        for bucket in self._buckets_of(None):
            count += self._reader.count(bucket, names.TRADES, "trade_id", '"revision" = 0')
            closes += [one.closed_ms for one in _counting(self._reader.newest_trades(bucket, []))]
        return count, max(closes, default=None)

    def _buckets_of(self, bots: Sequence[str] | None) -> list[str]:
        return sorted({bucket for bot, bucket in self._buckets.items() if bots is None or bot in bots})


def _counting(found: Iterable[points.TradePoint]) -> list[points.TradePoint]:
    return [one for one in points.newest(found).values() if not one.superseded]
