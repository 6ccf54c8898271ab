from __future__ import annotations

import gzip
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from freqfleet.domain.closed_trade import TradeMode
from freqfleet.domain.sides import Side
from freqfleet.errors import TradeSourceError
from freqfleet.testing.trades import closed_trade
from freqfleet.trades.backtest_export import open_backtest
from realdata import results_dir


def exported(**overrides: Any) -> dict[str, Any]:
    """A trade as freqtrade 2026.9 exports it (the keys that are read)."""
    return {
        "pair": "BTC/USDT:USDT",
        "stake_amount": 100.0,
        "open_date": "2025-11-01 08:00:00+00:00",
        "close_date": "2025-11-01 12:00:00+00:00",
        "open_rate": 50_000.0,
        "close_rate": 51_000.0,
        "fee_open": 0.0005,
        "fee_close": 0.0005,
        "profit_ratio": 0.06,
        "profit_abs": 6.0,
        "exit_reason": "roi_optuna",
        "is_open": False,
        "enter_tag": "long ensemble 3/4 conf=0.8 from=trend",
        "leverage": 3.0,
        "is_short": False,
        "open_timestamp": 1_761_984_000_000,
        "close_timestamp": 1_761_998_400_000,
        "funding_fees": -0.01,
        "orders": [],
        **overrides,
    }


def result(*trades: dict[str, Any], strategy: str = "BOT1LongStrategy") -> dict[str, Any]:
    return {"strategy": {strategy: {"trades": list(trades)}}, "strategy_comparison": []}


def write(file: Path, values: Any) -> Path:
    file.write_text(json.dumps(values))
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backtest-result-2026-01-01_00-00-00.json"


def test_an_exported_trade_is_read_field_by_field(file: Path):
    write(file, result(exported()))

    reading = open_backtest(file).read("BOT1LongStrategy", bot="BOT1")

    (trade,) = reading.trades
    assert trade == closed_trade(mode=TradeMode.BACKTEST, instance=trade.instance)
    assert trade.instance.startswith("backtest:")
    assert reading.source == f"{file.name} (BOT1LongStrategy)"


def test_a_short_is_a_short(file: Path):
    write(file, result(exported(is_short=True)))

    (trade,) = open_backtest(file).read("BOT1LongStrategy", bot="BOT2").trades

    assert (trade.bot, trade.side) == ("BOT2", Side.SHORT)


def test_ids_count_by_open_time_then_pair(file: Path):
    late = {"open_timestamp": 1_761_990_000_000}
    write(
        file,
        result(exported(**late), exported(pair="ETH/USDT:USDT"), exported(pair="ADA/USDT:USDT")),
    )

    trades = open_backtest(file).read("BOT1LongStrategy", bot="BOT1").trades

    assert [(one.trade_id, one.pair[:3]) for one in trades] == [(1, "ADA"), (2, "ETH"), (3, "BTC")]


def test_the_same_content_is_the_same_instance_however_it_is_packed(tmp_path: Path):
    values = result(exported())
    plain = write(tmp_path / "a.json", values)
    packed = tmp_path / "b.json.gz"
    packed.write_bytes(gzip.compress(json.dumps(values, indent=1).encode()))
    zipped = zip_of(tmp_path / "c.zip", {"c.json": values})

    readings = [open_backtest(one).read("BOT1LongStrategy", bot="BOT1") for one in (plain, packed, zipped)]

    assert readings[0].trades == readings[1].trades == readings[2].trades


@pytest.mark.parametrize("change", [{"profit_abs": 6.1}, {"close_rate": 51_000.5}])
def test_other_content_is_another_instance(tmp_path: Path, change: dict[str, Any]):
    one, other = (
        open_backtest(write(tmp_path / f"{number}.json", result(exported(**values))))
        .read("BOT1LongStrategy", bot="BOT1")
        .trades[0]
        .instance
        for number, values in enumerate(({}, change))
    )

    assert one != other


def test_another_strategy_with_the_same_trades_is_another_instance(file: Path):
    trades = [exported()]
    write(file, {"strategy": {"A": {"trades": trades}, "B": {"trades": trades}}})
    export = open_backtest(file)

    instances = {export.read(name, bot="BOT1").trades[0].instance for name in export.strategies}

    assert len(instances) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"leverage": 0.5}, "leverage must be at least 1, was 0.5"),
        ({"close_timestamp": 1_761_983_999_000}, "before it opened"),
        ({"open_rate": float("nan")}, "open_rate must be above 0, was nan"),
        ({"profit_ratio": float("nan")}, "margin_profit_ratio must be a number, was nan"),
        ({"profit_ratio": None}, "profit_ratio is empty"),
        ({"pair": "btc"}, "not a pair: 'btc'"),
        ({"is_open": True}, "still open when the backtest ended"),
        ({"close_timestamp": None, "close_date": None}, "close_date is empty"),
        ({"open_timestamp": None, "open_date": "soon"}, "not a time: 'soon'"),
        ({"open_timestamp": float("inf")}, "cannot convert float infinity"),
    ],
)
def test_a_bad_trade_is_dropped_with_its_reason_and_the_others_go_on(file: Path, change, reason: str):
    good = exported(pair="ADA/USDT:USDT", open_timestamp=1_761_900_000_000)
    write(file, result(exported(**change), good))

    reading = open_backtest(file).read("BOT1LongStrategy", bot="BOT1")

    assert [one.pair for one in reading.trades] == ["ADA/USDT:USDT"]
    (dropped,) = reading.dropped
    assert dropped.startswith("BOT1 trade 2 ")
    assert reason in dropped


