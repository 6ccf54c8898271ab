"""From closed trades to published parameters."""
