"""Several programs share one file: three write, one reads, nobody meets an error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from freqfleet.store.sql import SqlStore

ROUNDS = 40

WRITER = """
import sys
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import closed_trade, version
url, bot, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = SqlStore(url)  # all of them make the tables at once
for number in range(rounds):
    new = store.record_closed_trades([closed_trade(bot=bot, trade_id=number)])
    again = store.record_closed_trades([closed_trade(bot=bot, trade_id=number)])
    shared = store.publish_parameters([version(run_id=str(number))])
    assert (new.accepted, again.duplicate) == (1, 1), (new, again)
    assert shared.accepted + shared.duplicate == 1, shared
store.close()
"""

READER = """
import sys
from freqfleet.store.sql import SqlStore
url, rounds = sys.argv[1], int(sys.argv[2])
store = SqlStore(url)
seen = 0
while seen < 3 * rounds:
    found = len(store.closed_trades())
    assert found >= seen, (found, seen)
    seen = found
    store.parameter_versions()
store.close()
"""


def test_three_writers_and_a_reader_share_a_new_file_without_an_error(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'learning.sqlite'}"
    commands = [[WRITER, url, f"BOT{number}", str(ROUNDS)] for number in (1, 2, 3)]
    commands.append([READER, url, str(ROUNDS)])

    running = [
        subprocess.Popen([sys.executable, "-c", *command], stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    try:
        errors = [program.communicate(timeout=120)[1] for program in running]
    finally:  # the reader waits for the writers: none may outlive this test
        for program in running:
            program.kill()

    assert [program.returncode for program in running] == [0, 0, 0, 0], errors
    store = SqlStore(url)
    assert len(store.closed_trades()) == 3 * ROUNDS
    assert len(store.parameter_versions()) == ROUNDS
    store.close()
