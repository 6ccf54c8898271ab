"""Feeders score closed candles, the ensemble counts their votes, the tag says who spoke."""
