"""Make each thing once, whichever thread asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar, cast

_T = TypeVar("_T")


class OnceEach:
    """Keeps what was made once, by name; safe for many threads. What raises is not kept."""

    def __init__(self) -> None:
        self._kept: dict[object, object] = {}
        self._lock = threading.RLock()

    def once(self, key: object, make: Callable[[], _T]) -> _T:
        """Return what `make` gave the first time for this key; a key always stands for one type."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return cast("_T", self._kept[key])
