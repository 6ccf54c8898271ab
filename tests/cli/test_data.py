"""`freqfleet data`, as the shell calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from freqfleet.market.candles import CandleFiles
from freqfleet.testing.candle_tables import candle_table, write_candles

Run = Callable[..., tuple[int, str, str]]

SOUND = """
    minute  open  high   low  close  volume
         0   100   102    99    101      10
         5   101   103   100    102      11
"""
BROKEN = """
    minute  open  high   low  close  volume
         0   100   102    99    101      10
         5   101    99   100    102      11
"""


def write(datadir: Path, pair: str, table: str = SOUND) -> CandleFiles:
    files = CandleFiles(datadir)
    write_candles(files.path(pair), candle_table(table, pair=pair))
    return files


def test_check_ends_with_0_when_every_pair_can_be_used(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "candles", "BTC/USDT:USDT")

    code, out, err = run("data", "check", "--datadir", str(tmp_path / "candles"))

    assert code == 0
    assert err == ""
    assert "BTC/USDT:USDT usable 2 100.0% 0 0 - -" in " ".join(out.split())
    assert "1 pairs: 0 ok, 1 usable, 0 unusable" in out


def test_check_ends_with_1_and_the_reason_when_a_pair_cannot_be_used(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "candles", "BTC/USDT:USDT")
    write(tmp_path / "candles", "ETH/USDT:USDT", BROKEN)

    code, out, _ = run("data", "check", "--datadir", str(tmp_path / "candles"))

    assert code == 1
    assert "ETH/USDT:USDT is unusable: 1 candles have high below low (first at 2025-11-01T00:05:00Z)" in out


def test_check_says_a_remark_of_many_pairs_once(run: Run, tmp_path: Path) -> None:
    for base in ("ADA", "BTC", "ETH", "SOL", "XRP"):
        write(tmp_path / "candles", f"{base}/USDT:USDT")

    _, out, _ = run("data", "check", "--datadir", str(tmp_path / "candles"))

    text = " ".join(out.split())
    assert text.count("count funding as 0") == 1
    assert "5 pairs (ADA/USDT:USDT, BTC/USDT:USDT, ETH/USDT:USDT, …; --json names all): no mark" in text


def test_check_names_files_that_it_did_not_read(run: Run, tmp_path: Path) -> None:
    files = write(tmp_path / "candles", "BTC/USDT:USDT")
    files.path("BTC/USDT:USDT").with_name("BTC_USDT_USDT-260327-5m-futures.feather").touch()

    _, out, _ = run("data", "check", "--datadir", str(tmp_path / "candles"))

    assert "BTC_USDT_USDT-260327-5m-futures.feather" in out


def test_check_without_datadir_takes_that_of_the_settings(run: Run, userdir: Path) -> None:
    write(userdir / "data" / "binance", "BTC/USDT:USDT")

    code, out, _ = run("data", "check")

    assert code == 0
    assert str(userdir / "data" / "binance") in out


def test_check_of_a_missing_datadir_ends_with_2_and_the_remedy(run: Run, userdir: Path) -> None:
    code, out, err = run("data", "check")

    assert code == 2
    assert out == ""
    assert err.startswith(f"freqfleet: no candle folder {userdir / 'data' / 'binance'}; ")
    assert "freqfleet data sample --out DIR" in err


def test_check_writes_json_to_stdout_and_nothing_else(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "candles", "BTC/USDT:USDT")
    write(tmp_path / "candles", "ETH/USDT:USDT", BROKEN)

    code, out, _ = run("data", "check", "--datadir", str(tmp_path / "candles"), "--json", "-")

    assert code == 1
    answer = json.loads(out)
    assert answer["schema"] == 1
    assert answer["common_window"] == ["2025-11-01T00:00:00Z", "2025-11-01T00:05:00Z"]
    btc, eth = answer["pairs"]
    assert (btc["pair"], btc["verdict"], btc["rows"], btc["coverage_ratio"]) == (
        "BTC/USDT:USDT",
        "usable",
        2,
        1.0,
    )
    assert (eth["pair"], eth["verdict"], eth["flaws"]) == (
        "ETH/USDT:USDT",
        "unusable",
        {"high_below_low": 1},
    )


def test_check_writes_json_to_a_file_beside_the_table(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "candles", "BTC/USDT:USDT")

    _, out, _ = run(
        "data", "check", "--datadir", str(tmp_path / "candles"), "--json", str(tmp_path / "answer.json")
    )

    assert "BTC/USDT:USDT" in out
    assert json.loads((tmp_path / "answer.json").read_text())["pairs"][0]["first"] == "2025-11-01T00:00:00Z"


def test_sample_makes_a_market_that_check_calls_ok(run: Run, tmp_path: Path) -> None:
    out_dir = tmp_path / "sample"

    made, said, progress = run(
        "data", "sample", "--out", str(out_dir), "--pairs", "2", "--days", "2", "--seed", "5"
    )
    checked, table, _ = run("data", "check", "--datadir", str(out_dir))

    assert (made, checked) == (0, 0)
    assert "SYNTHETIC" in said
    assert "seed 5" in said
    assert "mean reverting" in said
    assert "measuring what is planted in BTC/USDT:USDT" in progress
    assert "2 pairs: 2 ok, 0 usable, 0 unusable" in table


def test_sample_refuses_a_folder_that_is_not_empty(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "mine", "BTC/USDT:USDT")

    code, out, err = run("data", "sample", "--out", str(tmp_path / "mine"))

    assert code == 2
    assert out == ""
    assert f"{tmp_path / 'mine'} is not empty; give --out another folder, or --force" in err
    assert CandleFiles(tmp_path / "mine").pairs() == ["BTC/USDT:USDT"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--pairs", "0", "pairs must lie in 1..24, was 0"),
        ("--pairs", "25", "pairs must lie in 1..24, was 25"),
        ("--days", "1", "days must lie in 2..400, was 1"),
        ("--seed", "-1", "seed must be 0 or more, was -1"),
    ],
)
def test_sample_refuses_numbers_out_of_bounds_and_makes_nothing(
    run: Run, tmp_path: Path, option: str, value: str, words: str
) -> None:
    code, _, err = run("data", "sample", "--out", str(tmp_path / "new"), option, value)

    assert code == 2
    assert words in err
    assert not (tmp_path / "new").exists()
