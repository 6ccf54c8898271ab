"""What a bot leaves out of what was asked for: counted each time, said once."""

from __future__ import annotations

import logging
from collections import Counter

logger = logging.getLogger(__name__)


class LeftOut:
    """The things one bot has left out, and how often."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, what: str, sentence: str) -> None:
        """Count `what`; the first time, `sentence` tells the operator of it."""
        if not self.counts[what]:
            logger.warning("%s", sentence)
        self.counts[what] += 1
