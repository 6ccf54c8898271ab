"""Closed trades: readers for freqtrade's database and backtest exports, and the sync to the store."""
