"""What freqfleet costs, measured against its bars and against other engines: `make bench`."""

import os
import sys
from pathlib import Path

# As `freqfleet` itself does it, see cli/program.py.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# What is measured is this checkout, whatever is installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "user_data" / "services"))
