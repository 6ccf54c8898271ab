"""What keeps bots from opening positions: an operator's order, a RED that is latched."""

from __future__ import annotations

from collections.abc import Iterator

from freqfleet.clock import iso
from freqfleet.doctor.findings import Finding, failed, note, ok
from freqfleet.domain.kill_switch import FLEET, KillState
from freqfleet.errors import StoreUnavailable
from freqfleet.settings import Settings
from freqfleet.store.fleet_state import FLEET_STATE, FleetState


def check_orders(settings: Settings) -> Iterator[Finding]:
    """Say which orders of the kill switch are in force; a fleet that opens nothing is no mystery then."""
    state = FleetState(settings.path(FLEET_STATE))
    try:
        orders, reports = state.orders(), state.reports()
    except StoreUnavailable as error:
        yield failed("kill switch", error, remedy="the last orders that a bot has read stay in force")
        return
    quiet = True
    for scope, order in orders.items():
        if order.state is not KillState.GREEN:
            quiet = False
            text = f"{scope} is {order.state} since {iso(order.at)}: {order.reason}"
            yield note("kill switch", text, clear_command(scope))
    for bot, report in reports.items():
        if report.mark.latched:
            quiet = False
            text = f"{bot} is RED: its equity fell {report.mark.drawdown_ratio:.1%} below its peak"
            yield note("kill switch", text, clear_command(bot))
    if quiet:
        yield ok("kill switch", "GREEN, nothing is ordered")


def clear_command(scope: str) -> str:
    """Return the command that ends an order of the fleet or a bot."""
    return "`freqfleet kill-switch clear" + ("`" if scope == FLEET else f" --bot {scope}`")
