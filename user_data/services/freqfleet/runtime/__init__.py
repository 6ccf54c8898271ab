"""The strategy's side: entries, the parameters in force, the plan of each position, its exits."""
