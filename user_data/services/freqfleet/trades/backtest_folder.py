"""A folder of backtest results, all of them: every entry of a bot is recorded once, whatever holds it.

Results overlap: a backtest is run again over a longer time, or with other exits, and makes the same entries
again under other ids. Learning replays entries, so counting one twice would be counting it double. An entry
is its bot, pair, side and time; where several results hold it, the newest gives the trade, unless an earlier
sync has stored it already: that one stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.store.promise import LearningStore
from freqfleet.trades.backtest_export import BacktestExport, open_backtest
from freqfleet.trades.reading import Reading
from freqfleet.trades.sync import SyncReport, sync_reading

_RESULT_NAMES = (".zip", ".json", ".json.gz")
_ABOUT_A_RESULT = ".meta.json"  # freqtrade writes one beside every result

_Entry = tuple[str, Side, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFolder:
    """exports : the results, newest first. unreadable : other files that might have been one -> why not."""

    exports: tuple[BacktestExport, ...]
    unreadable: dict[Path, str]


def open_folder(folder: Path) -> BacktestFolder:
    """Read every result of a folder, not of the folders in it.

    Raises TradeSourceError where there is no such folder, or no result in it.
    """
    if not folder.is_dir():
        raise TradeSourceError(f"{folder} is no folder; --all takes every result of one")
    files = [
        one
        for one in folder.iterdir()
        if one.name.endswith(_RESULT_NAMES)
        and not one.name.endswith(_ABOUT_A_RESULT)
        and not one.name.startswith(".")
    ]
    exports: list[BacktestExport] = []
    unreadable: dict[Path, str] = {}
    for file in sorted(files, key=lambda one: (one.stat().st_mtime_ns, one.name), reverse=True):
        try:
            exports.append(open_backtest(file))
        except TradeSourceError as error:
            unreadable[file] = str(error)
    if not exports:
        why = f": {next(iter(unreadable.values()))}" if unreadable else ""
        raise TradeSourceError(f"no backtest result in {folder}{why}")
    return BacktestFolder(exports=tuple(exports), unreadable=unreadable)


def record_entries_once(store: LearningStore, readings: Iterable[Reading]) -> Iterator[SyncReport]:
    """Record readings of backtests in turn; an entry that another result brought counts as duplicate.

    Raises StoreError where the store fails.
    """
    recorded: dict[str, dict[_Entry, str]] = {}
    for reading in readings:
        if reading.bot not in recorded:
            before = store.closed_trades(bots=[reading.bot])
            recorded[reading.bot] = {_entry(one): one.instance for one in before if _is_backtest(one)}
        held = recorded[reading.bot]
        new = tuple(
            one for one in reading.trades if held.setdefault(_entry(one), one.instance) == one.instance
        )
        repeated = len(reading.trades) - len(new)
        report = sync_reading(store, replace(reading, trades=new))
        yield replace(report, read=report.read + repeated, duplicate=report.duplicate + repeated)


def _entry(trade: ClosedTrade) -> _Entry:
    return trade.pair, trade.side, trade.opened_at


def _is_backtest(trade: ClosedTrade) -> bool:
    return trade.mode is TradeMode.BACKTEST
