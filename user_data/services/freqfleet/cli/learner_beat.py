"""The heartbeat of a learner that somebody starts when they like: no next one is promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from freqfleet.settings import Settings


def give_beat(settings: Settings, service: str, said: str) -> None:
    """Tell the dead-man timer and `doctor` that a learner lives, and what it learned.

    A folder that cannot be written is said and ends nothing: what was learned is stored already.
    """
    from freqfleet.clock import SystemClock
    from freqfleet.store.heartbeat import HEARTBEATS, beat

    folder = settings.path(HEARTBEATS)
    try:
        beat(folder, service, SystemClock().now(), None, said)
    except OSError as error:
        click.echo(f"no heartbeat, {folder}: {error.strerror}", err=True)
