"""Standings: the daily record of every pair side between runs, so that looking every day costs nothing.

A test that is repeated on almost the same trades and acted on when it first passes finds something in every
second empty pair within weeks. So each run books, day by day, what its candidate of that day earned over
what was in force, in a paper account (`freqfleet.validation.paper_account`); the account may be looked at at
any time. A second account bets that what was replaced earns more than what is in force.

A day is booked once every position of it has lived through its replay window. It is judged by the candidate
that an earlier day had chosen, never by a later one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from freqfleet.domain.exit_plan import read_exit_parameters
from freqfleet.domain.exits import VOLATILITY_FACTOR_BOUNDS, ExitParameters
from freqfleet.errors import InputError, ParameterError
from freqfleet.learning.candidacy import Candidacy
from freqfleet.learning.cells import Cells
from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.store.whole_file import write_whole
from freqfleet.validation.folds import DAY_MS
from freqfleet.validation.paper_account import PaperAccount, Standing
from freqfleet.validation.selection import KEEP

STANDINGS_FILE = Path("user_data") / "optimizer" / "standings.json"
# Of runs over ways to follow the path: accounts on other cells, so neither kind of run starts the other anew.
PATH_STANDINGS_FILE = Path("user_data") / "optimizer" / "standings-managed.json"
SCHEMA = 1
# Estimating a spread from fewer earlier trades would stake on noise.
FEWEST_EARLIER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a run believed in. from_day : the first day that it is bet on, the day after the run.

    edge, variance : of one trade's improvement, position-level ratio and its square.
    """

    from_day: int
    cell: int
    edge: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The record of one pair side. booked_until : the last day that was booked, or could not be.

    in_force : the exits that both accounts compare with; others start a new record.
    """

    in_force: ExitParameters
    standing: Standing = field(default_factory=Standing)
    choices: tuple[Choice, ...] = ()
    booked_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What was kept. records : by pair side. dropped : how many of another lattice are of no use now."""

    records: dict[str, Record] = field(default_factory=dict)
    dropped: int = 0

    @property
    def loss(self) -> str | None:
        """What a person should be told; None where nothing was dropped."""
        if not self.dropped:
            return None
        return f"{self.dropped} paper accounts were kept on another lattice of exits; they start anew"


class Standings(Protocol):
    """Where records are kept between runs."""

    def read(self, lattice: Cells) -> Remembered:
        """Return the records made on this lattice: the cells of another one are other exits."""
        ...

    def write(self, records: Mapping[str, Record], lattice: Cells) -> None:
        """Replace the records."""
        ...


class StandingsInMemory:
    """Records for as long as the program runs."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._signature = ""

    def read(self, lattice: Cells) -> Remembered:
        """Return them."""
        if self._signature != lattice.signature:
            return Remembered(dropped=len(self._records))
        return Remembered(records=dict(self._records))

    def write(self, records: Mapping[str, Record], lattice: Cells) -> None:
        """Keep them."""
        self._records, self._signature = dict(records), lattice.signature


class StandingsFile:
    """Records in one JSON file, always whole: written beside it and renamed into place."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self, lattice: Cells) -> Remembered:
        """Return the records; none where there is no file, or one of another lattice.

        Raises InputError for a file that is not ours or was damaged; it is left as it is.
        """
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
            if document["schema"] != SCHEMA:
                raise InputError(f"schema {document['schema']!r}, this program reads {SCHEMA}")
            if document["lattice"] != lattice.signature:
                return Remembered(dropped=len(document["records"]))
            return Remembered(records={key: _record(row) for key, row in document["records"].items()})
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, TypeError, KeyError, InputError, ParameterError) as error:
            raise InputError(
                f"{self.file} cannot be read ({error}); move it away, and the paper accounts start anew"
            ) from None

    def write(self, records: Mapping[str, Record], lattice: Cells) -> None:
        """Replace the file; raises InputError where it cannot be written."""
        document = {
            "schema": SCHEMA,
            "lattice": lattice.signature,
            "records": {key: _row(record) for key, record in sorted(records.items())},
        }
        try:
            write_whole(self.file, json.dumps(document, indent=1, allow_nan=False))
        except OSError as error:
            raise InputError(f"cannot write {self.file}: {error.strerror or error}") from None


