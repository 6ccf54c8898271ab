"""What a write adds to what is stored: new, amended or known is told here, line by line.

Nothing here asks the server: each function gets what was read of the place it writes to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from freqfleet.domain.bin_record import BinRecord
from freqfleet.store import influx_points as points
from freqfleet.store import influx_series
from freqfleet.store.bin_records import one_row_a_place, record_row
from freqfleet.store.influx_batch import Batch, Outcome
from freqfleet.store.influx_records import record_line
from freqfleet.store.rows import Row, StoredRow


def trade_batch(rows: Sequence[Row], stored: Sequence[points.TradePoint]) -> Batch:
    """Return the lines for trades of one bot. stored : its points from the earliest open of `rows` on."""
    known = {identity: points.TradeState.of_point(point) for identity, point in points.newest(stored).items()}
    taken = {point.time_ns for point in stored}
    batch = Batch()
    for row in rows:
        identity = (row["bot"], row["instance"], row["trade_id"])
        before = known.get(identity)
        if before is not None and before.holds(row):
            batch.leave_out()
            continue
        label = f"{row['bot']} trade {row['trade_id']} {row['pair']}"
        revision = 0 if before is None else before.next_revision(row)
        if before is not None and before.elsewhere(row):
            at = points.trade_time_ns(before.closed_ms, row, revision, taken)
            batch.add(points.superseded_line(before, row, revision, at), label, None)
        at = points.trade_time_ns(row["closed_ms"], row, revision, taken)
        outcome = Outcome.ACCEPTED if before is None else Outcome.AMENDED
        batch.add(points.trade_line(row, revision, at), label, outcome)
        known[identity] = points.TradeState.of_row(row, revision)
    return batch


def version_batch(rows: Sequence[Row], stored: Sequence[StoredRow]) -> Batch:
    """Return the lines for versions of one bucket. stored : its own from the first recording of `rows` on."""
    known = {one.version_id for one in stored}
    sequence = max((one.sequence for one in stored), default=0)
    batch = Batch()
    for row in rows:
        if row["version_id"] in known:
            batch.leave_out()
            continue
        known.add(row["version_id"])
        sequence += 1
        line = points.version_line({**row, "sequence": sequence})
        batch.add(line, f"version {row['version_id']}", Outcome.ACCEPTED)
    return batch


def record_batch(records: Sequence[BinRecord], stored: Iterable[StoredRow]) -> Batch:
    """Return the lines for bin records. stored : those from the first recording of `records` on."""
    rows = one_row_a_place([{**record_row(one), "value": one} for one in records])
    known = {(one.series, one.recorded_ms): one.record for one in stored}
    changed = {place: row for place, row in rows.items() if known.get(place) != row["record"]}
    batch = Batch()
    batch.leave_out(len(records) - len(changed))
    for place, row in changed.items():
        outcome = Outcome.AMENDED if place in known else Outcome.ACCEPTED
        batch.add(record_line(row["value"]), f"bin record {row['value'].label}", outcome)
    return batch


def series_batch(rows: Sequence[Row], stored: Iterable[influx_series.SeriesPoint]) -> Batch:
    """Return the lines for the numbers of one name and millisecond. stored : what stands there."""
    last = influx_series.last_of_each(stored)
    batch = Batch()
    for row in rows:
        before = last.get((row["at_ms"], row["series_key"]))
        if before is not None and before.value == row["value"]:
            batch.leave_out()
            continue
        at_ns = row["at_ms"] * points.NS_PER_MS if before is None else before.time_ns + 1
        outcome = Outcome.ACCEPTED if before is None else Outcome.AMENDED
        batch.add(influx_series.series_line(row, at_ns), f"{row['name']} of {row['series_key']}", outcome)
    return batch
