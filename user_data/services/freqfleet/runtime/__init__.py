"""The strategy's side: parameters in force, entries, exits, the plan of each position."""
