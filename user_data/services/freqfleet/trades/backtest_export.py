"""freqtrade's backtest results: `.zip` (2024 on), `.json` and `.json.gz`, or a folder of them.

A backtest has no database and gives its trades no ids, so both come from the content: the same result,
read twice or packed differently, is the same trades.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freqfleet.clock import from_ms, parse_time, to_ms
from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, TradeSourceError
from freqfleet.trades.reading import NO_EXIT_REASON, Reading, tag_fields

LATEST_POINTER = ".last_result.json"
_POINTER_KEY = "latest_backtest"


@dataclass(frozen=True, slots=True)
class BacktestExport:
    """One result file: its path, and the trades of each strategy as freqtrade wrote them."""

    path: Path
    trades_by_strategy: dict[str, list[dict[str, Any]]]

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies that were backtested."""
        return tuple(self.trades_by_strategy)

    def read(self, strategy: str, *, bot: str) -> Reading:
        """Return the trades of one strategy as those of `bot`.

        instance : `backtest:` and a hash of the strategy's name and its trades.
        trade_id : 1, 2, 3 … in the order of (open time, pair).
        funding_fees_quote is 0 where the export is too old to have it; the profit is net of it anyway.
        A bad trade is dropped with its reason; the others go on.
        """
        raw = self.trades_by_strategy[strategy]
        instance = f"backtest:{_digest(strategy, raw)}"
        trades: list[ClosedTrade] = []
        dropped: list[str] = []
        for number, values in enumerate(sorted(raw, key=_order), start=1):
            try:
                trades.append(_closed_trade(values, bot, instance, number))
            except (InputError, ValueError, TypeError, OverflowError) as error:
                label = f"{bot} trade {number} {values.get('pair')}"
                said = str(error)
                dropped.append(said if said.startswith(label) else f"{label}: {said}")
        return Reading(
            bot=bot,
            source=f"{self.path.name} ({strategy})",
            trades=tuple(trades),
            dropped=tuple(dropped),
        )


def open_backtest(path: Path) -> BacktestExport:
    """Read a result file, or the newest one of a folder (freqtrade's `.last_result.json` names it).

    Raises TradeSourceError with the path and what it lacks where this is no backtest result.
    """
    file = _followed(path)
    result = _result(file)
    strategies = result.get("strategy") if isinstance(result, dict) else None
    if not isinstance(strategies, dict) or not strategies:
        raise TradeSourceError(
            f'{file} is not a backtest result: it has no "strategy" section; '
            "give the backtest-result file that freqtrade wrote"
        )
    trades: dict[str, list[dict[str, Any]]] = {}
    for name, section in strategies.items():
        listed = section.get("trades") if isinstance(section, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
            raise TradeSourceError(f'{file} is not a backtest result: strategy {name} has no "trades" list')
        trades[name] = listed
    return BacktestExport(file, trades)


def _followed(path: Path) -> Path:
    pointer = path / LATEST_POINTER if path.is_dir() else path
    if pointer.name != LATEST_POINTER:
        return path
    if not pointer.is_file():
        raise TradeSourceError(f"{path} holds no {LATEST_POINTER}; give the backtest-result file itself")
    named = _parsed(_bytes(pointer), pointer)
    if not isinstance(named, dict) or not isinstance(named.get(_POINTER_KEY), str):
        raise TradeSourceError(f"{pointer} names no {_POINTER_KEY}; give the backtest-result file itself")
    return pointer.parent / str(named[_POINTER_KEY])


def _result(file: Path) -> Any:
    if not file.is_file():
        raise TradeSourceError(f"no backtest result {file}; freqtrade writes them to backtest_results/")
    if zipfile.is_zipfile(file):
        return _zipped_result(file)
    if file.suffix == ".zip":
        raise TradeSourceError(f"{file} is no whole zip file; copy it again, or run the backtest again")
    return _parsed(_bytes(file), file)


def _zipped_result(file: Path) -> Any:
    """Return the member that holds the result: it has the zip's name, unless the zip was renamed."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            names.sort(key=lambda name: (Path(name).stem != file.stem, len(name), name))
            for name in names:
                values = _parsed(archive.read(name), file / name)
                if isinstance(values, dict) and isinstance(values.get("strategy"), dict):
                    return values
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        # RuntimeError: encrypted, or packed in a way this Python does not know
        raise TradeSourceError(f"{file} cannot be unpacked: {error}") from error
    return None


def _bytes(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise TradeSourceError(f"{file} cannot be read: {error}") from error


def _parsed(content: bytes, file: Path) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise TradeSourceError(f"{file} is not a backtest result: not JSON ({error})") from None


def _digest(strategy: str, raw: list[dict[str, Any]]) -> str:
    text = json.dumps([strategy, raw], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _order(values: dict[str, Any]) -> tuple[float, str, float, bool]:
    return (
        _sortable_ms(values, "open"),
        str(values.get("pair")),
        _sortable_ms(values, "close"),
        bool(values.get("is_short")),
    )


def _sortable_ms(values: dict[str, Any], end: str) -> float:
    try:
        return _moment_ms(values, end)
    except (InputError, ValueError, TypeError, OverflowError):
        return float("inf")  # last; it is going to be dropped


def _moment_ms(values: dict[str, Any], end: str) -> int:
    stamp = values.get(f"{end}_timestamp")
    if stamp is not None:
        return int(stamp)
    text = values.get(f"{end}_date")
    if not text:
        raise TradeSourceError(f"{end}_date is empty")
    return to_ms(parse_time(str(text)))


def _closed_trade(values: dict[str, Any], bot: str, instance: str, number: int) -> ClosedTrade:
    if values.get("is_open"):
        raise TradeSourceError("it was still open when the backtest ended")
    return ClosedTrade(
        bot=bot,
        instance=instance,
        trade_id=number,
        pair=str(_there(values, "pair")),
        side=Side.of(is_short=bool(values.get("is_short", False))),
        leverage=float(values.get("leverage", 1.0)),  # exports from before freqtrade had futures
        opened_at=from_ms(_moment_ms(values, "open")),
        closed_at=from_ms(_moment_ms(values, "close")),
        open_rate=float(_there(values, "open_rate")),
        close_rate=float(_there(values, "close_rate")),
        stake_quote=float(_there(values, "stake_amount")),
        margin_profit_ratio=float(_there(values, "profit_ratio")),
        profit_quote=float(_there(values, "profit_abs")),
        fee_open_ratio=float(_there(values, "fee_open")),
        fee_close_ratio=float(_there(values, "fee_close")),
        funding_fees_quote=float(values.get("funding_fees") or 0.0),
        exit_reason=str(values.get("exit_reason") or values.get("sell_reason") or NO_EXIT_REASON),
        mode=TradeMode.BACKTEST,
        **tag_fields(values.get("enter_tag", values.get("buy_tag"))),
    )


def _there(values: dict[str, Any], name: str) -> Any:
    value = values.get(name)
    if value is None:
        raise TradeSourceError(f"{name} is empty")
    return value
