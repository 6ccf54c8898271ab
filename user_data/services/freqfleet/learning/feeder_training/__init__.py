"""From candles to a version of the feeder bank. The only part of the package that loads LightGBM."""
