"""ParameterVersion and ParameterBook: what is in force, since when, and why."""
