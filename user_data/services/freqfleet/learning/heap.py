"""The heap of a process that works on one pair after the other."""

from __future__ import annotations

import ctypes
import logging
from functools import cache

import pyarrow as pa

logger = logging.getLogger(__name__)

# Names and numbers of mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
# What a pair needs and the next one needs again: its windows, and the surface of the largest grid.
KEPT_BYTES = 64 * 2**20
LARGEST_KEPT_BYTES = 32 * 2**20


@cache
def keep_freed_memory() -> bool:
    """Let this process keep what arrays of one pair took for those of the next; return whether it does.

    glibc gives pages back as soon as they are free, and the kernel hands them out again one by one and filled
    with zeros: for a run over 150 pairs that were a quarter of a million page faults, a tenth of its time.
    Candle files are then read into the same memory: a pool of pyarrow's own holds what nobody else can use.
    Other allocators are left as they are. At most `KEPT_BYTES` that are free stay with the process.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # not glibc; on Windows there is no such library at all
        return False
    kept: bool = mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES) == mallopt(_M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES) == 1
    if kept:
        pa.set_memory_pool(pa.system_memory_pool())
    logger.debug("freed memory is %s between pairs", "kept" if kept else "given back")
    return kept