def brought_up_to_date(
    record: Record | None, candidacy: Candidacy, lattice: Cells, *, as_of_ms: int, is_default: bool
) -> Record:
    """Return the record with every day booked that is over at `as_of_ms`.

    is_default : what is in force are the defaults; there is then nothing that could be retracted.
    """
    today = as_of_ms // DAY_MS
    if record is None or record.in_force != candidacy.incumbent:
        changed = Standing() if record is None else _changed(today, is_default=is_default)
        if record is None and not is_default:
            changed = replace(changed, mirrored=PaperAccount())
        return Record(in_force=candidacy.incumbent, standing=changed, booked_until=today)
    over = _last_day_that_is_over(candidacy, as_of_ms)
    days = candidacy.entered_ms // DAY_MS
    standing = record.standing
    for day in np.unique(days[(days > (record.booked_until or 0)) & (days <= over)]).tolist():
        standing = _booked(standing, day, days == day, record, candidacy, lattice)
    return replace(record, standing=standing, booked_until=max(record.booked_until or 0, over))


def with_choice(record: Record, choice: Choice) -> Record:
    """Return the record with a candidate for the days to come; what no day needs any more is dropped."""
    needed = record.booked_until or 0
    kept = [one for one in record.choices if one.from_day < choice.from_day]
    while len(kept) > 1 and kept[1].from_day <= needed + 1:
        kept.pop(0)
    return replace(record, choices=(*kept, choice))


def _changed(today: int, *, is_default: bool) -> Standing:
    return Standing().retracted(today) if is_default else Standing().published(today)


def _last_day_that_is_over(candidacy: Candidacy, as_of_ms: int) -> int:
    longest = int((candidacy.window_end_ms - candidacy.entered_ms).max())
    return (as_of_ms - longest) // DAY_MS - 1


def _booked(
    standing: Standing,
    day: int,
    mine: BoolArray,
    record: Record,
    candidacy: Candidacy,
    lattice: Cells,
) -> Standing:
    in_force = candidacy.incumbent_profit
    choice = next((one for one in reversed(record.choices) if one.from_day <= day), None)
    candidate = standing.candidate
    if choice is not None:
        exits = record.in_force
        gains = np.zeros(int(mine.sum()))
        if choice.cell != KEEP:
            exits = lattice.exits_of(candidacy, choice.cell)
            gains = (lattice.profits_of(candidacy, choice.cell) - in_force)[mine]
        candidate = candidate.booked(
            day,
            gains,
            edge=choice.edge,
            variance=choice.variance,
            worst_loss=_worst_loss(exits, record.in_force),
        )
    mirrored = standing.mirrored
    if mirrored is not None:
        back = candidacy.fallback_profit - in_force
        began_ms = (standing.changed_day or 0) * DAY_MS  # before that it was learned from
        known = (candidacy.entered_ms >= began_ms) & (candidacy.window_end_ms <= day * DAY_MS)
        edge, variance = _estimated(back[known])
        mirrored = mirrored.booked(
            day,
            back[mine],
            edge=edge,
            variance=variance,
            worst_loss=_worst_loss(candidacy.fallback, record.in_force),
        )
    return replace(standing, candidate=candidate, mirrored=mirrored)


def _worst_loss(mine: ExitParameters, other: ExitParameters) -> float:
    """Return what `mine` loses to `other` at most: its own stop, where the other meets its target."""
    widest = VOLATILITY_FACTOR_BOUNDS[1]
    stop = -mine.stop_loss * widest**mine.volatility_scaling
    return float(stop + other.take_profit * widest**other.volatility_scaling)


def _estimated(earlier: FloatArray) -> tuple[float, float]:
    if len(earlier) < FEWEST_EARLIER:
        return 0.0, 0.0
    return float(earlier.mean()), float(earlier.var())


def _row(record: Record) -> dict[str, Any]:
    return {
        "in_force": record.in_force.to_dict(),
        "standing": record.standing.to_row(),
        "choices": [[one.from_day, one.cell, one.edge, one.variance] for one in record.choices],
        "booked_until": record.booked_until,
    }


def _record(row: Mapping[str, Any]) -> Record:
    return Record(
        in_force=read_exit_parameters(row["in_force"]),
        standing=Standing.from_row(row["standing"]),
        choices=tuple(
            Choice(from_day=int(day), cell=int(cell), edge=float(edge), variance=float(variance))
            for day, cell, edge, variance in row["choices"]
        ),
        booked_until=None if row["booked_until"] is None else int(row["booked_until"]),
    )
