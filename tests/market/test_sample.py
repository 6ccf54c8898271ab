"""The sample market on disk: labelled, repeatable, and read by freqtrade as it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from freqfleet.errors import InputError
from freqfleet.market.candles import CandleFiles
from freqfleet.market.quality import PairVerdict, check_datadir
from freqfleet.market.sample import SampleTruth, read_truth, write_sample
from freqfleet.market.synthetic import Kind
from freqfleet.testing.candle_tables import candle_table, write_candles

BTC, ETH, SOL = "BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleTruth]:
    out = tmp_path_factory.mktemp("market") / "sample"
    return out, write_sample(out, pairs=3, days=3, seed=7)


def candle_bytes(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "futures").iterdir()}


def test_the_files_are_those_that_freqtrade_looks_for(made: tuple[Path, SampleTruth]) -> None:
    out, _ = made

    assert {file.relative_to(out).as_posix() for file in out.rglob("*") if file.is_file()} == {
        "README.txt",
        "truth.json",
        *(f"futures/{base}_USDT_USDT-5m-futures.feather" for base in ("BTC", "ETH", "SOL")),
        *(f"futures/{base}_USDT_USDT-1m-futures.feather" for base in ("BTC", "ETH")),
        *(f"futures/{base}_USDT_USDT-1h-mark.feather" for base in ("BTC", "ETH", "SOL")),
        *(f"futures/{base}_USDT_USDT-1h-funding_rate.feather" for base in ("BTC", "ETH", "SOL")),
    }


def test_freqtrade_loads_every_file(made: tuple[Path, SampleTruth]) -> None:
    from freqtrade.data.history import load_pair_history
    from freqtrade.enums import CandleType

    out, _ = made
    rows = {
        (timeframe, kind.value): load_pair_history(
            ETH, timeframe, out, fill_up_missing=False, candle_type=kind
        )
        for timeframe, kind in (
            ("5m", CandleType.FUTURES),
            ("1m", CandleType.FUTURES),
            ("1h", CandleType.MARK),
            ("1h", CandleType.FUNDING_RATE),
        )
    }

    assert {key: len(frame) for key, frame in rows.items()} == {
        ("5m", "futures"): 3 * 288,
        ("1m", "futures"): 3 * 1440,
        ("1h", "mark"): 3 * 24,
        ("1h", "funding_rate"): 3 * 3,
    }
    assert str(rows["5m", "futures"]["date"].iloc[0]) == "2025-10-29 00:00:00+00:00"
    assert str(rows["5m", "futures"]["date"].iloc[-1]) == "2025-10-31 23:55:00+00:00"
    assert (rows["1h", "mark"]["volume"] == 0.0).all()
    assert rows["1h", "funding_rate"]["funding_rate"].abs().between(0.0, 0.003).all()


def test_freqtrade_finds_a_mark_price_for_every_funding_rate(made: tuple[Path, SampleTruth]) -> None:
    from freqtrade.data.history import load_pair_history
    from freqtrade.enums import CandleType
    from freqtrade.exchange import Exchange

    out, _ = made
    mark, funding = (
        load_pair_history(SOL, "1h", out, fill_up_missing=False, candle_type=kind)
        for kind in (CandleType.MARK, CandleType.FUNDING_RATE)
    )

    combined = Exchange.combine_funding_and_mark(funding, mark)

    assert len(combined) == 9


def test_the_candles_are_whole_and_sound(made: tuple[Path, SampleTruth]) -> None:
    out, _ = made

    assert [quality.verdict for quality in check_datadir(CandleFiles(out))] == [PairVerdict.OK] * 3


def test_minutes_and_five_minutes_tell_the_same_story(made: tuple[Path, SampleTruth]) -> None:
    out, _ = made
    bars, minutes = CandleFiles(out).load(BTC), CandleFiles(out, "1m").load(BTC)

    np.testing.assert_array_equal(bars.high, minutes.high.reshape(-1, 5).max(axis=1))
    np.testing.assert_array_equal(bars.low, minutes.low.reshape(-1, 5).min(axis=1))
    np.testing.assert_array_equal(bars.close, minutes.close[4::5])
    np.testing.assert_array_equal(bars.open[1:], bars.close[:-1])


def test_the_same_seed_makes_the_same_bytes_and_another_one_does_not(
    made: tuple[Path, SampleTruth], tmp_path: Path
) -> None:
    out, truth = made

    again = write_sample(tmp_path / "again", pairs=3, days=3, seed=7)
    write_sample(tmp_path / "other", pairs=3, days=3, seed=8)

    assert candle_bytes(tmp_path / "again") == candle_bytes(out)
    assert again == truth
    other = candle_bytes(tmp_path / "other")
    assert other.keys() == candle_bytes(out).keys()
    assert not any(other[name] == content for name, content in candle_bytes(out).items())


def test_the_truth_says_what_is_planted_in_every_pair(made: tuple[Path, SampleTruth]) -> None:
    _, truth = made
    btc, eth, sol = truth.pairs

    assert [(one.pair, one.kind) for one in truth.pairs] == [
        (BTC, Kind.EDGE_FREE),
        (ETH, Kind.MEAN_REVERTING),
        (SOL, Kind.MOMENTUM),
    ]
    assert (btc.edge, btc.best_stop_loss, btc.best_take_profit) == ("nothing", None, None)
    assert abs(btc.improvement_bps) < 4 * btc.standard_error_bps
    for planted in (eth, sol):
        assert planted.best_stop_loss is not None
        assert planted.best_take_profit is not None
        assert planted.best_take_profit >= 0.8 * -planted.best_stop_loss - 1e-12
        assert planted.improvement_bps > 40.0
        assert 0.0 < planted.standard_error_bps < 5.0
    assert (truth.seed, truth.days) == (7, 3)
    assert (truth.first, truth.last) == ("2025-10-29T00:00:00Z", "2025-10-31T23:55:00Z")


def test_the_truth_can_be_read_back(made: tuple[Path, SampleTruth]) -> None:
    out, truth = made

    assert read_truth(out) == truth


def test_everything_says_that_it_is_synthetic(made: tuple[Path, SampleTruth]) -> None:
    out, _ = made

    assert (out / "README.txt").read_text().startswith("SYNTHETIC")
    assert json.loads((out / "truth.json").read_text())["notice"].startswith("SYNTHETIC")


def test_real_candles_have_no_truth(tmp_path: Path) -> None:
    assert read_truth(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"pairs": [{"kind": "golden"}]}', '{"pairs": [], "x": 1}'])
def test_a_truth_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "truth.json").write_text(content)

    with pytest.raises(InputError, match=r"truth\.json is no truth of a sample .*make the sample again"):
        read_truth(tmp_path)


def test_force_replaces_an_earlier_sample_and_leaves_no_pair_of_it(tmp_path: Path) -> None:
    write_sample(tmp_path, pairs=2, days=2)

    with pytest.raises(InputError, match="is not empty"):
        write_sample(tmp_path, pairs=1, days=2)
    write_sample(tmp_path, pairs=1, days=2, force=True)

    assert CandleFiles(tmp_path).pairs() == [BTC]


def test_candles_that_no_sample_wrote_are_never_touched(tmp_path: Path) -> None:
    files = CandleFiles(tmp_path)
    write_candles(files.path(BTC), candle_table("minute open high low close volume\n0 1 1 1 1 1"))
    before = files.path(BTC).read_bytes()

    with pytest.raises(InputError, match="holds candles that no sample wrote; --force does not touch them"):
        write_sample(tmp_path, pairs=1, days=2, force=True)

    assert files.path(BTC).read_bytes() == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(InputError, match="is a file"):
        write_sample(tmp_path / "file", pairs=1, days=2)
    with pytest.raises(InputError, match=r"cannot make .*; give --out another folder"):
        write_sample(tmp_path / "file" / "below", pairs=1, days=2)


def test_progress_is_told_for_every_pair(tmp_path: Path) -> None:
    told: list[str] = []

    write_sample(tmp_path / "new", pairs=2, days=2, progress=told.append)

    assert told == [
        "simulating 2 days of 2 pairs",
        f"writing {BTC}",
        f"writing {ETH}",
        f"measuring what is planted in {BTC}",
        f"measuring what is planted in {ETH}",
    ]
