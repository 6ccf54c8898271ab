from __future__ import annotations

import random

from freqfleet.store.backoff import Backoff

BACKOFF = Backoff(first_seconds=1.0, most_seconds=60.0, jitter_ratio=0.25)


def test_waits_double_up_to_the_most():
    plain = Backoff(first_seconds=1.0, most_seconds=60.0, jitter_ratio=0.0)

    assert [plain.seconds(count) for count in (1, 2, 3, 6, 7, 10_000)] == [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]


def test_jitter_takes_off_at_most_its_share():
    waits = [BACKOFF.seconds(3, luck=random.Random(seed)) for seed in range(200)]

    assert all(3.0 <= wait <= 4.0 for wait in waits)
    assert max(waits) - min(waits) > 0.5


def test_a_server_that_asks_for_more_gets_it_and_one_that_asks_for_less_does_not():
    luck = random.Random(1)

    assert BACKOFF.seconds(1, retry_after_seconds=900.0, luck=luck) == 900.0
    assert BACKOFF.seconds(5, retry_after_seconds=1.0, luck=luck) > 11.0
