"""Columns of feather files, as NumPy arrays and without pandas."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from freqfleet.errors import MarketError

MILLISECONDS = pa.timestamp("ms", tz="UTC")


class ReadColumns(Protocol):
    """Reads columns of a file as `read_columns` does."""

    def __call__(self, path: Path, columns: Sequence[str], *, label: str) -> dict[str, Any]:
        """Return the columns; raises MarketError."""
        ...


class KeptColumns:
    """Reads each file once and keeps its columns, for who looks at the same candles again and again.

    What is kept does not travel to other processes: they read the files themselves.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, tuple[str, ...]], dict[str, Any]] = {}

    def __call__(self, path: Path, columns: Sequence[str], *, label: str) -> dict[str, Any]:
        """Return the columns as `read_columns` does; a file that cannot be read is tried again."""
        key = path, tuple(columns)
        if key not in self._kept:
            self._kept[key] = read_columns(path, columns, label=label)
        return dict(self._kept[key])

    def __getstate__(self) -> dict[str, Any]:
        return {"_kept": {}}


def read_columns(path: Path, columns: Sequence[str], *, label: str) -> dict[str, Any]:
    """Return columns of a feather file (lz4, zstd or plain) as NumPy arrays, keyed as asked.

    columns : names; `date` comes as int64 milliseconds since 1970-01-01 UTC, every other one as float64
        with NaN for an empty cell. `a|b` means column a, or b where the file has no a.
    label : what the file is about, for messages.

    Raises MarketError where the file cannot be read or a column is missing or has another type.
    """
    try:
        with pa.OSFile(str(path)) as file:
            reader = ipc.open_file(file, options=ipc.IpcReadOptions(use_threads=False))
            names = list(reader.schema.names)
            chosen = {column: _choose(column, names) for column in columns}
            absent = [column for column, name in chosen.items() if name is None]
            if absent:
                raise MarketError(
                    f"{label}: no column {absent[0]} in {path}, it has {', '.join(names)}; "
                    "freqtrade's download-data or convert-data writes the right layout"
                )
            table = reader.read_all()
        return {column: _array(table, str(name)) for column, name in chosen.items()}
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise MarketError(
            f"{label}: cannot read {path}: {reason}; delete the file and download it again"
        ) from None


def _choose(column: str, names: Sequence[str]) -> str | None:
    return next((name for name in column.split("|") if name in names), None)


def _array(table: Any, name: str) -> Any:
    """Return a column as an array. Its own `to_numpy` would import pandas, half a second."""
    chunks = table.column(name)
    column = chunks.chunk(0) if chunks.num_chunks == 1 else chunks.combine_chunks()  # which copies one, too
    if name == "date":
        if column.null_count:
            raise pa.ArrowInvalid(f"{column.null_count} rows have no date")
        if column.type != MILLISECONDS:  # older files carry nanoseconds: what is finer is cut off
            column = column.cast(MILLISECONDS, safe=False)
        return np.from_dlpack(column.view(pa.int64()))
    if column.type != pa.float64():
        column = column.cast(pa.float64())
    return np.from_dlpack(column.fill_null(math.nan) if column.null_count else column)
