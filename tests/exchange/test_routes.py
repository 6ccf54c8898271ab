"""Requests and answers, without a socket."""

from __future__ import annotations

from typing import Any

import pytest

from freqfleet.exchange.routes import BASE, Reply, answer
from freqfleet.exchange.tape import Tape
from freqfleet.market.timeframes import DAY_MS, HOUR_MS, MINUTE_MS
from freqfleet.testing.memory_history import MemoryHistory, bars_of

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
M5 = 5 * MINUTE_MS
T0 = 20_000 * DAY_MS
NOW = T0 + M5 + 100_000

TAPE = Tape(
    MemoryHistory(
        {
            BTC: {
                "5m": bars_of(
                    "5m",
                    [  # time      open    high    low    close   volume
                        (T0,       100.0,  104.0,  98.0,  102.5,  10.0),
                        (T0 + M5,  102.5,  103.0,  90.0,   92.0,  20.0),
                    ],
                )
            },
            ETH: {"5m": bars_of("5m", [(T0 - DAY_MS, 7.0, 7.0, 7.0, 7.0, 1.0)])},  # delisted long ago
        },
        events={BTC: [(T0, -0.00012345)]},
    )
)  # fmt: skip


def get(name: str, **query: object) -> Reply:
    return answer("GET", f"{BASE}/{name}", {key: str(value) for key, value in query.items()}, TAPE, NOW)


def body(name: str, **query: object) -> Any:
    reply = get(name, **query)
    assert reply.status == 200, reply.body
    return reply.body


def test_exchange_info_lists_every_pair_as_trading() -> None:
    rows = body("exchangeInfo")["symbols"]

    assert [row["symbol"] for row in rows] == ["BTCUSDT", "ETHUSDT"]
    assert {row["status"] for row in rows} == {"TRADING"}
    assert len({row["deliveryDate"] for row in rows}) == 1


def test_time_is_the_clock_that_is_passed_in() -> None:
    assert body("time") == {"serverTime": NOW}


def test_klines_are_written_as_binance_writes_them() -> None:
    rows = body("klines", symbol="BTCUSDT", interval="5m", limit=2)

    assert rows[0][:7] == [T0, "100.0", "104.0", "98.0", "102.5", "10.0", T0 + M5 - 1]
    assert [len(row) for row in rows] == [12, 12]
    assert rows[1][4] == "103.0"  # the running candle, at its high


def test_mark_klines_have_no_volume() -> None:
    rows = body("markPriceKlines", symbol="BTCUSDT", interval="1h")

    assert rows == [[T0, "100.0", "104.0", "98.0", "103.0", "0.0", T0 + HOUR_MS - 1, "0.0", 0, "0", "0", "0"]]


def test_funding_is_written_with_eight_digits() -> None:
    assert body("fundingRate", symbol="BTCUSDT") == [
        {"symbol": "BTCUSDT", "fundingTime": T0, "fundingRate": "-0.00012345"}
    ]


def test_depth_brackets_the_price() -> None:
    book = body("depth", symbol="BTCUSDT", limit=5)

    assert book["bids"][0][0] == "103.0"
    assert book["asks"][0][0] == "103.1"
    assert len(book["bids"]) == len(book["asks"]) == 5


def test_tickers_cover_what_traded_in_the_last_day() -> None:
    all_of_them = body("ticker/24hr")

    assert [row["symbol"] for row in all_of_them] == ["BTCUSDT"]
    assert body("ticker/24hr", symbol="BTCUSDT") == all_of_them[0]
    assert all_of_them[0] | {"lastPrice": "103.0", "highPrice": "104.0"} == all_of_them[0]
    assert get("ticker/24hr", symbol="ETHUSDT").status == 400


def test_book_tickers_cover_what_has_a_price() -> None:
    assert [row["bidPrice"] for row in body("ticker/bookTicker")] == ["103.0"]
    assert body("ticker/bookTicker", symbol="BTCUSDT")["askPrice"] == "103.1"


@pytest.mark.parametrize(
    ("name", "query", "code", "text"),
    [
        ("klines", {"interval": "5m"}, -1102, "'symbol' was not sent"),
        ("klines", {"symbol": "DOGEUSDT", "interval": "5m"}, -1121, "no candles of DOGEUSDT"),
        ("klines", {"symbol": "BTCUSDT", "interval": "1w"}, -1120, "'1w'"),
        ("klines", {"symbol": "BTCUSDT", "interval": "5m", "limit": "many"}, -1130, "'many'"),
        ("depth", {"symbol": "ETHUSDT"}, -1016, "no price at"),
    ],
)
def test_a_bad_request_is_refused_with_binance_s_code_and_the_value(
    name: str, query: dict[str, str], code: int, text: str
) -> None:
    reply = get(name, **query)

    assert isinstance(reply.body, dict)
    assert (reply.status, reply.body["code"]) == (400, code)
    assert text in reply.body["msg"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/fapi/v1/premiumIndex"),
        ("GET", "/api/v3/exchangeInfo"),
        ("GET", "/"),
        ("POST", "/fapi/v1/order"),
        ("POST", "/fapi/v1/klines"),
    ],
)
def test_anything_else_is_not_found(method: str, path: str) -> None:
    assert answer(method, path, {}, TAPE, NOW).status == 404
