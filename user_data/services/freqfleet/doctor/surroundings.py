"""Are the candles and the learning store there?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from freqfleet.clock import Clock, human_age, iso
from freqfleet.doctor.findings import Finding, fail, failed, note, ok
from freqfleet.errors import FreqfleetError
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import FLEET_FILE, USERDIR_NAME, Settings
from freqfleet.store.deadline_store import DeadlineStore
from freqfleet.store.promise import Capabilities, StoreHealth
from freqfleet.wiring import open_store, sqlite_store_file

CLOCK_OFFSET_SECONDS = 30.0


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Say where the settings come from; they could be read, or there would be none."""
    file = settings.userdir / FLEET_FILE
    if file.is_file():
        yield ok("settings", str(file))
    else:
        remedy = f"`freqfleet init --userdir {settings.userdir}` puts one there"
        yield note("settings", f"no {file}, so the defaults hold", remedy)


def check_candles(settings: Settings) -> Iterator[Finding]:
    """Check that there are candles to learn from."""
    try:
        pairs = CandleFiles(settings.datadir, settings.market.timeframe).pairs()
    except FreqfleetError as error:
        yield failed("candles", error, remedy="freqtrade download-data, or set [market] datadir")
        return
    yield ok("candles", f"{len(pairs)} pairs at {settings.datadir}; `freqfleet data check` looks inside")


def check_store(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Check that the learning store answers, and how fresh it is."""
    file = sqlite_store_file(settings)
    if file is not None and not file.exists():
        yield _not_there(file)
        return
    try:
        # A server that hangs must not hang the doctor, and is a finding like any other.
        store = DeadlineStore(lambda: open_store(settings), seconds=settings.store.deadline_seconds)
        try:
            health = store.health()
            store.parameter_versions()  # reading is what finds rows outside the bounds
            store.bin_records(newest_only=True)
            unusable = store.unusable_rows
        finally:
            store.close()
    except FreqfleetError as error:
        yield failed("store", error, remedy="correct [store] url, or move the file aside and sync again")
        return
    newest, now = health.last_trade_closed_at, clock.now()
    if newest is None:
        age = "no trades"
    elif newest > now:
        age = f"newest closed at {iso(newest)}, which is yet to come"
    else:
        age = f"newest closed {human_age((now - newest).total_seconds())} ago"
    yield ok("store", f"{health.description}: {health.trades} trades, {health.versions} versions, {age}")
    yield from _check_times(health, now)
    if health.capabilities is not None:
        yield from _check_capabilities(health.capabilities)
    if unusable:
        label, reason = next(iter(unusable.items()))
        count = "1 row is" if len(unusable) == 1 else f"{len(unusable)} rows are"
        yield note(
            "store rows",
            f"{count} not used; {label}: {reason}",
            "no bot reads it; `freqfleet optimize` or `params rollback` publishes sound values",
        )


def _check_times(health: StoreHealth, now: datetime) -> Iterator[Finding]:
    """A clock in the past hides what was recorded: nothing of the future is ever in force."""
    facts = {
        "a trade that closed": health.last_trade_closed_at,
        "a version that was recorded": health.last_version_recorded_at,
    }
    for what, at in facts.items():
        if at is not None and (at - now).total_seconds() > CLOCK_OFFSET_SECONDS:
            text = f"this machine says {iso(now)}, but the store holds {what} at {iso(at)}"
            yield fail("clock", text, "set this clock, or that of the machine which recorded it, by NTP")


def _not_there(file: Path) -> Finding:
    """Return the finding for a store that nobody has made yet: will `sync` be able to?"""
    text = f"no learning store at {file} yet"
    folder = file.parent
    if not folder.is_dir() and folder.name != USERDIR_NAME:  # that one is made
        return fail(
            "store", f"{text}: there is no folder {folder}", "make it, or correct --userdir or [store] url"
        )
    if folder.is_dir() and not os.access(folder, os.W_OK):
        remedy = "give it to the user that runs freqfleet, or remount the disk for writing"
        return fail("store", f"{text}: {folder} cannot be written", remedy)
    return note("store", text, "`freqfleet sync` makes it")


def _check_capabilities(can: Capabilities) -> Iterator[Finding]:
    """Say what the store's server reported, and what that keeps the fleet from doing."""
    if can.query_window is not None:
        yield note(
            "store",
            f"{can.server} answers at most {can.query_window.total_seconds() / 3600:.0f} h at once",
            "optimize needs 90 days: raise its --query-file-limit, or learn from another store",
        )
    offset = can.clock_offset_seconds
    if offset is not None and abs(offset) > CLOCK_OFFSET_SECONDS:
        yield note("store", f"the clock of {can.server} is {offset:+.0f} s off ours", "set both by NTP")


def check_clock(clock: Clock) -> Iterator[Finding]:
    """Say what time this machine believes it is; exchanges refuse orders of a wrong clock."""
    yield ok("clock", f"{iso(clock.now())}")
