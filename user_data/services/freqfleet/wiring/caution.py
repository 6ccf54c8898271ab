"""What keeps a bot from opening positions, or closes them: guards, breakers, the kill switch."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from freqfleet.clock import SystemClock
from freqfleet.settings import Settings
from freqfleet.store.fleet_state import FLEET_STATE
from freqfleet.store.heartbeat import HEARTBEATS, heartbeats

if TYPE_CHECKING:
    from freqfleet.runtime.caution import Caution
    from freqfleet.runtime.switchboard import Switchboard

_ORDERS_EVERY = timedelta(seconds=5)
LEARNERS = frozenset({"controller", "optimize"})  # whose heartbeat the dead-man timer hears


def caution_of(
    bot: str,
    settings: Settings,
    protections: Iterable[dict[str, Any]],
    *,
    trading: bool,
    guarded: bool,
) -> Caution:
    """Return what may refuse an entry. guarded : protections count, as freqtrade was told."""
    from freqfleet.runtime.breakers import Breakers
    from freqfleet.runtime.caution import Caution
    from freqfleet.runtime.stop_guard import stop_guard_rules

    breakers = settings.breakers
    breaking = guarded and breakers.enabled
    return Caution(
        stop_guard=stop_guard_rules(protections, timeframe_minutes=5) if guarded else (),
        breakers=Breakers(
            daily_loss_ratio=breakers.daily_loss or None,
            consecutive_losses=breakers.consecutive_losses or None,
            trades_per_day=breakers.trades_per_day or None,
        )
        if breaking
        else None,
        # A backtest knows no operator and no other bots; it measures its own drawdown where breakers are on.
        switchboard=_switchboard(bot, settings, trading=trading) if trading or breaking else None,
        entries_when_degraded=settings.runtime.entries_when_degraded,
        book_max_age=timedelta(hours=settings.refresh.max_age_hours) if trading else None,
    )


def _switchboard(bot: str, settings: Settings, *, trading: bool) -> Switchboard:
    from freqfleet.runtime.switchboard import Switchboard
    from freqfleet.store.fleet_state import FleetState

    hours = settings.runtime.learner_silence_hours

    def last_beat() -> datetime | None:
        beats = (one.at for one in heartbeats(settings.path(HEARTBEATS)) if one.service in LEARNERS)
        return max(beats, default=None)

    board = Switchboard(
        bot,
        limits=settings.kill_switch.limits(),
        clock=SystemClock(),
        state=FleetState(settings.path(FLEET_STATE)) if trading else None,
        last_beat=last_beat,
        silence_limit=timedelta(hours=hours) if hours else None,
        refresh_every=_ORDERS_EVERY if trading else None,
    )
    board.start()
    return board


def protections_by_host(settings: Settings) -> tuple[dict[str, Any], ...]:
    """Return the breakers that freqtrade serves itself, as its `protections`."""
    from freqfleet.runtime.breakers import host_protections

    breakers = settings.breakers
    if not breakers.enabled:
        return ()
    return tuple(
        host_protections(cooldown_minutes=breakers.cooldown_minutes, drawdown_ratio=breakers.drawdown)
    )
