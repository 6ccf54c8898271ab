"""The queries: InfluxQL that generations 1, 2 and 3 answer alike.

Long answers come in pages by time, so that no answer is cut short, no request outlives its deadline and no
server has to hold everything at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from freqfleet.errors import StoreError, StoreUnavailable
from freqfleet.store import influx_names as names
from freqfleet.store import influx_points as points
from freqfleet.store.influx_lines import text_literal
from freqfleet.store.influx_records import RECORD_SELECT, record_rows
from freqfleet.store.influx_series import SERIES_SELECT, SeriesPoint, series_points
from freqfleet.store.influx_server import Answer, InfluxServer
from freqfleet.store.rows import StoredRow

POINTS_PER_PAGE = 10_000  # the max-row-limit that old configurations carry
CORE_WINDOW = timedelta(hours=72)  # what InfluxDB 3 Core's limit of 432 files comes to by its documentation
_NEWEST = 100
_TAKES_EFFECT = f"\"stage\" != 'candidate' AND \"stage\" != '{names.RECORD_STAGE}'"

T = TypeVar("T")


class InfluxReader:
    """Reads points of one server; thread-safe, because the server is."""

    def __init__(self, server: InfluxServer) -> None:
        self._server = server
        self._description = server.target.description

    def trades(
        self,
        bucket: str,
        columns: Sequence[str],
        conditions: Sequence[str],
        since_ns: int | None,
        until_ns: int | None,
    ) -> list[points.TradePoint]:
        """Return every point of trades in a window: amended and moved ones, too."""
        if until_ns is not None:
            conditions = [*conditions, f"time < {until_ns}"]
        found: list[points.TradePoint] = []
        for header, rows in self._pages(bucket, names.TRADES, columns, conditions, since_ns):
            found += points.trade_points(header, rows, self._description)
        return found

    def newest_trades(self, bucket: str, conditions: Sequence[str]) -> list[points.TradePoint]:
        """Return the newest points of trades, a hundred at most."""
        query = f"SELECT {_list(points.KNOWN_SELECT)} FROM {_name(names.TRADES)}{_where(conditions)}"
        found: list[points.TradePoint] = []
        for series in self._server.query(bucket, f"{query} ORDER BY time DESC LIMIT {_NEWEST}"):
            found += points.trade_points(series.columns, series.rows, self._description)
        return found

    def versions(
        self, bucket: str, measurement: str, conditions: Sequence[str], since_ns: int | None = None
    ) -> list[StoredRow]:
        """Return the rows of versions that keep the conditions."""
        found: list[StoredRow] = []
        for header, rows in self._pages(bucket, measurement, points.VERSION_SELECT, conditions, since_ns):
            found += points.version_rows(header, rows, self._description)
        return found

    def records(self, bucket: str, conditions: Sequence[str], since_ns: int | None = None) -> list[StoredRow]:
        """Return the rows of bin records that keep the conditions."""
        mine = [*conditions, f'"stage" = {text_literal(names.RECORD_STAGE)}']
        found: list[StoredRow] = []
        for header, rows in self._pages(bucket, names.ADAPTIVE, RECORD_SELECT, mine, since_ns):
            found += record_rows(header, rows, self._description)
        return found

    def newest_records(self, bucket: str, conditions: Sequence[str]) -> list[StoredRow]:
        """Return the row of the last bin record of every level, in one query."""
        fields = [one for one in RECORD_SELECT if one not in names.VERSION_TAGS]
        mine = [*conditions, f'"stage" = {text_literal(names.RECORD_STAGE)}']
        query = (
            f"SELECT {_list(fields)} FROM {_name(names.ADAPTIVE)}{_where(mine)} "
            f"GROUP BY {_list(names.VERSION_TAGS)} ORDER BY time DESC LIMIT 1"
        )
        found: list[StoredRow] = []
        for series in self._server.query(bucket, query):
            tags = self._tags(series)
            header = (*series.columns, *names.VERSION_TAGS)
            found += record_rows(header, [[*row, *tags] for row in series.rows], self._description)
        return found

    def versions_in_force(self, bucket: str, measurement: str, at_ms: int) -> list[StoredRow]:
        """Return for each key the version that took effect last, in one query for all keys."""
        until = f"time < {(at_ms + 1) * points.NS_PER_MS}"
        fields = [one for one in points.VERSION_SELECT if one not in names.VERSION_TAGS]
        query = (
            f"SELECT {_list(fields)} FROM {_name(measurement)} WHERE {_TAKES_EFFECT} AND {until} "
            f"GROUP BY {_list(names.VERSION_TAGS)} ORDER BY time DESC LIMIT 2"
        )
        chosen: list[StoredRow] = []
        for series in self._server.query(bucket, query):
            header = (*series.columns, *names.VERSION_TAGS)
            tags = self._tags(series)
            rows = points.version_rows(header, [[*row, *tags] for row in series.rows], self._description)
            if len(rows) == 2 and rows[0].effective_ms == rows[1].effective_ms:
                # Within a millisecond a point's time says nothing; the order of publication does.
                start = rows[0].effective_ms * points.NS_PER_MS
                same = [
                    f"{_name(name)} = {text_literal(tag)}"
                    for name, tag in zip(names.VERSION_TAGS, tags, strict=True)
                ]
                rows = self.versions(bucket, measurement, [*same, _TAKES_EFFECT, until], since_ns=start)
            if rows:
                chosen.append(max(rows, key=lambda row: (row.effective_ms, row.recorded_ms, row.sequence)))
        return chosen

    def series(self, bucket: str, name: str, since_ns: int | None, until_ns: int | None) -> list[SeriesPoint]:
        """Return every number of a name in a window, replaced ones too."""
        conditions = one_of(names.SERIES_NAME, [name])
        if until_ns is not None:
            conditions.append(f"time < {until_ns}")
        found: list[SeriesPoint] = []
        for header, rows in self._pages(bucket, names.SERIES, SERIES_SELECT, conditions, since_ns):
            found += series_points(header, rows, self._description)
        return found

    def count(self, bucket: str, measurement: str, field: str, condition: str | None) -> int:
        """Return how many points have a field."""
        return int(self._single(bucket, f"count({_name(field)})", measurement, condition) or 0)

    def largest(self, bucket: str, measurement: str, field: str) -> int | None:
        """Return the largest value of a whole-number field."""
        value = self._single(bucket, f"max({_name(field)})", measurement, None)
        return None if value is None else int(value)

    def query_window(self, prefix: str) -> timedelta | None:
        """Ask over all times: returns the window of a server that refuses to answer that."""
        try:
            self.count(prefix + names.OPTIMIZED_BUCKET, names.OPTIMIZED, "version_id", None)
        except StoreUnavailable:
            raise
        except StoreError:
            return CORE_WINDOW
        return None

    def _tags(self, series: Answer) -> list[str]:
        """Return the values of the tags it is grouped by; beta releases of 3 left them out of the answer."""
        if not set(names.VERSION_TAGS) <= set(series.tags):
            raise StoreUnavailable(
                f"{self._description}: its answer to GROUP BY names no tags; upgrade the server, InfluxDB 3 "
                "does so since its first release"
            )
        return [series.tags[name] for name in names.VERSION_TAGS]

    def _single(self, bucket: str, what: str, measurement: str, condition: str | None) -> Any:
        query = f"SELECT {what} FROM {_name(measurement)}{_where([condition] if condition else [])}"
        series = self._server.query(bucket, query)
        return series[0].rows[0][1] if series and series[0].rows else None

    def _pages(
        self,
        bucket: str,
        measurement: str,
        columns: Sequence[str],
        conditions: Sequence[str],
        since_ns: int | None,
    ) -> Iterator[tuple[Sequence[str], list[list[Any]]]]:
        while True:
            since = [] if since_ns is None else [f"time >= {since_ns}"]
            query = (
                f"SELECT {_list(columns)} FROM {_name(measurement)}{_where([*conditions, *since])} "
                f"ORDER BY time ASC LIMIT {POINTS_PER_PAGE}"
            )
            series = self._server.query(bucket, query)
            if not series:
                return
            header, rows = series[0].columns, series[0].rows
            if len(rows) < POINTS_PER_PAGE:
                yield header, rows
                return
            # The last nanosecond may go on behind the page: it is left for the next one.
            time = header.index("time")
            since_ns = int(rows[-1][time])
            whole = [row for row in rows if row[time] != since_ns]
            if not whole:
                raise StoreError(f"{self._description}: {len(rows)} points in one nanosecond cannot be paged")
            yield header, whole


def one_of(tag: str, values: Sequence[str] | None) -> list[str]:
    """Return the condition that a tag is one of `values`, as a list of none or one; None asks nothing."""
    if values is None:
        return []
    either = " OR ".join(f"{_name(tag)} = {text_literal(value)}" for value in values)
    return [f"({either})"]


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut into parts of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _name(name: str) -> str:
    return f'"{name}"'  # names are constants of ours


def _list(columns: Sequence[str]) -> str:
    return ", ".join(_name(one) for one in columns)


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""
