"""Markets whose truth is known: try to fool the publication gate.

A *world* is a number of pairs, their candles, trades on them, what every trade earned in every cell of a
9 x 12 grid of stops and targets, and what every cell truly earns over the default. Everything is
position-level and before costs. The same seed makes the same world.
"""
