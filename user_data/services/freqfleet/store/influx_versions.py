"""The parameter versions in InfluxDB: those of pairs in one bucket, those of leverage bins in another."""

from __future__ import annotations

from collections.abc import Sequence

from freqfleet.errors import ParameterError
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store import influx_names as names
from freqfleet.store import influx_points as points
from freqfleet.store.influx_reader import InfluxReader
from freqfleet.store.rows import Row, StoredRow, version_row


class InfluxVersions:
    """Reads the versions of both buckets.

    prefix : of every bucket's name on the server.
    """

    def __init__(self, reader: InfluxReader, prefix: str) -> None:
        self._reader = reader
        self._measurements = {
            prefix + bucket: measurement for bucket, measurement in names.PARAMETER_MEASUREMENTS.items()
        }
        self._prefix = prefix

    def bucket(self, row: Row) -> str:
        """Return the bucket that a version's row belongs to."""
        return self._prefix + points.version_bucket(row)

    def around(self, bucket: str, rows: Sequence[Row]) -> list[StoredRow]:
        """Return every version of a bucket that may be one of `rows`."""
        # A version takes effect when it is recorded or later, so its like lies behind this time.
        since_ns = min(row["recorded_ms"] for row in rows) * points.NS_PER_MS
        return self._reader.versions(bucket, self._measurements[bucket], [], since_ns)

    def that_keep(self, conditions: Sequence[str]) -> list[StoredRow]:
        """Return the rows of both buckets that keep the conditions, oldest recording first."""
        rows: list[StoredRow] = []
        for bucket, measurement in self._measurements.items():
            rows += self._reader.versions(bucket, measurement, conditions)
        return _by_recording(rows)

    def in_force(self, at_ms: int) -> list[StoredRow]:
        """Return the row of what each key had in force, from one query a bucket, oldest recording first."""
        rows: list[StoredRow] = []
        for bucket, measurement in self._measurements.items():
            rows += self._reader.versions_in_force(bucket, measurement, at_ms)
        return _by_recording(rows)

    def totals(self) -> tuple[int, int | None]:
        """Return how many versions there are, and when the newest of them was recorded."""
        count, recorded = 0, []
        for bucket, measurement in self._measurements.items():
            count += self._reader.count(bucket, measurement, "version_id", None)
            newest = self._reader.largest(bucket, measurement, "recorded_ms")
            recorded += [] if newest is None else [newest]
        return count, max(recorded, default=None)


def storable_row(version: ParameterVersion) -> Row:
    """Return the row of a version; raises ParameterError for one that InfluxDB cannot hold."""
    row = version_row(version)
    flaw = points.version_flaw(row)
    if flaw is not None:
        raise ParameterError(f"{version.key.label}: {flaw}")
    return row


def _by_recording(rows: list[StoredRow]) -> list[StoredRow]:
    return sorted(rows, key=lambda row: (row.recorded_ms, row.sequence))
