"""`freqfleet kill-switch`: what is ordered is what bots read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.domain.kill_switch import EquityMark, KillState
from freqfleet.store.fleet_state import EquityReport, FleetState

Run = Callable[..., tuple[int, str, str]]


def test_an_order_is_there_for_bots_to_read_and_clear_ends_it(run: Run, userdir: Path) -> None:
    state = FleetState(userdir / "fleet_state")

    first = run("kill-switch", "set", "yellow", "--reason", "exchange maintenance")
    second = run("kill-switch", "set", "RED", "--bot", "BOT2")
    ordered = state.orders()
    cleared = run("kill-switch", "clear")

    assert [code for code, _, _ in (first, second, cleared)] == [0, 0, 0]
    assert first[1] == "fleet is ordered YELLOW: exchange maintenance; bots take it up within seconds\n"
    assert {scope: one.state for scope, one in ordered.items()} == {
        "fleet": KillState.YELLOW,
        "BOT2": KillState.RED,
    }
    assert state.orders()["fleet"].state is KillState.GREEN
    assert state.orders()["BOT2"].state is KillState.RED
    assert cleared[1].splitlines() == [
        "the order of fleet is ended, its equity peak begins anew; bots take it up within seconds",
        "BOT2 stays RED: by hand; `freqfleet kill-switch clear --bot BOT2` ends that",
    ]
    shown = run("kill-switch", "show")[1].splitlines()
    assert shown[0].startswith("fleet    GREEN, cleared 20")
    assert shown[2].startswith("BOT2     RED, ordered 20")


def test_show_says_what_holds_and_how_far_each_bot_is_below_its_peak(run: Run, userdir: Path) -> None:
    mark = EquityMark(equity_quote=890.0, peak_quote=1_000.0, latched=True)
    report = EquityReport(mark=mark, at=datetime(2025, 10, 1, tzinfo=UTC))
    FleetState(userdir / "fleet_state").report("BOT1", report)

    code, out, _ = run("kill-switch", "show")
    data = json.loads(run("kill-switch", "show", "--json", "-")[1])

    assert code == 0
    assert "fleet    GREEN, nothing was ordered" in out
    assert "equity 890.00, 11.0% below its peak, RED until it is cleared" in out
    assert "YELLOW at 5%, RED at 10%" in out
    assert data["orders"] == {}
    assert data["bots"]["BOT1"]["latched"] is True


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("set", "amber"), "a kill switch is GREEN, YELLOW or RED, was 'amber'"),
        (("set", "green"), "GREEN is the absence of an order; use `freqfleet kill-switch clear`"),
        (("set", "RED", "--bot", "BOT9"), "no bot 'BOT9'; fleet.toml knows BOT1, BOT2, BOT3"),
    ],
)
def test_a_wrong_order_is_refused_and_nothing_is_written(
    run: Run, userdir: Path, arguments: tuple[str, ...], told: str
) -> None:
    code, _, err = run("kill-switch", *arguments)

    assert (code, err) == (2, f"freqfleet: {told}\n")
    assert not (userdir / "fleet_state").exists()


def test_orders_that_cannot_be_read_are_named(run: Run, userdir: Path) -> None:
    (userdir / "fleet_state").mkdir()
    (userdir / "fleet_state" / "orders.json").write_text("[]")

    code, _, err = run("kill-switch", "show")

    assert code == 3
    assert "orders.json cannot be read (it is no JSON object); correct or delete it" in err
