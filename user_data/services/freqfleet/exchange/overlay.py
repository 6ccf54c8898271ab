"""The overlay: one more freqtrade config file that points freqtrade at the loopback exchange.

freqtrade merges it over a bot's own config (`-c bot1.json -c offline.json`); nothing is patched.
"""

from __future__ import annotations

from typing import Any

DEFAULT_PORT = 8799
HOST = "127.0.0.1"

# ccxt's name of each Binance API -> its path. All of them, so that a stray call meets our 404, not the world.
API_PATHS = {
    "public": "/api/v3",
    "private": "/api/v3",
    "v1": "/api/v1",
    "sapi": "/sapi/v1",
    "sapiV2": "/sapi/v2",
    "sapiV3": "/sapi/v3",
    "sapiV4": "/sapi/v4",
    "fapiPublic": "/fapi/v1",
    "fapiPublicV2": "/fapi/v2",
    "fapiPublicV3": "/fapi/v3",
    "fapiPrivate": "/fapi/v1",
    "fapiPrivateV2": "/fapi/v2",
    "fapiPrivateV3": "/fapi/v3",
    "fapiData": "/futures/data",
    "dapiPublic": "/dapi/v1",
    "dapiPrivate": "/dapi/v1",
    "dapiPrivateV2": "/dapi/v2",
    "dapiData": "/futures/data",
    "eapiPublic": "/eapi/v1",
    "eapiPrivate": "/eapi/v1",
    "papi": "/papi/v1",
    "papiV2": "/papi/v2",
}


def offline_overlay(port: int = DEFAULT_PORT) -> dict[str, Any]:
    """Return the freqtrade config that makes a bot trade on the loopback exchange at `port`.

    It forces a dry run, removes the keys, and switches off everything of freqtrade's that would call out:
    the archive download, websockets, messengers and the fiat rates.
    """
    book_prices = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "dry_run": True,
        "initial_state": "running",
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "fiat_display_currency": "",
        "entry_pricing": book_prices,
        "exit_pricing": dict(book_prices),
        "exchange": {
            "name": "binance",
            "key": "",
            "secret": "",
            "only_from_ccxt": True,
            "enable_ws": False,
            "ccxt_config": {
                "enableRateLimit": False,
                "options": {
                    "fetchMarkets": {"types": ["linear"]},
                    "fetchMargins": False,
                    "fetchCurrencies": False,
                },
                "urls": {"api": {name: f"http://{HOST}:{port}{path}" for name, path in API_PATHS.items()}},
            },
        },
        "telegram": {"enabled": False, "token": "", "chat_id": ""},
        "discord": {"enabled": False, "webhook_url": ""},
        "webhook": {"enabled": False},
    }
