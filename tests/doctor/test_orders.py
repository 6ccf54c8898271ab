from __future__ import annotations

from datetime import UTC, datetime

from freqfleet.doctor.findings import Finding, State
from freqfleet.doctor.orders import check_orders
from freqfleet.domain.kill_switch import EquityMark, KillState
from freqfleet.settings import Settings
from freqfleet.store.fleet_state import FLEET_STATE, EquityReport, FleetState, Order

NOON = datetime(2025, 11, 2, 12, tzinfo=UTC)


def told(settings: Settings) -> list[Finding]:
    return list(check_orders(settings))


def state_of(settings: Settings) -> FleetState:
    return FleetState(settings.path(FLEET_STATE))


def test_without_orders_all_is_green(settings: Settings) -> None:
    (finding,) = told(settings)

    assert (finding.state, finding.text) == (State.OK, "GREEN, nothing is ordered")


def test_an_order_is_told_with_the_command_that_ends_it_until_it_is_cleared(settings: Settings) -> None:
    state = state_of(settings)
    state.give("fleet", Order(state=KillState.YELLOW, reason="maintenance", at=NOON))
    state.give("BOT3", Order(state=KillState.RED, reason="by hand", at=NOON))

    fleet, bot = told(settings)
    for scope in ("fleet", "BOT3"):
        state.give(scope, Order(state=KillState.GREEN, reason="cleared", at=NOON))

    assert (fleet.state, fleet.text) == (
        State.NOTE,
        "fleet is YELLOW since 2025-11-02T12:00:00Z: maintenance",
    )
    assert fleet.remedy == "`freqfleet kill-switch clear`"
    assert bot.remedy == "`freqfleet kill-switch clear --bot BOT3`"
    assert [one.state for one in told(settings)] == [State.OK]


def test_a_red_that_is_latched_is_told(settings: Settings) -> None:
    mark = EquityMark(equity_quote=890.0, peak_quote=1_000.0, latched=True)
    state_of(settings).report("BOT1", EquityReport(mark=mark, at=NOON))

    (finding,) = told(settings)

    assert finding.text == "BOT1 is RED: its equity fell 11.0% below its peak"
    assert finding.remedy == "`freqfleet kill-switch clear --bot BOT1`"


def test_orders_that_cannot_be_read_fail(settings: Settings) -> None:
    folder = settings.path(FLEET_STATE)
    folder.mkdir(parents=True)
    (folder / "orders.json").write_text("{", encoding="utf-8")

    (finding,) = told(settings)

    assert finding.state is State.FAIL
    assert "orders.json cannot be read" in finding.text
