"""Does the exchange answer, or else the loopback exchange that the offline overlay points at?"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from freqfleet.doctor.findings import Finding, fail, note, ok
from freqfleet.settings import Settings

Address = tuple[str, int]

EXCHANGE: Address = ("fapi.binance.com", 443)
OVERLAY_FILE = Path("config") / "offline.json"
_PATIENCE_SECONDS = 2.0


def check_exchange(settings: Settings, exchange: Address = EXCHANGE) -> Iterator[Finding]:
    """Check both within two seconds."""
    overlay = settings.userdir / OVERLAY_FILE
    loopback = loopback_address(overlay)
    if loopback is None and overlay.exists():
        yield note(
            "exchange",
            f"{overlay} names no loopback exchange",
            f"`freqfleet exchange serve --overlay {overlay}` writes one that does",
        )
    asked = [exchange] if loopback is None else [exchange, loopback]
    answering = answer_within(_PATIENCE_SECONDS, asked)
    host = exchange[0]
    if loopback in answering:
        yield ok("exchange", f"the loopback exchange of {overlay} answers")
    if exchange in answering:
        yield ok("exchange", f"{host} answers")
    elif loopback is None:
        yield fail(
            "exchange",
            f"{host} does not answer",
            f"check the network; to work offline, `freqfleet init --userdir {settings.userdir}` helps",
        )
    elif loopback not in answering:
        yield note(
            "exchange",
            f"neither {host} nor the loopback exchange answers",
            f"check the network, or `freqfleet exchange serve` and `-c {overlay}` to work offline",
        )


def loopback_address(overlay: Path) -> Address | None:
    """Return where an offline overlay points, None for a file that is none."""
    try:
        config = json.loads(overlay.read_text(encoding="utf-8"))
        url = urlsplit(str(config["exchange"]["ccxt_config"]["urls"]["api"]["fapiPublic"]))
        host, port = url.hostname, url.port
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return (host, port) if host and port else None


def answer_within(seconds: float, addresses: Sequence[Address]) -> set[Address]:
    """Return the addresses that accept a connection; all are asked at once.

    Each in a thread that nobody waits for any longer: a name service that is down holds a plain call for
    half a minute, and no timeout reaches it.
    """
    answering: set[Address] = set()

    def ask(address: Address) -> None:
        try:
            with socket.create_connection(address, timeout=seconds):
                answering.add(address)
        except OSError:
            return

    threads = [threading.Thread(target=ask, args=(address,), daemon=True) for address in addresses]
    for thread in threads:
        thread.start()
    ends_at = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    return set(answering)