def test_old_exports_without_timestamps_and_futures_are_read(file: Path):
    old = exported(sell_reason="roi", buy_tag="long from 75b conf=0.89")
    for key in ("open_timestamp", "close_timestamp", "leverage", "is_short", "enter_tag", "exit_reason"):
        del old[key]
    del old["funding_fees"]
    write(file, result(old))

    (trade,) = open_backtest(file).read("BOT1LongStrategy", bot="BOT1").trades

    assert trade.opened_at == datetime(2025, 11, 1, 8, tzinfo=UTC)
    assert (trade.leverage, trade.side, trade.funding_fees_quote) == (1.0, Side.LONG, 0.0)
    assert (trade.exit_reason, trade.feeder, trade.votes) == ("roi", "75b", None)


# Zips and folders


def zip_of(file: Path, members: dict[str, Any]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, values in members.items():
            archive.writestr(name, json.dumps(values))
    return file


@pytest.mark.parametrize("name", ["backtest-result-1.zip", "renamed.zip"])
def test_the_result_is_found_among_the_other_files_of_a_zip(tmp_path: Path, name: str):
    file = zip_of(
        tmp_path / name,
        {
            "backtest-result-1_config.json": {"strategy": "BOT1LongStrategy"},
            "backtest-result-1_BOT1LongStrategy.json": {"strategy_name": "BOT1LongStrategy", "params": {}},
            "backtest-result-1.json": result(exported()),
        },
    )

    assert open_backtest(file).strategies == ("BOT1LongStrategy",)


def test_freqtrades_own_writer_makes_a_zip_that_is_read(tmp_path: Path):
    from freqtrade.optimize.optimize_reports.bt_storage import store_backtest_results

    config = {"exportdirectory": tmp_path, "original_config": {"strategy": "BOT1LongStrategy"}}
    file = store_backtest_results(config, {**result(exported()), "metadata": {}}, "2026-01-01_00-00-00")

    by_file = open_backtest(file).read("BOT1LongStrategy", bot="BOT1")
    by_folder = open_backtest(tmp_path).read("BOT1LongStrategy", bot="BOT1")

    assert file.suffix == ".zip"
    assert by_file == by_folder
    assert len(by_file.trades) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("r.json", b"not json", "is not a backtest result: not JSON"),
        ("r.json", b"\xff\xfe\x00", "is not a backtest result: not JSON"),
        ("r.json", b"[[1, 2]]", 'it has no "strategy" section'),
        ("r.json", b'{"strategy": "BOT1LongStrategy"}', 'it has no "strategy" section'),
        ("r.json", b'{"strategy": {}}', 'it has no "strategy" section'),
        ("r.json", b'{"strategy": {"A": {}}}', 'strategy A has no "trades" list'),
        ("r.json", b'{"strategy": {"A": {"trades": [1]}}}', 'strategy A has no "trades" list'),
        ("r.json.gz", gzip.compress(b"{}", mtime=0)[:-9], "cannot be read"),
        ("r.zip", b"PK\x03\x04 and no end", "is no whole zip file"),
        ("r.zip", b"PK\x05\x06" + bytes(18), 'it has no "strategy" section'),
        (".last_result.json", b"{}", "names no latest_backtest"),
        (".last_result.json", b'{"latest_backtest": "gone.zip"}', "no backtest result .*gone.zip"),
    ],
)
def test_a_file_that_is_no_result_is_said_with_what_it_lacks(
    tmp_path: Path, name: str, content: bytes, said: str
):
    file = tmp_path / name
    file.write_bytes(content)

    with pytest.raises(TradeSourceError, match=said) as raised:
        open_backtest(file)

    assert str(tmp_path) in str(raised.value)


def test_a_broken_zip_is_said(tmp_path: Path):
    file = zip_of(tmp_path / "r.zip", {"r.json": result(exported())})
    content = bytearray(file.read_bytes())
    content[40:60] = bytes(20)
    file.write_bytes(content)

    with pytest.raises(TradeSourceError, match="cannot be unpacked"):
        open_backtest(file)


def test_a_missing_file_and_a_folder_without_results_are_said(tmp_path: Path):
    with pytest.raises(TradeSourceError, match="no backtest result"):
        open_backtest(tmp_path / "gone.zip")
    with pytest.raises(TradeSourceError, match=r"holds no \.last_result\.json"):
        open_backtest(tmp_path)


# Real results


@pytest.mark.parametrize(("folder", "expected"), [("results-2023", 5_162), ("results-2026", 17_639)])
def test_every_trade_of_real_results_is_read(folder: str, expected: int):
    readings = [
        export.read(strategy, bot="BOT1")
        for file in sorted(results_dir(folder).glob("*.json.gz"))
        for export in [open_backtest(file)]
        for strategy in export.strategies
    ]

    assert sum(len(one.trades) for one in readings) == expected
    assert [one.dropped for one in readings if one.dropped] == []
    for reading in readings:
        assert [one.trade_id for one in reading.trades] == list(range(1, len(reading.trades) + 1))
        assert {one.mode for one in reading.trades} == {TradeMode.BACKTEST}
