"""The words of freqfleet, as pure Python values: no I/O, no clock, no third-party package."""
