"""Domain values to rows and back, with the checks of both ways.

A row is a dict by the column names of `schema.py`. Times are cut to whole milliseconds (not rounded:
a version's id holds its seconds). What cannot be stored exactly is refused with the reason; a row
that lies outside the bounds of the domain is refused when it is read, too (seed 002 published a stop
of 0 %, and bots traded it).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any, TypeAlias, TypeVar

from freqfleet.clock import from_ms, to_ms
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exit_plan import read_exit_parameters
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.leverage_bins import parse_leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError, TradeSourceError
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage

Row = dict[str, Any]
StoredRow: TypeAlias = Any  # a row as the database gives it: its columns are attributes
TradeIdentity = tuple[str, str, int]
T = TypeVar("T")

# In the order of the fields: `trade_of_columns` takes rows apart by position.
TRADE_COLUMNS = tuple(
    {"opened_at": "opened_ms", "closed_at": "closed_ms"}.get(name, name)
    for name in ClosedTrade.__dataclass_fields__
)

# Ten times as fast as asking the enum, which still says what is wrong with any other value.
_SIDES = {one.value: one for one in Side}
_MODES = {one.value: one for one in TradeMode}
_MAX_ID = 2**63 - 1  # what a BIGINT holds


def accepted_rows(
    values: Sequence[T], to_row: Callable[[T], Row], refusal: type[InputError]
) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows of the values that can be stored, and the reasons of those that cannot."""
    rows: list[Row] = []
    rejected: list[str] = []
    for value in values:
        try:
            rows.append(to_row(value))
        except refusal as error:
            rejected.append(str(error))
    return rows, tuple(rejected)


def whole_ms(moment: datetime) -> int:
    """Return `moment` (aware) as milliseconds, cut, never rounded up into the next one."""
    beyond = moment.microsecond % 1000
    # Most moments are whole, and a new one costs more than all the rest of this.
    return to_ms(moment.replace(microsecond=moment.microsecond - beyond) if beyond else moment)


def trade_label(row: StoredRow) -> str:
    """Return how messages name the trade of a row."""
    return f"{row.bot} {row.instance} trade {row.trade_id}"


def version_label(row: StoredRow) -> str:
    """Return how messages name the version of a row."""
    return f"version {row.version_id}"


def next_ms(moment: datetime) -> int:
    """Return the first whole millisecond at or after `moment` (aware): the bounds of a window."""
    return whole_ms(moment) + (1 if moment.microsecond % 1000 else 0)


def trade_row(trade: ClosedTrade) -> Row:
    """Return the row of a trade, with the hash of its content.

    Raises TradeSourceError for what no store can hold exactly: an empty name, an id that is no 64-bit
    integer, NaN, infinity, or text with NUL.
    """
    row: Row = {
        "bot": trade.bot,
        "instance": trade.instance,
        "trade_id": int(trade.trade_id),
        "pair": trade.pair,
        "side": trade.side.value,
        "leverage": _plain(trade.leverage),
        "opened_ms": whole_ms(trade.opened_at),
        "closed_ms": whole_ms(trade.closed_at),
        "open_rate": _plain(trade.open_rate),
        "close_rate": _plain(trade.close_rate),
        "stake_quote": _plain(trade.stake_quote),
        "margin_profit_ratio": _plain(trade.margin_profit_ratio),
        "profit_quote": _plain(trade.profit_quote),
        "fee_open_ratio": _plain(trade.fee_open_ratio),
        "fee_close_ratio": _plain(trade.fee_close_ratio),
        "funding_fees_quote": _plain(trade.funding_fees_quote),
        "exit_reason": trade.exit_reason,
        "mode": trade.mode.value,
        "enter_tag": trade.enter_tag,
        "feeder": trade.feeder,
        "votes": None if trade.votes is None else int(trade.votes),
        "voters": None if trade.voters is None else int(trade.voters),
        "confidence": None if trade.confidence is None else _plain(trade.confidence),
        "parameter_version": trade.parameter_version,
    }
    if not (trade.bot and trade.instance and 0 <= row["trade_id"] <= _MAX_ID):
        raise TradeSourceError(
            f"{trade.label}: needs a bot, an instance and an id in 0..2^63-1, were "
            f"{trade.bot!r}, {trade.instance!r}, {trade.trade_id}"
        )
    flaw = _flaw(row)
    if flaw is not None:
        raise TradeSourceError(f"{trade.label}: {flaw}")
    # Columns that say nothing stay out, so that a column of a later schema does not amend every trade.
    row["content_hash"] = _digest({name: value for name, value in row.items() if value is not None})
    return row


def closed_trade(row: StoredRow) -> ClosedTrade:
    """Return the trade of a row, its columns in any order; raises as `trade_of_columns`.

    Raises AttributeError where a column is missing.
    """
    return trade_of_columns([getattr(row, name) for name in TRADE_COLUMNS])


