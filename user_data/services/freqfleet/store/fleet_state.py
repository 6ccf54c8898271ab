"""What operators and bots tell one another beside the market: orders, equity, in small files.

A folder below the userdir (`user_data/fleet_state`): `orders.json` holds what an operator ordered and is
written by `freqfleet kill-switch`; `<bot>.equity.json` is written by that bot alone. Every file is replaced
whole. Bots on other machines share it where the userdir is shared; they never need it to close a position.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from freqfleet.clock import parse_time
from freqfleet.domain.kill_switch import EquityMark, KillState, parse_kill_state
from freqfleet.errors import FreqfleetError, InputError, StoreUnavailable
from freqfleet.store.whole_file import write_whole

FLEET_STATE = Path("user_data") / "fleet_state"
_ORDERS = "orders.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operator ordered for a bot or the fleet. GREEN is a `clear`: it also ends a latched RED."""

    state: KillState
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityReport:
    """What a bot last said of its equity, in stake currency, and the peak it measures from.

    fleet, fleet_members : the same for the sum of the equities of these bots, as this one has seen it.
    """

    mark: EquityMark
    at: datetime
    fleet: EquityMark | None = None
    fleet_members: tuple[str, ...] = ()


class FleetState:
    """The folder. Reading returns nothing where there is nothing.

    Failure: *unavailable* (StoreUnavailable) where a file cannot be read, understood or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def orders(self) -> dict[str, Order]:
        """Return the operator's orders by scope: `fleet` or a bot's name."""
        try:
            return {
                scope: Order(
                    state=parse_kill_state(one["state"]), reason=str(one["reason"]), at=parse_time(one["at"])
                )
                for scope, one in self._read(_ORDERS).items()
            }
        except (KeyError, TypeError, AttributeError, InputError) as error:
            raise self._unreadable(_ORDERS, error) from None

    def give(self, scope: str, order: Order) -> None:
        """Replace the order of one scope."""
        listed = {**self.orders(), scope: order}
        self._write(
            _ORDERS,
            {
                name: {"state": one.state.value, "reason": one.reason, "at": one.at.isoformat()}
                for name, one in listed.items()
            },
        )

    def report(self, bot: str, report: EquityReport) -> None:
        """Replace what a bot says of its equity."""
        values = {
            "mark": asdict(report.mark),
            "at": report.at.isoformat(),
            "fleet": asdict(report.fleet) if report.fleet is not None else None,
            "fleet_members": list(report.fleet_members),
        }
        self._write(f"{bot}.equity.json", values)

    def last_report(self, bot: str) -> EquityReport | None:
        """Return what one bot last said of its equity, whatever the others' files hold; None for nothing."""
        name = f"{bot}.equity.json"
        return self._report(name) if (self.folder / name).exists() else None

    def reports(self) -> dict[str, EquityReport]:
        """Return what every bot last said of its equity."""
        suffix = ".equity.json"
        files = sorted(self.folder.glob(f"*{suffix}")) if self.folder.is_dir() else []
        return {file.name.removesuffix(suffix): self._report(file.name) for file in files}

    def _report(self, name: str) -> EquityReport:
        values = self._read(name)
        try:
            return EquityReport(
                mark=EquityMark(**values["mark"]),
                at=parse_time(values["at"]),
                fleet=EquityMark(**values["fleet"]) if values["fleet"] is not None else None,
                fleet_members=tuple(values["fleet_members"]),
            )
        except (KeyError, TypeError, InputError) as error:
            raise self._unreadable(name, error) from None

    def _read(self, name: str) -> dict[str, Any]:
        try:
            values = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._unreadable(name, error) from None
        if not isinstance(values, dict):
            raise self._unreadable(name, InputError("it is no JSON object"))
        return values

    def _unreadable(self, name: str, error: Exception) -> FreqfleetError:
        return StoreUnavailable(f"{self.folder / name} cannot be read ({error}); correct or delete it")

    def _write(self, name: str, values: Mapping[str, Any]) -> None:
        try:
            write_whole(self.folder / name, json.dumps(values, indent=2) + "\n")
        except OSError as error:
            raise StoreUnavailable(f"{self.folder / name} cannot be written: {error.strerror}") from None
