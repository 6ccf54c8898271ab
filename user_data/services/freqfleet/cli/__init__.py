"""The command line: argument parsing and rendering, one file a verb group."""

from freqfleet.cli.program import main

__all__ = ["main"]
