"""Are the candles, the learning store and the exchange there?"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from freqfleet.clock import Clock, human_age, iso
from freqfleet.doctor.findings import Finding, fail, note, ok
from freqfleet.errors import FreqfleetError
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import Settings
from freqfleet.wiring import open_store, sqlite_store_file

EXCHANGE_HOST = "fapi.binance.com"
_CONNECT_SECONDS = 2.0


def check_candles(settings: Settings) -> Iterator[Finding]:
    """Check that there are candles to learn from."""
    try:
        pairs = CandleFiles(settings.datadir, settings.market.timeframe).pairs()
    except FreqfleetError as error:
        yield fail("candles", str(error), "freqtrade download-data, or set [market] datadir")
        return
    yield ok("candles", f"{len(pairs)} pairs at {settings.datadir}; `freqfleet data check` looks inside")


def check_store(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Check that the learning store answers, and how fresh it is."""
    file = sqlite_store_file(settings)
    if file is not None and not file.exists():
        yield note("store", f"no learning store at {file} yet", "`freqfleet sync` makes it")
        return
    try:
        store = open_store(settings)
        try:
            health = store.health()
        finally:
            store.close()
    except FreqfleetError as error:
        yield fail("store", str(error), "correct [store] url, or move the file aside and sync again")
        return
    newest = health.last_trade_closed_at
    age = (
        "no trades"
        if newest is None
        else f"newest closed {human_age((clock.now() - newest).total_seconds())} ago"
    )
    yield ok("store", f"{health.description}: {health.trades} trades, {health.versions} versions, {age}")


def check_clock(clock: Clock) -> Iterator[Finding]:
    """Say what time this machine believes it is; exchanges refuse orders of a wrong clock."""
    yield ok("clock", f"{iso(clock.now())}")


def check_exchange(settings: Settings) -> Iterator[Finding]:
    """Check whether the exchange answers, or else the loopback exchange of the offline overlay."""
    overlay = settings.userdir / "config" / "offline.json"
    loopback = _loopback_address(overlay)
    if loopback is not None and _answers(*loopback):
        yield ok("exchange", f"the loopback exchange answers at {loopback[0]}:{loopback[1]} ({overlay})")
    if _answers(EXCHANGE_HOST, 443):
        yield ok("exchange", f"{EXCHANGE_HOST} answers")
    elif loopback is None:
        yield fail(
            "exchange", f"{EXCHANGE_HOST} does not answer", "check the network, or work offline with init"
        )
    elif not _answers(*loopback):
        yield note(
            "exchange",
            f"neither {EXCHANGE_HOST} nor the loopback exchange answers",
            f"`freqfleet exchange serve --datadir {settings.datadir}` and `-c {overlay}` work offline",
        )


def _loopback_address(overlay: Path) -> tuple[str, int] | None:
    if not overlay.is_file():
        return None
    try:
        config: dict[str, Any] = json.loads(overlay.read_text(encoding="utf-8"))
        url = urlsplit(config["exchange"]["ccxt_config"]["urls"]["api"]["fapiPublic"])
    except (ValueError, KeyError, TypeError):
        return None
    return (url.hostname, url.port) if url.hostname and url.port else None


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
            return True
    except OSError:
        return False
