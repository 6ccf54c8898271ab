"""How long to wait before the next try: doubling, with jitter, and never sooner than a server asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass

# Not the shared generator of the `random` module: strategies of the same process may have seeded that one.
_OWN_LUCK = random.Random()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits of first_seconds, twice that, four times that … up to most_seconds.

    jitter_ratio : up to this share is taken off at random, so that bots do not come back all at once.
    """

    first_seconds: float = 1.0
    most_seconds: float = 300.0
    jitter_ratio: float = 0.25

    def seconds(
        self, failures: int, *, retry_after_seconds: float | None = None, luck: random.Random | None = None
    ) -> float:
        """Return the wait after so many failures in a row (1 or more).

        retry_after_seconds : what the server asked for; a longer wait than most_seconds is granted.
        """
        doubled = self.first_seconds * 2.0 ** min(failures - 1, 60)
        share = (luck or _OWN_LUCK).random() * self.jitter_ratio
        return max(min(doubled, self.most_seconds) * (1.0 - share), retry_after_seconds or 0.0)