def trade_of_columns(row: Sequence[Any]) -> ClosedTrade:
    """Return the trade of `TRADE_COLUMNS`; raises InputError, ValueError or TypeError outside the domain.

    By position: this runs for tens of thousands of rows. Names and fees that come again are kept once.
    """
    (
        bot, instance, trade_id, pair, side, leverage, opened_ms, closed_ms, open_rate, close_rate,
        stake_quote, margin_profit_ratio, profit_quote, fee_open_ratio, fee_close_ratio, funding_fees_quote,
        exit_reason, mode, enter_tag, feeder, votes, voters, confidence, parameter_version,
    ) = row  # fmt: skip
    return ClosedTrade(
        bot=intern(bot),
        instance=intern(instance),
        trade_id=trade_id,
        pair=intern(pair),
        side=_SIDES.get(side) or Side(side),
        leverage=_same_number(leverage),
        opened_at=_from_timestamp(opened_ms / 1000, UTC),  # `clock.from_ms`, without a call in between
        closed_at=_from_timestamp(closed_ms / 1000, UTC),
        open_rate=open_rate,
        close_rate=close_rate,
        stake_quote=stake_quote,
        margin_profit_ratio=margin_profit_ratio,
        profit_quote=profit_quote,
        fee_open_ratio=_same_number(fee_open_ratio),
        fee_close_ratio=_same_number(fee_close_ratio),
        funding_fees_quote=funding_fees_quote,
        exit_reason=intern(exit_reason),
        mode=_MODES.get(mode) or TradeMode(mode),
        enter_tag=enter_tag if enter_tag is None else intern(enter_tag),
        feeder=feeder if feeder is None else intern(feeder),
        votes=votes,
        voters=voters,
        confidence=confidence,
        parameter_version=parameter_version if parameter_version is None else intern(parameter_version),
    )


_from_timestamp = datetime.fromtimestamp


@lru_cache(maxsize=256, typed=True)
def _same_number(value: float) -> float:
    """Return one object for equal numbers: leverages and fees are the same few for tens of thousands."""
    return value


def version_row(version: ParameterVersion) -> Row:
    """Return the row of a version, without its sequence.

    Raises ParameterError for parameters outside the bounds of the domain and for evidence that JSON
    cannot hold: NaN and infinity are no evidence, "not measured" is None.
    """
    label = version.key.label
    try:
        parameters = _json(read_exit_parameters(version.parameters.to_dict()).to_dict())
        evidence = _json(_measured(version.evidence))
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{label}: cannot be written as JSON: {error}") from None
    except InputError as error:
        raise ParameterError(f"{label}: {error}") from None
    row: Row = {
        "version_id": version.version_id,
        "pair": version.key.pair,
        "side": version.key.side.value,
        "leverage_bin": version.key.leverage_bin.label if version.key.leverage_bin is not None else None,
        "source": version.source.value,
        "stage": version.stage.value,
        "valid_from_ms": whole_ms(version.valid_from),
        "recorded_ms": whole_ms(version.recorded_at),
        "learned_until_ms": whole_ms(version.learned_until),
        "run_id": version.run_id,
        "parameters": parameters,
        "evidence": evidence,
    }
    flaw = _flaw(row)
    if flaw is not None:
        raise ParameterError(f"{label}: {flaw}")
    return row


def _measured(evidence: Evidence) -> dict[str, Any]:
    """Return what evidence says; what was not measured (None) is left out, and read as None again."""
    values = ((one, getattr(evidence, one)) for one in Evidence.__dataclass_fields__)
    return {name: value for name, value in values if value is not None}


def parameter_version(row: StoredRow) -> ParameterVersion:
    """Return the version of a row; raises InputError, ValueError or TypeError outside the domain."""
    step = parse_leverage_bin(row.leverage_bin) if row.leverage_bin is not None else None
    return ParameterVersion(
        key=ParameterKey(side=Side(row.side), pair=row.pair, leverage_bin=step),
        parameters=read_exit_parameters(json.loads(row.parameters)),
        source=ExitSource(row.source),
        valid_from=from_ms(row.valid_from_ms),
        recorded_at=from_ms(row.recorded_ms),
        learned_until=from_ms(row.learned_until_ms),
        run_id=row.run_id,
        stage=Stage(row.stage),
        evidence=Evidence.from_dict(json.loads(row.evidence)),
    )


def _plain(value: float) -> float:
    return float(value) + 0.0  # + 0.0 turns -0.0 into 0.0, which is what a database gives back


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(row: Row) -> str:
    return hashlib.sha256(_json(row).encode()).hexdigest()


def _flaw(row: Row) -> str | None:
    """Say what a database could not give back as it was; None where nothing is wrong."""
    for name, value in row.items():
        if isinstance(value, float):
            if not math.isfinite(value):
                return f"{name} must be a number, was {value}"
        elif isinstance(value, str) and ("\x00" in value or not _is_unicode(value)):
            return f"{name} holds characters no database keeps: {value!r}"
    return None


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return False
    return True
