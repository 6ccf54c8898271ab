"""How `freqfleet params` looks in a terminal. Percent exists only here, ratios everywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich.table import Table

from freqfleet.cli.evidence_lines import evidence_lines, why
from freqfleet.cli.screen import screen
from freqfleet.clock import human_age
from freqfleet.domain.bin_record import BinRecord
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.leverage_bins import LEVERAGE_EDGES, leverage_bin
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.domain.units import to_margin_ratio
from freqfleet.parameters.book import Link, Resolution
from freqfleet.parameters.version import ParameterVersion
from freqfleet.report.formats import (
    UNKNOWN,
    as_count,
    as_decimal,
    as_minutes,
    as_p_value,
    as_percent,
    as_time,
    pair_labels,
    plural,
)
from freqfleet.report.path_words import path_words

_PIPE_WIDTH = 180
_WIDE = 110  # columns that whole pair names and times need beside everything else
_VALUE_COLUMNS = ("Stop", "Target", "Limit", "Vol.")


def print_champions(champions: Sequence[ParameterVersion], defaults: ExitParameters, at: datetime) -> None:
    """Print what is in force at `at`, one line a key, and the defaults underneath."""
    console = screen(pipe=_PIPE_WIDTH)
    if not champions:
        console.print(f"Nothing is in force as of {as_time(at)}: every position trades on the defaults:")
    else:
        console.print(f"In force as of {as_time(at)}, position-level:\n")
        narrow = console.width < _WIDE
        table = _table("For", *_VALUE_COLUMNS, "Source", "Trades", "p", "Since", "Age")
        if narrow:
            table.padding = (0, 1, 0, 0)
        pairs = [one.key.pair for one in champions if one.key.pair is not None]
        short = pair_labels(pairs) if narrow else {}
        for one in champions:
            pair = one.key.pair or ""
            table.add_row(
                one.key.label.replace(pair, short.get(pair, pair), 1),
                *_values(one.parameters),
                one.source.value,
                as_count(one.evidence.trades),
                as_p_value(one.evidence.p_value),
                f"{one.effective_from:%Y-%m-%d}" if narrow else as_time(one.effective_from),
                _age(one, at),
            )
        console.print(table)
        for one in champions:
            if followed := path_words(one.parameters):
                console.print(f"{one.key.label} follows the path: {followed}", soft_wrap=True)
        console.print("\nEverything else trades on the defaults:")
    console.print(said(defaults))


def print_explanation(
    pair: str,
    side: Side,
    leverage: float,
    at: datetime,
    answer: Resolution,
    *,
    book: str,
    record: BinRecord | None,
) -> None:
    """Print the chain of one side, the last link being the one in force, and what it comes to.

    book : how old what was asked is, in words. record : who speaks for the bin of this leverage.
    """
    console = screen(pipe=_PIPE_WIDTH)
    console.print(f"{pair} {side} at {leverage:g}x, as of {as_time(at)}\n", style="bold")
    for link in answer.chain:
        console.print(f"  {link.level:<18} {_link_key(link)}: {link.note}", soft_wrap=True)
        for line in _link_lines(link.version, at):
            console.print(f"  {'':<18}   {line}", soft_wrap=True)
    console.print()
    parameters = answer.parameters
    by = " ".join(dict.fromkeys((answer.source.value, answer.version)))  # the defaults have no other version
    table = _table(f"  {by}", "on price", f"on margin at {leverage:g}x")
    for name, ratio in (("stop", parameters.stop_loss), ("target", parameters.take_profit)):
        table.add_row(f"  {name}", as_percent(ratio), as_percent(to_margin_ratio(ratio, leverage)))
    console.print(table)
    for line in _remarks(parameters, leverage):
        console.print(f"  {line}", soft_wrap=True)
    console.print(f"  {_spoken(record, leverage)}", soft_wrap=True)
    console.print(f"  {book}", soft_wrap=True)
    console.print()


def print_history(pair: str, versions: Sequence[ParameterVersion]) -> None:
    """Print every version recorded for a pair, oldest first."""
    console = screen(pipe=_PIPE_WIDTH, at_least=_PIPE_WIDTH)
    if not versions:
        console.print(f"Nothing was ever recorded for {pair}.")
        return
    table = _table("Recorded", "Version", "For", "Stage", *_VALUE_COLUMNS, "Trades", "Run", "Why")
    for one in versions:
        table.add_row(
            _recorded(one),
            one.version_id,
            one.key.label.removeprefix(f"{pair} "),
            one.stage.value,
            *_values(one.parameters),
            as_count(one.evidence.trades),
            one.run_id,
            why(one),
        )
    console.print(table)


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False)
    right = {*_VALUE_COLUMNS, "Trades", "p", "Age"}
    for title in titles:
        numeric = title in right or title.startswith("on ")
        whole = numeric or title in ("Version", "Stage", "Source")  # the others fold at their blanks
        table.add_column(
            title,
            justify="right" if numeric else "left",
            no_wrap=whole,
            overflow="fold",
            min_width=10 if title in ("Recorded", "Since") else None,  # a day stays whole
        )
    return table


def _values(parameters: ExitParameters) -> tuple[str, str, str, str]:
    return (
        as_percent(parameters.stop_loss),
        as_percent(parameters.take_profit),
        as_minutes(parameters.time_limit_minutes),
        as_decimal(parameters.volatility_scaling) if parameters.volatility_scaling else UNKNOWN,
    )


def _link_key(link: Link) -> str:
    return link.key.label if link.key is not None else "every position"


def _link_lines(version: ParameterVersion | None, at: datetime) -> tuple[str, ...]:
    if version is None:
        return ()
    return (
        f"version {version.version_id} of run {version.run_id} ({version.source}, {version.stage}): "
        f"{said(version.parameters)}",
        f"valid from {as_time(version.valid_from)}, recorded {as_time(version.recorded_at)}, "
        f"{_age(version, at)} old",
        f"learned until {as_time(version.learned_until)}, from {plural(version.evidence.trades, 'trade')}",
        *evidence_lines(version.evidence),
    )


def _remarks(parameters: ExitParameters, leverage: float) -> Iterator[str]:
    yield f"closed after {as_minutes(parameters.time_limit_minutes)} at the latest"
    if isinstance(parameters, ManagedExits):
        yield from _managed(parameters)
    if parameters.volatility_scaling and parameters.atr_reference_ratio is not None:
        yield (
            f"both barriers scale with (ATR at entry / {as_percent(parameters.atr_reference_ratio)}) to the "
            f"power of {as_decimal(parameters.volatility_scaling)}, the quotient kept within 0.5 and 2"
        )
    if leverage > LEVERAGE_EDGES[-1]:
        yield f"{leverage:g}x lies beyond the leverage bins; it counts as {leverage_bin(leverage)}"


def _spoken(record: BinRecord | None, leverage: float) -> str:
    """Say what closed trades of the leverage's bin say of leverage and stake."""
    if record is None:
        return f"leverage: no bin record speaks for {leverage_bin(leverage)}; [runtime] leverage holds"
    belief = record.posterior
    return (
        f"leverage: for {leverage_bin(leverage)} speaks {record.label}, {plural(record.trades, 'trade')}, "
        f"{1e4 * belief.mean_ratio:+.1f} ± {1e4 * belief.mean_sd_ratio:.1f} bps a trade; a quarter of Kelly "
        f"allows {belief.kelly_leverage:.2f}x"
    )


