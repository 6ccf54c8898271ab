"""The results of `python -m bench.gate`, for the terminal and for docs/benchmarks-gate.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.machine import Surroundings

TITLE = "# What the publication gate does on markets of known truth"
ABOUT = (
    "Written by `make bench-gate`; do not edit. Every market is synthetic (`freqfleet.testing.worlds`): 150 "
    "pairs with one common factor, clustered volatility and fat tails; trades of all pairs come in bursts. "
    "The seed's gate optimises on the first 70 % of a pair's trades and publishes where the rest earns money "
    "after fees. In brackets: 95 % confidence, counting worlds, because the pairs of a world share a market. "
    "FDR counts every published pair without a true improvement; a world without any publication counts as "
    "zero."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    """One line. held : None where nothing was promised."""

    work: str
    seed: str
    ours: str
    bar: str = ""
    held: bool | None = None

    @property
    def verdict(self) -> str:
        """How the table says it."""
        return "" if self.held is None else ("yes" if self.held else "NO")


def show(rows: Sequence[GateRow]) -> None:
    """Print the rows to the terminal."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table()
    for name in ("on 150 pairs", "seed's gate", "freqfleet", "bar", "held"):
        table.add_column(name, overflow="fold")
    for row in rows:
        style = "red" if row.held is False else None
        table.add_row(row.work, row.seed, row.ours, row.bar, row.verdict, style=style)
    Console().print(table)


def to_markdown(rows: Sequence[GateRow], where: Surroundings, *, seed: int, cpu_seconds: float) -> str:
    """Return the page."""
    facts = [f"- {name}: {text}" for name, text in where.lines()]
    lines = [TITLE, "", ABOUT, "", *facts, f"- seed {seed}; {cpu_seconds:.0f} CPU-s in all", ""]
    lines += ["| on 150 pairs | seed's gate | freqfleet | bar | held |", "|---|---|---|---|---|"]
    lines += [f"| {row.work} | {row.seed} | {row.ours} | {row.bar} | {row.verdict} |" for row in rows]
    return "\n".join(lines) + "\n"
