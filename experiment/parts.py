"""Which pairs share a freqtrade process.

Pairs do not compete for money or slots here, so they may be traded in parts: two processes at once, and
caches that hold what one of them works on. One thing ties pairs together: freqtrade's loop begins a candle
after the first candle of all its pairs and opens nothing on the last of all. So every part gets a pair that
is there from the first moment to the last.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

# A process with so many pairs of half a year holds about 800 MB.
MOST_PAIRS = 16


def parts_of(
    pairs: Sequence[str], whole: Collection[str], *, at_once: int, most: int = MOST_PAIRS
) -> list[tuple[str, ...]]:
    """Deal pairs out to as few parts as keep `at_once` processes busy, of at most `most` pairs each.

    whole : pairs with candles over all of the time. Each part gets at least one; where there are too few of
    them there are fewer, larger parts.
    """
    anchors = [pair for pair in pairs if pair in whole]
    rounds = math.ceil(len(pairs) / (most * at_once))
    count = max(1, min(rounds * at_once, len(anchors)))
    dealt = [*anchors, *(pair for pair in pairs if pair not in whole)]
    return [tuple(sorted(dealt[number::count])) for number in range(count)]
