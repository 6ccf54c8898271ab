"""A total deadline on every call of a store, whatever its body does about timeouts.

A read timeout alone does not help against a server that sends one byte a second: each byte starts it anew.
So each call runs in a thread of its own; who asked gets StoreUnavailable when the deadline has passed, and
the late answer is thrown away. That is safe because every call of a store may be made again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LateError
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, StoreReplaced, StoreUnavailable
from freqfleet.parameters.records import RecordBook
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.digests import DayDigest
from freqfleet.store.promise import LearningStore, StoreHealth, WriteReceipt
from freqfleet.store.series import Reading, SeriesKeeper

if TYPE_CHECKING:  # NumPy, which only who learns pays for
    from freqfleet.market.trade_columns import TradeColumns

T = TypeVar("T")

_MOST_HANGING = 4  # a server that never answers must not collect threads


class DeadlineStore:
    """A LearningStore around another one, which is opened by the first call.

    It is opened anew after a late call, and where its file was replaced under it.

    seconds : how long one call may take, opening included.

    Raises StoreUnavailable where a call takes longer, and at once while too many late ones still hang.
    """

    def __init__(self, open_body: Callable[[], LearningStore], *, seconds: float) -> None:
        self._open_body = open_body
        self._seconds = seconds
        self._lock = threading.Lock()
        self._opening = threading.Lock()
        self._body: LearningStore | None = None
        self._hanging = 0
        self._closed = False

    @property
    def unusable_rows(self) -> dict[str, str]:
        """Rows that the body in use read and did not return; asks no server."""
        body = self._body
        return body.unusable_rows if body is not None else {}

    def record_closed_trades(self, trades: Sequence[ClosedTrade]) -> WriteReceipt:
        """Store closed trades, exactly once per (bot, instance, trade_id)."""
        return self._ask(lambda body: body.record_closed_trades(trades))

    def closed_trades(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> list[ClosedTrade]:
        """Return trades with closed_from <= closed_at < closed_to."""
        return self._ask(
            lambda body: body.closed_trades(
                closed_from=closed_from, closed_to=closed_to, bots=bots, pairs=pairs
            )
        )

    def trade_columns(
        self,
        *,
        closed_from: datetime | None = None,
        closed_to: datetime | None = None,
        bots: Sequence[str] | None = None,
        pairs: Sequence[str] | None = None,
    ) -> TradeColumns:
        """Return the trades of the same window, in the same order, as columns."""
        return self._ask(
            lambda body: body.trade_columns(
                closed_from=closed_from, closed_to=closed_to, bots=bots, pairs=pairs
            )
        )

    def last_recorded_close(self, bot: str) -> datetime | None:
        """Return the newest close time of a bot."""
        return self._ask(lambda body: body.last_recorded_close(bot))

    def day_digests(
        self, bot: str, *, closed_from: datetime | None = None, closed_to: datetime | None = None
    ) -> list[DayDigest]:
        """Return one digest per instance and UTC day of a bot's trades."""
        return self._ask(lambda body: body.day_digests(bot, closed_from=closed_from, closed_to=closed_to))

    def publish_parameters(self, versions: Sequence[ParameterVersion]) -> WriteReceipt:
        """Append versions."""
        return self._ask(lambda body: body.publish_parameters(versions))

    def parameter_versions(self, *, recorded_to: datetime | None = None) -> list[ParameterVersion]:
        """Return every version recorded up to and including `recorded_to`."""
        return self._ask(lambda body: body.parameter_versions(recorded_to=recorded_to))

    def parameters_in_force(self, at: datetime) -> list[ParameterVersion]:
        """Return for each key the champion or retirement that took effect last by `at`."""
        return self._ask(lambda body: body.parameters_in_force(at))

    def parameter_history(self, pair: str, side: Side | None = None) -> list[ParameterVersion]:
        """Return the versions of one pair, oldest first."""
        return self._ask(lambda body: body.parameter_history(pair, side))

    def record_bins(self, records: Sequence[BinRecord]) -> WriteReceipt:
        """Store what is known of leverage bins."""
        return self._ask(lambda body: body.record_bins(records))

    def bin_records(
        self, *, recorded_to: datetime | None = None, newest_only: bool = False
    ) -> list[BinRecord]:
        """Return every record up to and including `recorded_to`."""
        return self._ask(lambda body: body.bin_records(recorded_to=recorded_to, newest_only=newest_only))

    def record_book(self) -> RecordBook:
        """Return a book of every record."""
        return self._ask(lambda body: body.record_book())

    def record_series(self, name: str, at: datetime, values: Mapping[str, float]) -> WriteReceipt:
        """Store one number a key for the time `at`; raises InputError where the body keeps no series."""
        return self._ask(lambda body: _keeper(body).record_series(name, at, values))

    def series(
        self, name: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[Reading]:
        """Return the numbers with since <= at < until; raises InputError where the body keeps no series."""
        return self._ask(lambda body: _keeper(body).series(name, since=since, until=until))

    def health(self) -> StoreHealth:
        """Ask the store how it is."""
        return self._ask(lambda body: body.health())

    def close(self) -> None:
        """Close the body, unless a late call still holds it: that one closes it when it comes back."""
        with self._lock:
            self._closed = True
            body, self._body = self._body, None
        if body is not None:
            body.close()

    def _ask(self, call: Callable[[LearningStore], T]) -> T:
        with self._lock:
            if self._closed:
                raise StoreUnavailable("the learning store was closed; open it again")
            if self._hanging >= _MOST_HANGING:
                raise StoreUnavailable(
                    f"the learning store hangs: {self._hanging} earlier calls have not come back; "
                    "check the server, or restart it"
                )
            body, opening = self._body, self._opening
        answer: Future[T] = Future()
        late = threading.Event()
        thread = threading.Thread(
            target=self._run,
            args=(call, body, opening, answer, late),
            name="freqfleet-store-call",
            daemon=True,
        )
        thread.start()
        try:
            return answer.result(timeout=self._seconds)
        except LateError:
            if not self._gave_up(opening, late, answer):  # it came back at the last moment
                return answer.result()
            raise StoreUnavailable(
                f"the learning store did not answer within {self._seconds:g} s; check the server and the "
                "network, or raise [store] deadline_seconds"
            ) from None

    def _gave_up(self, opening: threading.Lock, late: threading.Event, answer: Future[T]) -> bool:
        """Leave a call alone: its body is not used again. False where the answer is there after all."""
        with self._lock:
            if answer.done():
                return False
            if self._opening is opening:
                self._body, self._opening = None, threading.Lock()
            self._hanging += 1
            late.set()
            return True

    def _run(
        self,
        call: Callable[[LearningStore], T],
        body: LearningStore | None,
        opening: threading.Lock,
        answer: Future[T],
        late: threading.Event,
    ) -> None:
        used = body
        try:
            used = used or self._opened(opening, late)
            answer.set_result(call(used))
        except StoreReplaced as error:
            self._forget(used)
            answer.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked
            answer.set_exception(error)
        finally:
            with self._lock:
                was_late = late.is_set()
                if was_late:
                    self._hanging -= 1
            if was_late and used is not None:
                used.close()

    def _forget(self, body: LearningStore | None) -> None:
        """Close a body that will never answer again; the next call opens another one."""
        with self._lock:
            if self._body is body:
                self._body = None
        if body is not None:
            body.close()

    def _opened(self, opening: threading.Lock, late: threading.Event) -> LearningStore:
        """Return the body in use, opened once however many calls come at once."""
        with opening:
            if self._body is not None and opening is self._opening:
                return self._body
            body = self._open_body()
            with self._lock:
                if not late.is_set() and not self._closed and opening is self._opening:
                    self._body = body
            return body


def _keeper(body: LearningStore) -> SeriesKeeper:
    if not isinstance(body, SeriesKeeper):
        raise InputError("this learning store keeps no series")
    return body
