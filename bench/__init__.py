"""What freqfleet costs, measured against its bars and against other engines: `make bench`."""

import sys
from pathlib import Path

# What is measured is this checkout, whatever is installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "user_data" / "services"))
