"""`freqfleet doctor`: one line a finding, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from freqfleet.cli.json_target import json_option, write_json
from freqfleet.cli.program import Invocation

if TYPE_CHECKING:
    from freqfleet.doctor.findings import Finding

_MARKS = {"ok": ("ok  ", "green"), "note": ("note", "yellow"), "fail": ("FAIL", "red")}


@click.command()
@json_option
@click.pass_obj
def doctor(invocation: Invocation, json_target: str | None) -> None:
    """Check versions, configs, databases, candles, store, clock and exchange; ends with 1 on a FAIL."""
    findings = list(_findings(invocation))
    if json_target is not None:
        rows = [
            {"subject": one.subject, "state": one.state.value, "text": one.text, "remedy": one.remedy}
            for one in findings
        ]
        write_json(json_target, {"findings": rows})
    else:
        for one in findings:
            mark, colour = _MARKS[one.state.value]
            click.echo(f"{click.style(mark, fg=colour)} {one.subject}: {one.text}" + _remedy(one))
    if any(one.state.value == "fail" for one in findings):
        raise click.exceptions.Exit(1)


def _remedy(finding: Finding) -> str:
    return f" -> {finding.remedy}" if finding.remedy else ""


def _findings(invocation: Invocation) -> Iterator[Finding]:
    from freqfleet.clock import SystemClock
    from freqfleet.doctor.exchange import check_exchange
    from freqfleet.doctor.findings import fail, failed
    from freqfleet.doctor.orders import check_orders
    from freqfleet.doctor.store_files import check_store_files
    from freqfleet.doctor.surroundings import check_candles, check_clock, check_settings, check_store
    from freqfleet.doctor.versions import check_versions
    from freqfleet.errors import SettingsError

    clock = SystemClock()
    yield from check_versions()
    try:
        settings = invocation.settings()
    except SettingsError as error:
        yield failed("settings", error, remedy="correct it; the other checks need the settings")
        return
    yield from check_settings(settings)
    try:
        from freqfleet.doctor.bots import check_bots
    except ImportError as error:  # looking for a broken installation is what people run this for
        yield fail("bots", f"not checked: {error}", "install freqfleet again, with its dependencies")
    else:
        yield from check_bots(settings)
    yield from check_candles(settings)
    yield from check_store(settings, clock)
    yield from check_store_files(settings, clock)
    yield from check_orders(settings)
    yield from check_clock(clock)
    yield from check_exchange(settings)
