"""Runs the parity tests in full and writes what they found: `python tests/parity/report.py docs/parity.md`.

Ends with 1 where a bar is missed; the page is written all the same, without the parts that failed early.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, only its own folder is there

from parity.comparison import OUT_VARIABLE, Comparison

TESTS = Path(__file__).parents[1]

INTRODUCTION = """# Parity with freqtrade

Written by `make parity`, not by hand. freqtrade {freqtrade} runs as the command it is, on real candles;
`replay` then says for each exported trade where it would have left, in `freqtrade` fill mode. An exit is
reproduced where the candle is the same and the rate is, to 1e-9 relative. What freqtrade's backtest books
is listed in `replay/fills.py` (our strategies) and `replay/roi_table.py` (plain stoploss and ROI table).

- *price of the stop*: every trade, also those that left another way: the stop as it was placed.
- *liquidation*: replayed at the price that freqtrade booked; only the candle is compared.
- *Not replayed*: `force_exit` is the end of the backtest; `exit_signal` and trailing stops need the
  strategy that made them; the other names are those of `replay.paths.Dropped`.
"""


def page(parts: Sequence[Comparison], freqtrade: str) -> str:
    """Return the page: the introduction and one table for each part."""
    tables = [line for part in parts for line in ("", *part.lines())]
    return "\n".join((INTRODUCTION.format(freqtrade=freqtrade).rstrip(), *tables)).rstrip() + "\n"


def main(target: Path) -> int:
    """Run the tests, write the page to `target` and return pytest's return code."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", str(TESTS / "parity"), "-s", "-n", "0"]
        environment = {**os.environ, "FREQFLEET_PARITY": "full", OUT_VARIABLE: folder}
        code = subprocess.run(command, env=environment, check=False, cwd=TESTS.parent).returncode
        files = sorted(Path(folder).glob("*.json"))
        parts = [Comparison.from_dict(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    if parts:
        target.write_text(page(parts, version("freqtrade")), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/parity.md")))
