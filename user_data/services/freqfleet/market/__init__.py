"""Candles as freqtrade keeps them: reading, checking, indicators, and a seeded sample market."""
