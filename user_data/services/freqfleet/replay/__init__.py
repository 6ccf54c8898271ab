"""What a trade would have earned under other exits: candle paths, the exit rule, costs, metrics."""
