"""Feature tables kept by what they were made of: on disk for training, in memory for the trade thread.

The key is a hash of the candles, their context and the source of the features. There is nothing to
expire: other candles or other code have another key.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd

from freqfleet.market.features.table import FEATURE_NAMES, FeatureArray, feature_code_hash, feature_table
from freqfleet.market.features.view import CONTEXT_COLUMNS

logger = logging.getLogger(__name__)

_COLUMNS = ("open", "high", "low", "close", "volume", *CONTEXT_COLUMNS)
_KEPT_PER_PAIR = 4


def content_key(candles: pd.DataFrame) -> str:
    """Return a hash of everything that decides the feature table of these candles."""
    digest = hashlib.blake2b(feature_code_hash().encode(), digest_size=16)
    digest.update(candles["date"].to_numpy("datetime64[ms]").tobytes())
    for name in _COLUMNS:
        if name in candles.columns:
            digest.update(name.encode())
            digest.update(candles[name].to_numpy(dtype=np.float64, na_value=np.nan).tobytes())
    return digest.hexdigest()


class FeatureMemory:
    """The tables of the last few frames: ten feeders score one frame, and compute its features once.

    Thread-safe. Two threads that ask for the same new frame at once both compute it.
    """

    def __init__(self, frames: int = 2) -> None:
        self._frames = frames
        self._tables: OrderedDict[str, FeatureArray] = OrderedDict()
        self._lock = threading.Lock()

    def table(self, candles: pd.DataFrame) -> FeatureArray:
        """Return `feature_table(candles)`, read-only."""
        key = content_key(candles)
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
                return self._tables[key]
        table = feature_table(candles)
        table.setflags(write=False)
        with self._lock:
            self._tables[key] = table
            while len(self._tables) > self._frames:
                self._tables.popitem(last=False)
        return table


class FeatureFiles:
    """Tables as float32 files below `folder`, one a pair and content.

    hits, misses : how often a file was there, and how often the table was computed.
    Failure: a file that cannot be read is computed and written again; a folder that cannot be written
    raises OSError. Processes may share the folder: a file appears whole or not at all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hits = 0
        self.misses = 0

    def table(self, pair: str, candles: pd.DataFrame) -> FeatureArray:
        """Return `feature_table(candles)`, mapped from its file: only columns that are read cost memory."""
        path = self._path(pair, content_key(candles))
        found = self._read(path, len(candles))
        if found is not None:
            self.hits += 1
            return found
        self.misses += 1
        self._write(path, feature_table(candles))
        self._prune(path)
        written = self._read(path, len(candles))
        if written is None:
            raise OSError(f"{path} cannot be read back after it was written")
        return written

    def _path(self, pair: str, key: str) -> Path:
        return self.folder / f"{pair.replace('/', '_').replace(':', '_')}-{key}.npy"

    def _read(self, path: Path, candle_count: int) -> FeatureArray | None:
        if not path.is_file():
            return None
        try:
            table: FeatureArray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            logger.warning("feature file %s is damaged (%s): computed anew", path, error)
            return None
        if table.shape != (candle_count, len(FEATURE_NAMES)) or table.dtype != np.float32:
            logger.warning("feature file %s has shape %s: computed anew", path, table.shape)
            return None
        return table

    def _write(self, path: Path, table: FeatureArray) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".writing-", suffix=".npy")
        try:
            with os.fdopen(handle, "wb") as file:
                np.save(file, table, allow_pickle=False)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _prune(self, path: Path) -> None:
        """Remove what the pair had before: candles grow daily, and every day is another content."""
        pair = path.name.rsplit("-", 1)[0]
        files = [one for one in self.folder.glob(f"{pair}-*.npy") if one != path]
        files.sort(key=lambda one: one.stat().st_mtime, reverse=True)
        for old in files[_KEPT_PER_PAIR - 1 :]:
            old.unlink(missing_ok=True)
