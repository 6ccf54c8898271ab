"""What a candle looks like to a model: one table of named, scale-free numbers, point in time."""
