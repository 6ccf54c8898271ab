"""`freqfleet kill-switch`: stop the fleet or one bot from opening positions, or make it leave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation

if TYPE_CHECKING:
    from freqfleet.settings import Settings
    from freqfleet.store.fleet_state import FleetState

bot_option = click.option("--bot", metavar="BOT", help="One bot; the whole fleet where it is not given.")


@click.group("kill-switch")
def kill_switch() -> None:
    """GREEN trades, YELLOW opens nothing, RED also closes what is open.

    Bots look at it every few seconds. What an operator orders holds until `clear`.
    """


@kill_switch.command("show", short_help="Show orders, and how bots stand to their peaks.")
@json_option
@click.pass_obj
def show(invocation: Invocation, json_target: str | None) -> None:
    """Show what was ordered, and how far every bot is below its equity peak."""
    from freqfleet.clock import SystemClock, human_age, iso
    from freqfleet.domain.kill_switch import KillState

    settings = invocation.settings()
    state, now = _state(settings), SystemClock().now()
    orders, reports = state.orders(), state.reports()
    if json_target is not None:
        write_json(json_target, _values(orders, reports))
    if json_target == STDOUT:
        return
    limits = settings.kill_switch
    for scope in ("fleet", *settings.bots):
        order = orders.get(scope)
        if order is None:
            told = "GREEN, nothing was ordered"
        elif order.state is KillState.GREEN:
            told = f"GREEN, {order.reason} {iso(order.at)}"
        else:
            told = f"{order.state}, ordered {iso(order.at)}: {order.reason}"
        click.echo(f"{scope:<8} {told}")
        report = reports.get(scope)
        if report is not None:
            age = human_age((now - report.at).total_seconds())
            latched = ", RED until it is cleared" if report.mark.latched else ""
            click.echo(
                f"{'':<8} equity {report.mark.equity_quote:,.2f}, {report.mark.drawdown_ratio:.1%} below its "
                f"peak{latched}; said {age} ago"
            )
    click.echo("         the worse of fleet and bot holds")
    click.echo(
        f"limits   YELLOW at {limits.yellow_drawdown:.0%}, RED at {limits.red_drawdown:.0%} below the peak "
        "(0: off)"
    )


@kill_switch.command("set")
@click.argument("state", metavar="YELLOW|RED")
@bot_option
@click.option("--reason", default="by hand", show_default=True, help="Shown in logs and in `show`.")
@click.pass_obj
def set_(invocation: Invocation, state: str, bot: str | None, reason: str) -> None:
    """Order YELLOW (no new positions) or RED (and close the open ones)."""
    from freqfleet.domain.kill_switch import KillState, parse_kill_state
    from freqfleet.errors import InputError

    wanted = parse_kill_state(state)
    if wanted is KillState.GREEN:
        raise InputError("GREEN is the absence of an order; use `freqfleet kill-switch clear`")
    _give(invocation, bot, wanted, reason)


@kill_switch.command("clear", short_help="End an order, and a RED of a drawdown.")
@bot_option
@click.pass_obj
def clear(invocation: Invocation, bot: str | None) -> None:
    """End an order, and a RED of a drawdown: the equity peak is measured anew from now on."""
    from freqfleet.domain.kill_switch import KillState

    _give(invocation, bot, KillState.GREEN, "cleared")


def _give(invocation: Invocation, bot: str | None, state: Any, reason: str) -> None:
    from freqfleet.clock import SystemClock
    from freqfleet.doctor.orders import clear_command
    from freqfleet.domain.kill_switch import FLEET, KillState
    from freqfleet.errors import InputError
    from freqfleet.store.fleet_state import Order

    settings = invocation.settings()
    if bot is not None and bot not in settings.bots:
        raise InputError(f"no bot {bot!r}; fleet.toml knows {', '.join(settings.bots)}")
    scope = FLEET if bot is None else bot
    folder = _state(settings)
    folder.give(scope, Order(state=state, reason=reason, at=SystemClock().now()))
    if state is not KillState.GREEN:
        click.echo(f"{scope} is ordered {state}: {reason}; bots take it up within seconds")
        return
    click.echo(f"the order of {scope} is ended, its equity peak begins anew; bots take it up within seconds")
    for other, order in folder.orders().items():
        if order.state is not KillState.GREEN:
            click.echo(f"{other} stays {order.state}: {order.reason}; {clear_command(other)} ends that")


def _state(settings: Settings) -> FleetState:
    from freqfleet.store.fleet_state import FLEET_STATE, FleetState

    return FleetState(settings.path(FLEET_STATE))


def _values(orders: Any, reports: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from freqfleet.clock import iso

    return {
        "orders": {
            scope: {"state": one.state.value, "reason": one.reason, "at": iso(one.at)}
            for scope, one in orders.items()
        },
        "bots": {
            bot: {**asdict(one.mark), "drawdown_ratio": one.mark.drawdown_ratio, "at": iso(one.at)}
            for bot, one in reports.items()
        },
    }
