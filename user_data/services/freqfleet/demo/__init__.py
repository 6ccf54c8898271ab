"""The whole loop on one machine, offline: candles, three bots, sync, optimize, BOT3 again, a report."""
