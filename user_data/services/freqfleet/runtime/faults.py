"""The one broad catch of the strategies: a failing callback is recorded and answers safely.

freqtrade would turn the exception into a log line and a default; a bot that fails in every loop would
look healthy. Here each fault is counted by callback and pair, and logged in full the first time.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from types import TracebackType

logger = logging.getLogger(__name__)


class Faults:
    """Counts what went wrong in the callbacks of one bot."""

    def __init__(self, bot: str) -> None:
        self.bot = bot
        self.counts: Counter[tuple[str, str]] = Counter()

    def recorded(self, callback: str, pair: str) -> _Recorded:
        """Return a block that swallows an exception after recording it; then answer safely."""
        return _Recorded(self, callback, pair)


@dataclass(frozen=True, slots=True)
class _Recorded:
    faults: Faults
    callback: str
    pair: str

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        faults = self.faults
        faults.counts[self.callback, self.pair] += 1
        times = faults.counts[self.callback, self.pair]
        logger.error(
            "%s %s failed in %s (%d times), the safe answer is given: %r",
            faults.bot, self.pair, self.callback, times, error,
            exc_info=error if times == 1 else None,
        )  # fmt: skip
        return True
