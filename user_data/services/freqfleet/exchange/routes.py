"""Routes: what the exchange answers, as functions from a request to a JSON value. No sockets here.

These are the requests that freqtrade makes through ccxt when it backtests, searches or trades dry, and no
others: anything else is a stray call, answered 404 and counted, so that it is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from freqfleet.errors import ExchangeError, MarketError
from freqfleet.exchange.depth import ladder
from freqfleet.exchange.history import STEPS_MS
from freqfleet.exchange.markets import Market, exchange_info_row
from freqfleet.exchange.tape import Tape, Window
from freqfleet.market.timeframes import DAY_MS

Query: TypeAlias = Mapping[str, str]
Json: TypeAlias = dict[str, Any] | list[Any]
Route: TypeAlias = Callable[[Tape, Query, int], Json]

BASE = "/fapi/v1"
OK, BAD_REQUEST, NOT_FOUND = 200, 400, 404

# Binance's own codes, because ccxt knows them.
_NO_SERVICE, _MISSING, _BAD_VALUE, _BAD_INTERVAL, _BAD_SYMBOL = -1016, -1102, -1130, -1120, -1121


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP status and the JSON value that goes with it."""

    status: int
    body: Json


class _RefusedError(Exception):
    """A request that an exchange refuses, with its code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def answer(method: str, path: str, query: Query, tape: Tape, now_ms: int) -> Reply:
    """Return the exchange's answer at `now_ms`; never raises for what a client sends."""
    route = ROUTES.get(path) if method == "GET" else None
    if route is None:
        text = f"the loopback exchange has no {method} {path}"
        return Reply(status=NOT_FOUND, body={"code": _NO_SERVICE, "msg": text})
    try:
        return Reply(status=OK, body=route(tape, query, now_ms))
    except _RefusedError as refused:
        return Reply(status=BAD_REQUEST, body={"code": refused.code, "msg": str(refused)})
    except (ExchangeError, MarketError) as error:
        return Reply(status=BAD_REQUEST, body={"code": _NO_SERVICE, "msg": str(error)})


def exchange_info(tape: Tape, _query: Query, now_ms: int) -> Json:
    """Return every market's rules."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [],
        "exchangeFilters": [],
        "assets": [],
        "symbols": [exchange_info_row(tape.market(pair)) for pair in tape.pairs],
    }


def server_time(_tape: Tape, _query: Query, now_ms: int) -> Json:
    """Return the exchange's clock."""
    return {"serverTime": now_ms}


def klines(tape: Tape, query: Query, now_ms: int) -> Json:
    """Return last-price candles; the last one is still running."""
    market, interval = _market(tape, query), _interval(query)
    bars = tape.candles(market.pair, interval, _window(query, now_ms, limit=500, most=1500))
    return [_kline(market, *row, step_ms=bars.step_ms) for row in zip(bars.time_ms, bars.ohlcv, strict=True)]


def mark_price_klines(tape: Tape, query: Query, now_ms: int) -> Json:
    """Return mark-price candles; the last one is still running."""
    market, interval = _market(tape, query), _interval(query)
    bars = tape.mark_candles(market.pair, interval, _window(query, now_ms, limit=500, most=1500))
    return [_kline(market, *row, step_ms=bars.step_ms) for row in zip(bars.time_ms, bars.ohlcv, strict=True)]


def funding_rate(tape: Tape, query: Query, now_ms: int) -> Json:
    """Return past funding events, of one symbol."""
    market = _market(tape, query)
    return [
        {"symbol": market.symbol, "fundingTime": time_ms, "fundingRate": f"{rate:.8f}"}
        for time_ms, rate in tape.funding(market.pair, _window(query, now_ms, limit=100, most=1000))
    ]


def depth(tape: Tape, query: Query, now_ms: int) -> Json:
    """Return the order book around the last price."""
    market = _market(tape, query)
    limit = _integer(query, "limit", default=500)
    bids, asks = ladder(tape.price(market.pair, now_ms), market, levels=min(max(limit, 1), 1000))
    return {"lastUpdateId": now_ms, "E": now_ms, "T": now_ms, "bids": bids, "asks": asks}


