"""The overlay leads every Binance address that ccxt knows to this machine."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import ccxt
import ccxt.async_support
import pytest

from freqfleet.exchange.overlay import offline_overlay

CONFIG = Path(__file__).parents[2] / "user_data" / "config"


@pytest.mark.parametrize("library", [ccxt, ccxt.async_support], ids=["sync", "async"])
def test_every_api_of_ccxt_is_overridden_with_its_own_path(library: object) -> None:
    real = library.binance().urls["api"]  # type: ignore[attr-defined]

    ours = offline_overlay(1234)["exchange"]["ccxt_config"]["urls"]["api"]

    assert set(ours) == set(real)
    assert {name: urlsplit(url).path for name, url in ours.items()} == {
        name: urlsplit(url).path for name, url in real.items()
    }
    assert {urlsplit(url).netloc for url in ours.values()} == {"127.0.0.1:1234"}


def test_ccxt_knows_no_other_address_once_it_is_configured() -> None:
    client = ccxt.binance(offline_overlay(1234)["exchange"]["ccxt_config"])

    assert {urlsplit(url).netloc for url in client.urls["api"].values()} == {"127.0.0.1:1234"}


def test_the_shipped_overlay_is_the_one_for_the_default_port() -> None:
    shipped = json.loads((CONFIG / "offline.json").read_text(encoding="utf-8"))

    assert shipped == offline_overlay(8799)


def test_an_overlay_never_trades_for_real() -> None:
    overlay = offline_overlay(8799)

    assert overlay["dry_run"] is True
    assert (overlay["exchange"]["key"], overlay["exchange"]["secret"]) == ("", "")
    assert not overlay["telegram"]["enabled"]
