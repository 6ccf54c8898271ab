"""`freqfleet params`: what is in force, and why."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.params_changes import export, import_, retire, rollback
from freqfleet.cli.program import Invocation

if TYPE_CHECKING:
    from collections.abc import Collection

    from freqfleet.domain.bin_record import BinRecord
    from freqfleet.domain.sides import Side
    from freqfleet.parameters.book import Link, ParameterBook, Resolution
    from freqfleet.parameters.version import ParameterVersion
    from freqfleet.settings import Settings
    from freqfleet.store.promise import LearningStore

at_option = click.option(
    "--at", metavar="T", help="As of this time, 2025-11-01 or 2025-11-01T12:00:00Z; now."
)
side_option = click.option("--side", metavar="SIDE", help="long or short; both where it is not given.")


@click.group("params")
def params() -> None:
    """What is in force, and why; and how to take it back or move it."""


for change in (rollback, retire, export, import_):
    params.add_command(change)


@params.command("list")
@at_option
@json_option
@click.pass_obj
def list_(invocation: Invocation, at: str | None, json_target: str | None) -> None:
    """List every published parameter that is in force."""
    from freqfleet.clock import iso

    moment = _moment(at)
    book = _book(invocation, moment)
    champions = book.champions(moment)
    if json_target is not None:
        write_json(
            json_target,
            {
                "at": iso(moment),
                "defaults": book.defaults.to_dict(),
                "champions": [_version_values(one, moment) for one in champions],
            },
        )
    if json_target != STDOUT:
        from freqfleet.cli.params_tables import print_champions

        print_champions(champions, book.defaults, moment)


@params.command("explain", short_help="Say what a position would get, and why.")
@click.argument("pair")
@side_option
@click.option("--leverage", type=float, help="Of the position; [runtime] leverage where it is not given.")
@at_option
@json_option
@click.pass_obj
def explain(
    invocation: Invocation,
    pair: str,
    side: str | None,
    leverage: float | None,
    at: str | None,
    json_target: str | None,
) -> None:
    """Say which parameters a position would get, and the chain that led there."""
    from freqfleet.clock import iso
    from freqfleet.domain.leverage_bins import leverage_bin
    from freqfleet.domain.pairs import checked_pair
    from freqfleet.domain.units import checked_leverage

    checked_pair(pair)
    moment, sides = _moment(at), _sides(side)
    lever = checked_leverage(invocation.settings().runtime.leverage if leverage is None else leverage)
    book = _book(invocation, moment)
    answers = [(one, book.resolve(pair, one, lever, moment)) for one in sides]
    speakers = {one: book.records.evidence(pair, one, moment).of(leverage_bin(lever)) for one in sides}
    if json_target is not None:
        write_json(
            json_target,
            {
                "pair": pair,
                "leverage": lever,
                "at": iso(moment),
                "book": _age(book, moment),
                "explanations": [
                    _explanation(one, answer, lever, moment, speakers[one]) for one, answer in answers
                ],
            },
        )
    if json_target != STDOUT:
        from freqfleet.cli.params_tables import print_explanation

        _tell_stranger(invocation, pair, {one.key.pair for one in book.versions if one.key.pair is not None})
        for one, answer in answers:
            print_explanation(pair, one, lever, moment, answer, book=_age(book, moment), record=speakers[one])


@params.command("history", short_help="List every version of a pair, oldest first.")
@click.argument("pair")
@side_option
@json_option
@click.pass_obj
def history(invocation: Invocation, pair: str, side: str | None, json_target: str | None) -> None:
    """List every version that was ever recorded for a pair, oldest first."""
    sides = _sides(side)
    with closing(_open(invocation.settings())) as store:
        versions = store.parameter_history(pair, sides[0] if side is not None else None)
    moment = _moment(None)
    if json_target is not None:
        write_json(
            json_target, {"pair": pair, "versions": [_version_values(one, moment) for one in versions]}
        )
    if json_target != STDOUT:
        from freqfleet.cli.params_tables import print_history

        print_history(pair, versions)
        if not versions:
            _tell_stranger(invocation, pair, ())


def _open(settings: Settings) -> LearningStore:
    """Open the store; one that nobody has made yet answers as an empty one, which is said."""
    from freqfleet.wiring import open_store, sqlite_store_file

    file = sqlite_store_file(settings)
    if file is not None and not file.exists():
        click.echo(
            f"there was no learning store at {file}; `freqfleet sync` fills it, --userdir or --store names "
            "another",
            err=True,
        )
    return open_store(settings)


def _tell_stranger(invocation: Invocation, pair: str, published: Collection[str]) -> None:
    """Say it where a pair has neither candles nor anything published: it may be misspelt."""
    from freqfleet.domain.pairs import did_you_mean
    from freqfleet.errors import MarketError
    from freqfleet.market.candles import CandleFiles

    settings = invocation.settings()
    try:
        known = {*published, *CandleFiles(settings.datadir, settings.market.timeframe).pairs()}
    except MarketError:
        return  # a machine without candles cannot tell
    if pair not in known:
        click.echo(f"{pair} has no candles here; {did_you_mean(pair, known)}", err=True)


def _moment(text: str | None) -> datetime:
    from freqfleet.clock import SystemClock, parse_time

    return SystemClock().now() if text is None else parse_time(text)


def _sides(text: str | None) -> tuple[Side, ...]:
    from freqfleet.domain.sides import Side, parse_side

    return tuple(Side) if text is None else (parse_side(text),)


def _book(invocation: Invocation, moment: datetime) -> ParameterBook:
    """Return the book as a reader at `moment` would have had it."""
    from freqfleet.clock import SystemClock
    from freqfleet.parameters.ahead import recorded_ahead
    from freqfleet.parameters.book import ParameterBook
    from freqfleet.parameters.records import RecordBook

    settings = invocation.settings()
    with closing(_open(settings)) as store:
        recorded = store.parameter_versions()
        records = RecordBook(store.bin_records(recorded_to=moment))
    ahead = recorded_ahead(recorded, SystemClock().now())
    if ahead is not None:
        click.echo(ahead, err=True)
    versions = [one for one in recorded if one.recorded_at <= moment]
    return ParameterBook(versions, defaults=settings.defaults.parameters(), as_of=moment, records=records)


def _age(book: ParameterBook, moment: datetime) -> str:
    """Say how old the newest of the book is: what a bot that loaded it at `moment` would trade on."""
    from freqfleet.clock import human_age
    from freqfleet.report.formats import plural

    newest = book.newest_effective_from(moment)
    if newest is None:
        return "the book is empty"
    return (
        f"the newest of {plural(book.version_count, 'version')} took effect "
        f"{human_age((moment - newest).total_seconds())} before"
    )


def _version_values(version: ParameterVersion, moment: datetime) -> dict[str, Any]:
    from freqfleet.clock import iso

    key = version.key
    return {
        "version": version.version_id,
        "pair": key.pair,
        "side": key.side.value,
        "leverage_bin": key.leverage_bin.label if key.leverage_bin is not None else None,
        "stage": version.stage.value,
        "source": version.source.value,
        "parameters": version.parameters.to_dict(),
        "valid_from": iso(version.valid_from),
        "recorded_at": iso(version.recorded_at),
        "effective_from": iso(version.effective_from),
        "age_seconds": round((moment - version.effective_from).total_seconds()),
        "learned_until": iso(version.learned_until),
        "run_id": version.run_id,
        "evidence": asdict(version.evidence),
    }


def _explanation(
    side: Side, answer: Resolution, leverage: float, moment: datetime, record: BinRecord | None
) -> dict[str, Any]:
    from freqfleet.domain.units import to_margin_ratio

    parameters = answer.parameters
    return {
        "side": side.value,
        "source": answer.source.value,
        "version": answer.version,
        "position_level": parameters.to_dict(),
        "margin_level": {
            "stop_loss": to_margin_ratio(parameters.stop_loss, leverage),
            "take_profit": to_margin_ratio(parameters.take_profit, leverage),
        },
        "chain": [_link_values(link, moment) for link in answer.chain],
        "bin_record": None if record is None else record.to_dict(),
    }


def _link_values(link: Link, moment: datetime) -> dict[str, Any]:
    return {
        "level": link.level,
        "key": link.key.label if link.key is not None else None,
        "verdict": link.note,
        "version": _version_values(link.version, moment) if link.version is not None else None,
    }
