"""The loopback exchange: the routes freqtrade really calls, served from the same candle files."""
