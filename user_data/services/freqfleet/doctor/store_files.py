"""What stands beside the store: outboxes, last good books, heartbeats, files moved aside, room on disk."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from freqfleet.clock import Clock, human_age
from freqfleet.doctor.findings import Finding, fail, failed, note, ok
from freqfleet.errors import SettingsError, StoreError
from freqfleet.settings import Settings
from freqfleet.store.damage import look_through
from freqfleet.store.heartbeat import HEARTBEATS, heartbeats
from freqfleet.store.last_book import LAST_BOOKS
from freqfleet.store.outbox_file import OUTBOXES, read_status
from freqfleet.wiring import LEARNERS, saved_book, sqlite_store_file

LATE_SECONDS = 3600.0  # a letter that waits longer than the longest pause between tries
LEAST_FREE_BYTES = 200_000_000
_LOOK_SECONDS = 2.0


def check_store_files(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Check everything that keeps the store's facts while it is away."""
    file = sqlite_store_file(settings)
    if file is not None and file.is_file():
        yield from _check_file(file)
    yield from _check_outboxes(settings.path(OUTBOXES), clock)
    yield from _check_books(settings, clock)
    yield from _check_heartbeats(settings.path(HEARTBEATS), clock)
    yield from _check_learner(settings, clock)
    yield from _check_room(settings.userdir)
    if file is not None and file.parent.is_dir() and not _same_disk(file.parent, settings.userdir):
        yield from _check_room(file.parent)


def _check_file(file: Path) -> Iterator[Finding]:
    for place in (file, file.parent):
        if not os.access(place, os.W_OK):
            remedy = "give it to the user that runs freqfleet, or remount the disk for writing"
            yield fail("store file", f"{place} cannot be written", remedy)
            return
    try:
        look_through(file, _LOOK_SECONDS)
    except StoreError as error:
        yield failed("store file", error, remedy="look at the file and its disk")
    for one in sorted(file.parent.glob(f"{file.name}.damaged-*Z")):
        yield note(
            "store file", f"{one} was moved aside", "keep it until the new store is whole, then delete it"
        )


def _check_outboxes(folder: Path, clock: Clock) -> Iterator[Finding]:
    for file in sorted(folder.glob("*.sqlite")) if folder.is_dir() else []:
        subject = f"outbox {file.stem}"
        try:
            status = read_status(file)
        except (sqlite3.Error, OSError) as error:
            yield fail(subject, f"{file}: {error}", "move it away; `freqfleet sync` brings what was in it")
            continue
        if status.dead_letters:
            yield note(
                subject,
                f"{status.dead_letters} dead letters, the last: {status.last_reason}",
                "mend what the reason says; the bot tries them again at its next start",
            )
        if status.oldest_queued_at is None:
            yield ok(subject, "nothing waits")
            continue
        seconds = (clock.now() - status.oldest_queued_at).total_seconds()
        text = f"{status.waiting} letters wait, the oldest for {human_age(seconds)}"
        if seconds > LATE_SECONDS:
            yield fail(subject, text, "see the store's line above; start the bot, if it is not running")
        else:
            yield note(subject, text, "they leave when the store answers")


def _check_books(settings: Settings, clock: Clock) -> Iterator[Finding]:
    folder = settings.path(LAST_BOOKS)
    for file in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        subject = f"book {file.stem}"
        try:
            saved = saved_book(settings, file.stem).load()
        except SettingsError:
            return  # the url of the store, which has a line of its own
        if saved is None:
            remedy = "delete it; the bot writes a new one when the store answers"
            yield note(subject, f"{file} is damaged or of another store, it is not used", remedy)
            continue
        seconds = (clock.now() - saved.saved_at).total_seconds()
        text = f"{len(saved.versions)} versions, read from the store {human_age(seconds)} ago"
        if seconds > settings.refresh.max_age_hours * 3600.0:
            remedy = "start the bot, or look why it cannot read the store; it trades on the defaults"
            yield note(subject, text, remedy)
        else:
            yield ok(subject, text)


def _check_heartbeats(folder: Path, clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    for one in heartbeats(folder):
        age = human_age((now - one.at).total_seconds())
        if one.is_stale(now):
            yield fail(f"service {one.service}", f"silent for {age}: {one.said}", "start it again")
        else:
            yield ok(f"service {one.service}", f"{age} ago: {one.said}")


def _check_learner(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Say what the dead-man timer of the bots makes of the learner's last heartbeat."""
    limit_hours = settings.runtime.learner_silence_hours
    if not limit_hours:
        return
    beats = [one for one in heartbeats(settings.path(HEARTBEATS)) if one.service in LEARNERS]
    if not beats:
        text = f"no heartbeat yet; the timer of {limit_hours:g} h begins with the first"
        yield note("dead-man timer", text, "start `freqfleet controller --every 30`")
        return
    newest = max(beats, key=lambda one: one.at)
    seconds = (clock.now() - newest.at).total_seconds()
    heard = f"the last heartbeat, of {newest.service}, was {human_age(seconds)} ago"
    text = f"{heard}, allowed are {limit_hours:g} h"
    if seconds > limit_hours * 3600.0:
        remedy = (
            "bots open nothing until the learner runs again: start the controller, or `freqfleet optimize`"
        )
        yield fail("dead-man timer", text, remedy)
    else:
        yield ok("dead-man timer", text)


def _same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _check_room(folder: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        text = f"{free / 1e6:.0f} MB left at {folder}"
        yield fail("disk", text, "make room: bots keep trading, but nothing can be stored")
