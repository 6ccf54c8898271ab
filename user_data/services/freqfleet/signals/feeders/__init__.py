"""One file a feeder."""
