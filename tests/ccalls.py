"""Which C functions a call enters on the calling thread: files, sockets, databases and sleeps are there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

WAITS = ("posix.", "_io.", "io.", "socket", "_socket", "sqlite3.", "_sqlite3", "time.sleep", "select.", "ssl")
LOCKS = ("lock.acquire", "RLock.acquire", "Condition", "lock.__enter__")


def c_calls(function: Callable[[], Any]) -> set[str]:
    """Return the C functions that `function` enters, as `module.Type.name`."""
    seen: set[str] = set()

    def note(_frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call":
            owner = getattr(arg, "__self__", None)
            module = getattr(arg, "__module__", None) or type(owner).__module__
            seen.add(f"{module}.{getattr(arg, '__qualname__', arg.__name__)}")

    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return {one for one in seen if one != "sys.setprofile"}


def waits(function: Callable[[], Any]) -> set[str]:
    """Return those of them that may wait for something outside this process, or for another thread."""
    return {one for one in c_calls(function) if one.startswith(WAITS) or one.endswith(LOCKS)}
