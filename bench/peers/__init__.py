"""Engines that replay the same trades, each in a process of its own, fed through one file."""
