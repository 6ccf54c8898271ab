"""The exchange as a whole, with ccxt as its client."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import ccxt
import ccxt.async_support
import numpy as np
import pandas as pd
import pytest

from freqfleet.clock import FixedClock, from_ms, parse_time, to_ms
from freqfleet.errors import ExchangeError, InputError, MarketError
from freqfleet.exchange.history import FeatherHistory
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.exchange.routes import BASE
from freqfleet.market.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from realdata import market_dir

BTC = "BTC/USDT:USDT"
# Inside the real candles, ten minutes after the crash began.
CRASH = FixedClock(parse_time("2025-10-10T21:22:00Z"))


def write_walk(datadir: Path, pair: str = BTC, rows: int = 288 * 4, first: str = "2025-03-01") -> Path:
    """Write a seeded 5m walk the way freqtrade lays it out, without freqtrade."""
    rng = np.random.default_rng(5)
    close = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.002, rows))), 2)
    opened = np.append(100.0, close[:-1])
    frame = pd.DataFrame(
        {
            "date": pd.date_range(first, periods=rows, freq="5min", tz="UTC").as_unit("ms"),
            "open": opened,
            "high": np.maximum(opened, close) + 0.1,
            "low": np.minimum(opened, close) - 0.1,
            "close": close,
            "volume": 10.0,
        }
    )
    folder = datadir / "futures"
    folder.mkdir(parents=True, exist_ok=True)
    name = pair.replace("/", "_").replace(":", "_")
    frame.to_feather(folder / f"{name}-5m-futures.feather")
    return datadir


@pytest.fixture(scope="module")
def real() -> Iterator[LoopbackExchange]:
    with LoopbackExchange(market_dir("ci"), clock=CRASH) as exchange:
        yield exchange


def configuration(exchange: LoopbackExchange) -> dict[str, Any]:
    """Return what freqtrade gives ccxt: the overlay's part, and the kind of market."""
    config = exchange.overlay()["exchange"]["ccxt_config"]
    return {**config, "options": {**config["options"], "defaultType": "swap"}}


def client(exchange: LoopbackExchange) -> Any:
    return ccxt.binance(configuration(exchange))


def test_ccxt_loads_the_markets(real: LoopbackExchange) -> None:
    markets = client(real).load_markets()

    bitcoin = markets[BTC]
    assert set(markets) == set(real.pairs)
    assert (bitcoin["id"], bitcoin["linear"], bitcoin["swap"], bitcoin["active"]) == (
        "BTCUSDT",
        True,
        True,
        True,
    )
    assert (bitcoin["precision"]["price"], bitcoin["limits"]["cost"]["min"]) == (0.1, 5.0)
    assert bitcoin["expiry"] is None


def test_ccxt_reads_the_candles_of_the_files(real: LoopbackExchange) -> None:
    rows = client(real).fetch_ohlcv(BTC, "5m", limit=499)

    file = FeatherHistory(market_dir("ci")).last_price(BTC, "5m").closed_at(to_ms(CRASH.now())).newest(498)
    assert [row[0] for row in rows[:-1]] == file.time_ms.tolist()
    assert [row[1:] for row in rows[:-1]] == file.ohlcv.tolist()
    assert from_ms(rows[-1][0]) == parse_time("2025-10-10T21:20:00Z")


def test_ccxt_reads_a_stretch_of_candles_since_a_time(real: LoopbackExchange) -> None:
    since = to_ms(parse_time("2025-10-10T20:00:00Z"))

    rows = client(real).fetch_ohlcv(BTC, "15m", since=since, limit=3)

    assert [row[0] - since for row in rows] == [0, 15 * MINUTE_MS, 30 * MINUTE_MS]


def test_ccxt_reads_a_book_around_the_last_price(real: LoopbackExchange) -> None:
    binance = client(real)

    book, candles = binance.fetch_l2_order_book(BTC, 20), binance.fetch_ohlcv(BTC, "5m", limit=1)

    assert (len(book["bids"]), len(book["asks"])) == (20, 20)
    assert book["bids"][0][0] <= candles[-1][4] < book["asks"][0][0]


def test_ccxt_reads_mark_candles_funding_tickers_and_the_time(real: LoopbackExchange) -> None:
    binance = client(real)

    marks = binance.fetch_ohlcv(BTC, "1h", limit=5, params={"price": "mark"})
    funding = binance.fetch_funding_rate_history(BTC, limit=3)
    ticker = binance.fetch_tickers()[BTC]
    bids = binance.fetch_bids_asks()

    assert len(marks) == 5
    assert [from_ms(row["timestamp"]).hour for row in funding] == [0, 8, 16]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert bids[BTC]["bid"] < bids[BTC]["ask"]
    assert binance.fetch_time() == to_ms(CRASH.now())


def test_the_asynchronous_client_of_freqtrade_s_bots_is_served_too(real: LoopbackExchange) -> None:
    async def candles() -> list[Any]:
        binance = ccxt.async_support.binance(configuration(real))
        try:
            fetched = [binance.fetch_ohlcv(pair, "5m", limit=499) for pair in real.pairs]
            return list(await asyncio.gather(*fetched))
        finally:
            await binance.close()

    rows = asyncio.run(candles())

    lengths = dict(zip(real.pairs, map(len, rows), strict=True))
    assert lengths.pop("MON/USDT:USDT") < lengths.pop("GIGGLE/USDT:USDT") < 499  # listed the day before
    assert set(lengths.values()) == {499}


