"""A loop ends when it is asked to, whoever asks, and whatever it is doing at that moment."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from freqfleet.stop_request import StopRequest

SERVICES = Path(__file__).parents[1] / "user_data" / "services"

# Interrupts the waiting three thousand times, wherever it happens to be; a threading.Event hangs in this.
STORM = """
import random
import signal
from freqfleet.stop_request import StopRequest

SIGNALS = 3_000
came = 0
stop = StopRequest()

def ask(*_):
    global came
    came += 1
    stop.ask()
    if came < SIGNALS:  # armed one by one: a handler is not to be interrupted by the next signal
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00002, 0.0002))

signal.signal(signal.SIGALRM, ask)
signal.setitimer(signal.ITIMER_REAL, 0.0001)
while came < SIGNALS:
    stop.wait(0.00001)
    stop = StopRequest()
print("came through")
"""


def test_a_signal_in_the_middle_of_waiting_never_hangs():
    ended = subprocess.run(
        [sys.executable, "-c", STORM],
        env={**os.environ, "PYTHONPATH": str(SERVICES)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (ended.stdout, ended.stderr) == ("came through\n", "")


def test_waits_as_long_as_nobody_asks():
    stop = StopRequest()

    assert not stop.wait(0.001)
    assert not stop.is_asked


def test_asked_once_it_stays_asked():
    stop = StopRequest()
    stop.ask()

    assert (stop.wait(), stop.wait(), stop.is_asked) == (True, True, True)


def test_another_thread_ends_the_waiting():
    stop = StopRequest()
    asker = threading.Timer(0.02, stop.ask)
    asker.start()

    assert stop.wait(20)

    asker.join()
