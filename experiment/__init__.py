"""What learning is worth, measured by freqtrade's own backtests: `make experiment`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What is measured is this checkout, whatever is installed.
sys.path.insert(0, str(ROOT / "user_data" / "services"))