def ticker_24hr(tape: Tape, query: Query, now_ms: int) -> Json:
    """Return the last 24 hours of one symbol, or of all that traded in them."""
    rows = [row for market in _markets(tape, query) if (row := _day(tape, market, now_ms)) is not None]
    if "symbol" not in query:
        return rows
    if not rows:
        raise _RefusedError(_NO_SERVICE, f"{query['symbol']} did not trade in the last 24 hours")
    return rows[0]


def book_ticker(tape: Tape, query: Query, now_ms: int) -> Json:
    """Return the best bid and ask of one symbol, or of all that have a price now."""
    if "symbol" in query:
        market = _market(tape, query)
        return _best(market, tape.price(market.pair, now_ms), now_ms)
    rows: list[Any] = []
    for market in _markets(tape, query):
        first_ms, end_ms = tape.span_ms(market.pair)
        if first_ms <= now_ms < end_ms:
            rows.append(_best(market, tape.price(market.pair, now_ms), now_ms))
    return rows


ROUTES: dict[str, Route] = {
    f"{BASE}/exchangeInfo": exchange_info,
    f"{BASE}/time": server_time,
    f"{BASE}/klines": klines,
    f"{BASE}/markPriceKlines": mark_price_klines,
    f"{BASE}/fundingRate": funding_rate,
    f"{BASE}/depth": depth,
    f"{BASE}/ticker/24hr": ticker_24hr,
    f"{BASE}/ticker/bookTicker": book_ticker,
}


def _kline(market: Market, time_ms: Any, row: Any, *, step_ms: int) -> list[Any]:
    opened, high, low, closed = (market.price_text(float(price)) for price in row[:4])
    volume = float(row[4])
    # Number of trades and the taker's share are not in the files; nothing of freqtrade's reads them.
    return [
        int(time_ms), opened, high, low, closed, repr(volume),
        int(time_ms) + step_ms - 1, repr(volume * float(row[3])), 0, "0", "0", "0",
    ]  # fmt: skip


def _day(tape: Tape, market: Market, now_ms: int) -> dict[str, Any] | None:
    day = tape.day(market.pair, now_ms)
    if day is None:
        return None
    return {
        "symbol": market.symbol,
        "priceChange": market.price_text(day.last - day.open),
        "priceChangePercent": f"{(day.last / day.open - 1) * 100:.3f}",
        "lastPrice": market.price_text(day.last),
        "openPrice": market.price_text(day.open),
        "highPrice": market.price_text(day.high),
        "lowPrice": market.price_text(day.low),
        "volume": repr(day.volume),
        "quoteVolume": repr(day.volume * day.last),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "count": 0,
    }


def _best(market: Market, price: float, now_ms: int) -> dict[str, Any]:
    (bid, *_), (ask, *_) = ladder(price, market, levels=1)
    return {
        "symbol": market.symbol,
        "bidPrice": bid[0],
        "bidQty": bid[1],
        "askPrice": ask[0],
        "askQty": ask[1],
        "time": now_ms,
    }


def _markets(tape: Tape, query: Query) -> list[Market]:
    return [_market(tape, query)] if "symbol" in query else [tape.market(pair) for pair in tape.pairs]


def _market(tape: Tape, query: Query) -> Market:
    if "symbol" not in query:
        raise _RefusedError(_MISSING, "Mandatory parameter 'symbol' was not sent.")
    pair = tape.pair_of(query["symbol"])
    if pair is None:
        raise _RefusedError(_BAD_SYMBOL, f"Invalid symbol: no candles of {query['symbol']} are served.")
    return tape.market(pair)


def _interval(query: Query) -> str:
    interval = query.get("interval", "")
    if interval not in STEPS_MS:
        raise _RefusedError(_BAD_INTERVAL, f"Invalid interval {interval!r}; one of {', '.join(STEPS_MS)}.")
    return interval


def _window(query: Query, now_ms: int, *, limit: int, most: int) -> Window:
    return Window(
        now_ms=now_ms,
        limit=min(max(_integer(query, "limit", default=limit), 1), most),
        start_ms=_integer(query, "startTime") if "startTime" in query else None,
        end_ms=_integer(query, "endTime") if "endTime" in query else None,
    )


def _integer(query: Query, name: str, default: int = 0) -> int:
    text = query.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise _RefusedError(_BAD_VALUE, f"Parameter {name!r} is no integer: {text!r}.") from None
