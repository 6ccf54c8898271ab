"""The loopback exchange: candles of a datadir, served to this machine as Binance's futures exchange."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from freqfleet.clock import Clock, SystemClock, to_ms
from freqfleet.errors import ExchangeError, InputError, MarketError
from freqfleet.exchange import routes
from freqfleet.exchange.history import CandleHistory, FeatherHistory, KeptHistory
from freqfleet.exchange.hits import Hits
from freqfleet.exchange.overlay import HOST, offline_overlay
from freqfleet.exchange.server import LoopbackServer
from freqfleet.exchange.shift import DEFAULT_HOURS_LEFT, whole_days_to_now
from freqfleet.exchange.tape import Tape
from freqfleet.market.timeframes import DAY_MS

logger = logging.getLogger(__name__)

_REACH_SECONDS = 5.0


class LoopbackExchange:
    """An exchange on 127.0.0.1 for the time of a `with` block.

        with LoopbackExchange(datadir) as exchange:
            exchange.overlay()  # freqtrade config that points there
            exchange.hits()     # what was asked

    datadir : freqtrade's datadir of an exchange, for example `user_data/data/binance`.
    port : 0 takes any free one.
    shift_to_now : move the candles by whole days so that the clock falls inside them, for dry runs.
    hours_left : candles that lie ahead of the clock, at least, after such a move.
    pairs : these only; all that have candles where it is not given.

    Raises MarketError where there is no usable pair, ExchangeError where the port or the move fails.
    """

    def __init__(
        self,
        datadir: Path,
        *,
        port: int = 0,
        clock: Clock | None = None,
        shift_to_now: bool = False,
        hours_left: float = DEFAULT_HOURS_LEFT,
        pairs: Sequence[str] | None = None,
    ) -> None:
        self._clock = SystemClock() if clock is None else clock
        history = KeptHistory(FeatherHistory(datadir))
        chosen = _chosen(history, pairs)
        self.skipped = _unusable(history, chosen)
        usable = [pair for pair in chosen if pair not in self.skipped]
        if not usable:
            reasons = "; ".join(self.skipped.values())
            raise MarketError(f"no pair of {datadir} can be served: {reasons}")
        self._tape = Tape(history, pairs=usable)
        self.shift_ms = 0
        if shift_to_now:
            self.shift_ms = self._days_to_now(hours_left)
            self._tape = Tape(history, pairs=usable, shift_ms=self.shift_ms)
        self._server = LoopbackServer(port, self._answer)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """Where it listens, `http://127.0.0.1:8799`."""
        return f"http://{HOST}:{self.port}"

    @property
    def pairs(self) -> tuple[str, ...]:
        """The pairs it serves."""
        return self._tape.pairs

    def span_ms(self, pair: str) -> tuple[int, int]:
        """Return when the candles of a pair begin and end, after the move."""
        return self._tape.span_ms(pair)

    def overlay(self) -> dict[str, Any]:
        """Return the freqtrade config that points at this exchange."""
        return offline_overlay(self.port)

    def hits(self) -> Hits:
        """Return what was asked so far."""
        return self._server.counter.hits()

    def start(self) -> None:
        """Answer from now on, from threads of its own.

        Raises ExchangeError where this machine cannot reach itself, as in a fresh network namespace.
        """
        self._server.start()
        try:
            socket.create_connection((HOST, self.port), timeout=_REACH_SECONDS).close()
        except OSError as error:
            self._server.stop()
            raise ExchangeError(
                f"{HOST} does not reach itself ({error.strerror or error}); "
                "is the loopback device down? `ip link set lo up`"
            ) from None

    def stop(self) -> None:
        """Close the port; returns when every thread has ended."""
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answer(self, method: str, path: str, query: routes.Query) -> routes.Reply:
        return routes.answer(method, path, query, self._tape, to_ms(self._clock.now()))

    def _days_to_now(self, hours_left: float) -> int:
        spans = [self._tape.span_ms(pair) for pair in self._tape.pairs]
        latest = max(end_ms for _, end_ms in spans)
        # Pairs that were delisted long before the end do not set it.
        end_ms = min(end_ms for _, end_ms in spans if end_ms > latest - DAY_MS)
        first_ms = min(first_ms for first_ms, _ in spans)
        return whole_days_to_now(first_ms, end_ms, to_ms(self._clock.now()), hours_left)


def _chosen(history: CandleHistory, pairs: Sequence[str] | None) -> list[str]:
    known = list(history.pairs())
    strangers = sorted(set(pairs or ()) - set(known))
    if strangers:
        raise InputError(f"no candles of {', '.join(strangers)}; there are: {', '.join(known)}")
    return known if pairs is None else sorted(set(pairs))


def _unusable(history: CandleHistory, pairs: Sequence[str]) -> dict[str, str]:
    """Return the pairs whose files cannot be used, with the reasons, which are logged too."""
    skipped: dict[str, str] = {}
    for pair in pairs:
        try:
            for timeframe in history.timeframes(pair):
                history.last_price(pair, timeframe)
            history.mark_price(pair)
            history.funding(pair)
        except MarketError as error:
            skipped[pair] = str(error)
            logger.warning("%s is not served: %s", pair, error)
    return skipped
