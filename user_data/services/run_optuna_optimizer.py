"""Seed 000's command: `freqfleet optimize` under its old name, with the same flags."""

import sys

from freqfleet.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["optimize"]
    main()