def _managed(parameters: ManagedExits) -> Iterator[str]:
    if parameters.giveback_ratio is not None and parameters.giveback_activation_ratio is not None:
        yield (
            f"giveback: left when {as_percent(parameters.giveback_ratio)} of the best profit (of closes) is "
            f"lost, once that was {as_percent(parameters.giveback_activation_ratio)}"
        )
    if parameters.trailing_stop_ratio is not None and parameters.trailing_activation_ratio is not None:
        yield (
            f"trailing: the stop follows {as_percent(parameters.trailing_stop_ratio)} behind the best price "
            f"of closed candles, once that has gone {as_percent(parameters.trailing_activation_ratio)}"
        )
    if parameters.break_even_after_ratio is not None:
        yield (
            "break-even: the stop moves to entry plus fees, once the best price of closed candles has gone "
            f"{as_percent(parameters.break_even_after_ratio)}"
        )
    if parameters.partial_targets:
        yield "partial targets are replayed only: bots close a position as a whole"
    if parameters.regime_exit_z is not None:
        yield (
            f"regime: left when the day's trend turns {as_decimal(parameters.regime_exit_z)} standard "
            "deviations against it"
        )


def _recorded(version: ParameterVersion) -> str:
    recorded = as_time(version.recorded_at)
    if version.valid_from == version.recorded_at:
        return recorded
    return f"{recorded}, valid from {as_time(version.valid_from)}"


def _age(version: ParameterVersion, at: datetime) -> str:
    return human_age((at - version.effective_from).total_seconds())


def said(parameters: ExitParameters) -> str:
    """Return exits in words: `stop -2.00 %, target 4.50 % on price, closed after 24 h`."""
    followed = path_words(parameters)
    return (
        f"stop {as_percent(parameters.stop_loss)}, target {as_percent(parameters.take_profit)} on price, "
        f"closed after {as_minutes(parameters.time_limit_minutes)}"
    ) + (followed and f", {followed}")
