import platform
import resource

import numpy as np
import pytest

from freqfleet.learning.heap import keep_freed_memory

PAGE_BYTES = resource.getpagesize()
SIZE_BYTES = 6 * 2**20
ROUNDS = 40


def page_faults(rounds: int) -> int:
    """Return how many pages the kernel has to hand out while arrays are made, filled and freed."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(rounds):
        arrays = [np.ones(SIZE_BYTES // 8) for _ in range(3)]
        del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left alone")
def test_what_one_pair_has_freed_the_next_one_gets_without_the_kernel():
    kept = keep_freed_memory()
    page_faults(2)

    found = page_faults(ROUNDS)

    assert kept
    assert found < ROUNDS * SIZE_BYTES / PAGE_BYTES / 10
