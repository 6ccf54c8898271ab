"""ReportCard: everything the report of one optimizer run shows, as frozen values.

Whoever runs the optimizer fills these; nothing here knows HTML. `card_json` writes the same object that the
page shows. Ratios are fractions and position-level (0.03 is 3 % on price), `*_bps` are basis points a trade,
times are aware and UTC, None means not measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from freqfleet.clock import iso
from freqfleet.domain.decisions import Decision, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.known import known
from freqfleet.errors import InputError
from freqfleet.market.arrays import BoolArray, FloatArray
from freqfleet.report.card_surface import pooled
from freqfleet.validation.monte_carlo import MonteCarlo
from freqfleet.validation.overfitting import DeflatedSharpe, Overfitting

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedGate:
    """What the simplest gate would have done: learn on the first 70 % of the trades, publish if the last
    30 % earned anything with what was found.

    test_profit_bps : their mean net profit a trade; None where there were none. test_trades : how many.
    """

    publishes: bool
    test_profit_bps: float | None
    test_trades: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Surface:
    """The mean net profit of every stop and target, each with the best of the other axes.

    stop_losses : falling, the nearest first; (S,). take_profits : rising; (T,).
    profit_bps : over all trades by the weights of the search, NaN where the cell breaks a constraint;
        (S, T).
    plateau : the cells that the choice is one of, e.g. within one standard error; (S, T), or None.

    Raises InputError where shapes do not fit or an axis is empty.
    """

    stop_losses: tuple[float, ...]
    take_profits: tuple[float, ...]
    profit_bps: FloatArray
    plateau: BoolArray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.stop_losses), len(self.take_profits))
        if 0 in shape or self.profit_bps.shape != shape:
            raise InputError(f"profit_bps must be {shape} and not empty, was {self.profit_bps.shape}")
        if self.plateau is not None and self.plateau.shape != shape:
            raise InputError(f"plateau must be {shape}, was {self.plateau.shape}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairCard:
    """One pair and side.

    decision : verdict, reason, parameters and evidence.
    candidate : what the search chose, whether it was published or not; None where nothing was searched.
    incumbent : what was in force; None where it was not looked up. incumbent_name : `default`, or its source.
    incumbent_profit_bps : its mean over the trades of the surface.
    surface : None where nothing was searched. seed_gate : None where it could not have judged either.
    monte_carlo : of the held-out returns with what is in force after the run.
    overfitting, sharpe : for information; no decision depends on them.
    """

    decision: Decision
    incumbent: ExitParameters | None
    incumbent_name: str
    candidate: ExitParameters | None = None
    incumbent_profit_bps: float | None = None
    surface: Surface | None = None
    seed_gate: SeedGate | None = None
    monte_carlo: MonteCarlo | None = None
    overfitting: Overfitting | None = None
    sharpe: DeflatedSharpe | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelStep:
    """How many pairs and sides came this far. name : in words, `at least 60 trades`."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyTest:
    """The pooled test of one group that was fixed in advance. fires : p_value is below the bar."""

    name: str
    members: int
    trades: int
    improvement_bps: float | None
    standard_error_bps: float | None
    t_value: float | None
    effective_df: float | None
    p_value: float | None
    fires: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayLine:
    """How far later trades fall behind what was published. name : `all pairs`, or a pair and side.

    z : in standard errors, above 0 is worse than before. trades : the later ones.
    """

    name: str
    trades: int
    z: float | None
    p_value: float | None
    flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReportCard:
    """One optimizer run.

    pairs : one for every pair and side that was asked for, also when skipped.
    costs : in words, `0.05 % a side, 0.02 % slippage, funding from history`.
    notes : everything that was skipped, dropped or replaced by a default, one sentence each.
    commands : the command lines that make this report again.
    """

    run_id: str
    as_of: datetime
    created_at: datetime
    search: str
    candidates: int
    elapsed_seconds: float
    dry_run: bool
    defaults: ExitParameters
    costs: str
    pairs: tuple[PairCard, ...]
    funnel: tuple[FunnelStep, ...] = ()
    families: tuple[FamilyTest, ...] = ()
    decay: tuple[DecayLine, ...] = ()
    notes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    def verdicts(self) -> dict[Verdict, int]:
        """Return how many decisions each verdict has, all four of them."""
        counts = Counter(one.decision.verdict for one in self.pairs)
        return {verdict: counts[verdict] for verdict in Verdict}

    def seed_publishes(self, pairs: Sequence[PairCard] | None = None) -> int:
        """Return how many the simplest gate would have published, of `pairs` or of all."""
        chosen = self.pairs if pairs is None else pairs
        return sum(one.seed_gate is not None and one.seed_gate.publishes for one in chosen)


def card_json(card: ReportCard) -> dict[str, Any]:
    """Return the card as plain values for JSON: `schema` 1, the fields, and what follows from them.

    A number that JSON cannot hold (NaN, infinity) becomes null, as what was not measured is. Surfaces are
    pooled to the size the page shows, in tenths of a basis point.
    """
    return {
        "schema": SCHEMA,
        "run_id": card.run_id,
        "as_of": iso(card.as_of),
        "created_at": iso(card.created_at),
        "search": card.search,
        "candidates": card.candidates,
        "elapsed_seconds": round(card.elapsed_seconds, 3),
        "dry_run": card.dry_run,
        "costs": card.costs,
        "defaults": card.defaults.to_dict(),
        "verdicts": {verdict.value: count for verdict, count in card.verdicts().items()},
        "seed_gate_publishes": card.seed_publishes(),
        "funnel": [asdict(one) for one in card.funnel],
        "families": [_plain(asdict(one)) for one in card.families],
        "decay": [_plain(asdict(one)) for one in card.decay],
        "notes": list(card.notes),
        "commands": list(card.commands),
        "pairs": [_pair_json(one) for one in card.pairs],
    }


def _pair_json(one: PairCard) -> dict[str, Any]:
    decision = one.decision
    return {
        "pair": decision.pair,
        "side": decision.side.value,
        "verdict": decision.verdict.value,
        "reason": decision.reason,
        "version": decision.version,
        "parameters": _exits(decision.parameters),
        "candidate": _exits(one.candidate),
        "incumbent": _exits(one.incumbent),
        "incumbent_name": one.incumbent_name,
        "incumbent_profit_bps": _plain(one.incumbent_profit_bps),
        "evidence": _plain(asdict(decision.evidence)),
        "seed_gate": None if one.seed_gate is None else _plain(asdict(one.seed_gate)),
        "monte_carlo": None if one.monte_carlo is None else _plain(asdict(one.monte_carlo)),
        "overfitting": None if one.overfitting is None else _plain(asdict(one.overfitting)),
        "deflated_sharpe": None if one.sharpe is None else _plain(asdict(one.sharpe)),
        "surface": None if one.surface is None else _surface_json(one.surface),
    }


def _exits(exits: ExitParameters | None) -> dict[str, Any] | None:
    return None if exits is None else exits.to_dict()


def _surface_json(surface: Surface) -> dict[str, Any]:
    small = pooled(surface.stop_losses, surface.take_profits, surface.profit_bps, surface.plateau)
    rows = np.round(small.profit_bps, 1).tolist()
    return {
        "stop_losses": list(small.stop_losses),
        "take_profits": list(small.take_profits),
        "profit_bps": [[known(one) for one in row] for row in rows],
        "plateau": None if small.plateau is None else small.plateau.astype(int).tolist(),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return known(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
