"""`freqfleet exchange`: the loopback exchange, for offline backtests, searches and dry runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from freqfleet.clock import from_ms, iso
from freqfleet.market.timeframes import DAY_MS
from freqfleet.stop_request import StopRequest

if TYPE_CHECKING:
    from freqfleet.cli.program import Invocation
    from freqfleet.exchange.hits import Hits
    from freqfleet.exchange.loopback import LoopbackExchange


@click.group("exchange")
def exchange() -> None:
    """The loopback exchange that lets freqtrade run offline."""


@exchange.command("serve", short_help="Serve candles as Binance's futures exchange.")
@click.option(
    "--datadir",
    type=click.Path(path_type=Path, file_okay=False),
    help="freqtrade's candles; [market] datadir of fleet.toml where it is not given.",
)
@click.option("--port", default=8799, show_default=True, help="0 takes any free one.")
@click.option(
    "--shift-to-now",
    is_flag=True,
    help="Move the candles by whole days so that they cover now: for `freqtrade trade --dry-run`.",
)
@click.option(
    "--hours-left",
    default=24.0,
    show_default=True,
    help="With --shift-to-now: candles ahead of now, at least.",
)
@click.option("--pairs", multiple=True, help="Serve these only (repeatable, or separated by spaces).")
@click.option(
    "--overlay",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the freqtrade config that points here; needed where the port is not 8799.",
)
@click.pass_obj
def serve(
    invocation: Invocation,
    datadir: Path | None,
    port: int,
    shift_to_now: bool,
    hours_left: float,
    pairs: tuple[str, ...],
    overlay: Path | None,
) -> None:
    """Serve candles as Binance's futures exchange, on 127.0.0.1, until Ctrl-C or SIGTERM.

    Backtests and hyperopt need no --shift-to-now. `freqfleet -v exchange serve` logs every request.
    """
    from freqfleet.exchange.loopback import LoopbackExchange

    loopback = LoopbackExchange(
        invocation.settings().datadir if datadir is None else datadir,
        port=port,
        shift_to_now=shift_to_now,
        hours_left=hours_left,
        pairs=" ".join(pairs).split() or None,
    )
    stopping = StopRequest()
    stopping.ask_on_signals()
    with loopback:
        if overlay is not None:
            overlay.write_text(json.dumps(loopback.overlay(), indent=2) + "\n", encoding="utf-8")
        click.echo(_greeting(loopback, invocation.userdir / "config", overlay))
        stopping.wait()
    click.echo(_summary(loopback.hits()))


def _greeting(loopback: LoopbackExchange, config: Path, overlay: Path | None) -> str:
    from freqfleet.exchange.overlay import DEFAULT_PORT

    spans = [loopback.span_ms(pair) for pair in loopback.pairs]
    first, end = min(first for first, _ in spans), max(end for _, end in spans)
    moved = f", moved by {loopback.shift_ms // DAY_MS} days" if loopback.shift_ms else ""
    skipped = f"; {len(loopback.skipped)} skipped, see the log" if loopback.skipped else ""
    use = f"freqtrade trade -c {config / 'bot1.json'} -c {overlay or config / 'offline.json'}"
    if overlay is None and loopback.port != DEFAULT_PORT:
        use = f"offline.json points at port {DEFAULT_PORT}, not here; start again with --overlay FILE"
    lines = [
        f"exchange at {loopback.url}: {len(loopback.pairs)} pairs{skipped}",
        f"candles from {iso(from_ms(first))} to {iso(from_ms(end))}{moved}",
        f"use it: {use}",
    ]
    return "\n".join(lines)


def _summary(hits: Hits) -> str:
    lines = [f"requests: {hits.total}"]
    for title, group in (("answered", hits.answered), ("refused", hits.refused), ("UNKNOWN", hits.unknown)):
        lines += [f"  {number:6d}  {title}  {request}" for request, number in group.items()]
    return "\n".join(lines)