def test_stray_calls_meet_the_exchange_and_are_counted(tmp_path: Path) -> None:
    with LoopbackExchange(write_walk(tmp_path), clock=FixedClock(parse_time("2025-03-02"))) as exchange:
        keyed = client(exchange)
        keyed.apiKey, keyed.secret = "key", "secret"
        keyed.load_markets()

        for call in (keyed.fetch_balance, lambda: keyed.fetch_funding_rate(BTC)):
            with pytest.raises(ccxt.BaseError):
                call()
        with pytest.raises(ccxt.BadSymbol):
            keyed.fapiPublicGetKlines({"symbol": "NOPEUSDT", "interval": "5m"})

        hits = exchange.hits()
    assert hits.answered == {f"GET {BASE}/exchangeInfo": 1}
    assert hits.refused == {f"GET {BASE}/klines": 1}
    assert set(hits.unknown) == {"GET /fapi/v1/premiumIndex", "GET /fapi/v3/account"}


def test_shifted_candles_cover_now_with_the_hours_left(tmp_path: Path) -> None:
    now = parse_time("2026-11-20T18:30:00Z")

    with LoopbackExchange(
        write_walk(tmp_path), clock=FixedClock(now), shift_to_now=True, hours_left=12
    ) as exchange:
        first_ms, end_ms = exchange.span_ms(BTC)
        rows = client(exchange).fetch_ohlcv(BTC, "5m", limit=10)

    assert exchange.shift_ms % DAY_MS == 0
    assert first_ms <= to_ms(now - timedelta(days=1))
    assert 12 * HOUR_MS <= end_ms - to_ms(now) < 36 * HOUR_MS
    assert from_ms(rows[-1][0]) == now


def test_a_pair_that_ended_long_ago_does_not_set_the_move(tmp_path: Path) -> None:
    write_walk(tmp_path, "ETH/USDT:USDT", first="2025-01-01", rows=300)
    clock = FixedClock(parse_time("2026-11-20T18:30:00Z"))

    exchange = LoopbackExchange(write_walk(tmp_path), clock=clock, shift_to_now=True)

    exchange.stop()
    _, end_ms = exchange.span_ms(BTC)
    assert 24 * HOUR_MS <= end_ms - to_ms(clock.now()) < 48 * HOUR_MS


def test_a_broken_pair_is_skipped_with_its_reason_and_the_others_are_served(tmp_path: Path) -> None:
    write_walk(tmp_path)
    (tmp_path / "futures" / "ETH_USDT_USDT-5m-futures.feather").write_bytes(b"no feather")

    exchange = LoopbackExchange(tmp_path)

    exchange.stop()
    assert exchange.pairs == (BTC,)
    assert list(exchange.skipped) == ["ETH/USDT:USDT"]
    assert "ETH_USDT_USDT-5m-futures.feather" in exchange.skipped["ETH/USDT:USDT"]


def test_only_the_pairs_asked_for_are_served(tmp_path: Path) -> None:
    write_walk(write_walk(tmp_path), "ETH/USDT:USDT")

    exchange = LoopbackExchange(tmp_path, pairs=["ETH/USDT:USDT"])

    exchange.stop()
    assert exchange.pairs == ("ETH/USDT:USDT",)


def test_a_pair_without_candles_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no candles of DOGE/USDT:USDT; there are: BTC/USDT:USDT"):
        LoopbackExchange(write_walk(tmp_path), pairs=["DOGE/USDT:USDT"])


def test_a_folder_without_candles_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match=r"no .*candle"):
        LoopbackExchange(tmp_path / "nothing")


def test_a_market_of_broken_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "futures").mkdir()
    (tmp_path / "futures" / "ETH_USDT_USDT-5m-futures.feather").write_bytes(b"no feather")

    with pytest.raises(MarketError, match=r"no pair .* can be served: .*ETH"):
        LoopbackExchange(tmp_path)


def test_a_taken_port_is_an_exchange_error(tmp_path: Path) -> None:
    with (
        LoopbackExchange(write_walk(tmp_path)) as first,
        pytest.raises(ExchangeError, match=f"port {first.port} "),
    ):
        LoopbackExchange(tmp_path, port=first.port)


def test_a_loopback_device_that_is_down_is_said_with_the_remedy(tmp_path: Path) -> None:
    """A fresh network namespace has one; so does `unshare -n make test` before it is set up."""
    program = (
        "import sys; from pathlib import Path\n"
        "from freqfleet.errors import ExchangeError\n"
        "from freqfleet.exchange.loopback import LoopbackExchange\n"
        "try:\n    LoopbackExchange(Path(sys.argv[1])).start()\n"
        "except ExchangeError as error:\n    print(error)\n"
    )
    command = ["unshare", "-n", sys.executable, "-c", program, str(write_walk(tmp_path))]
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-n", "true"], check=False).returncode:
        pytest.skip("network namespaces are not allowed here")

    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)

    assert "`ip link set lo up`" in done.stdout
