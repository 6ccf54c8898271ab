from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def test_a_folder_of_somebody_else_ends_with_2_and_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear", encoding="utf-8")

    code, out, err = run("demo", "--out", str(mine))

    assert (code, out) == (2, "")
    assert f"{mine} holds files that no demo made; give --out another folder" in err
    assert [one.name for one in mine.iterdir()] == ["letter.txt"]
    assert (mine / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_a_market_without_candles_ends_with_2_and_makes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    code, _, err = run("demo", "--market", str(tmp_path / "empty"), "--out", str(tmp_path / "out"))

    assert code == 2
    assert "no 5m futures candles" in err
    assert not (tmp_path / "out").exists()


def test_an_out_that_cannot_be_made_ends_with_2_and_its_name(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    code, _, err = run("demo", "--out", str(tmp_path / "file" / "out"))

    assert code == 2
    assert str(tmp_path / "file" / "out") in err
    assert "Traceback" not in err
