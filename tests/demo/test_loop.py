"""Where a demo may write: its own folder, and nothing of anybody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from freqfleet.demo.loop import MARKER, run_demo
from freqfleet.errors import InputError, MarketError
from synthetic_market import write_plain_market


class Silent:
    """A watcher that remembers the steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, name: str) -> None:
        self.steps.append(name)

    def decided(self, pair: str, pairs: int) -> None:
        raise AssertionError("nothing is decided here")


def files(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def earlier_demo(out: Path) -> Path:
    out.mkdir()
    (out / MARKER).write_text("", encoding="utf-8")
    (out / "report.html").write_text("<p>yesterday</p>", encoding="utf-8")
    return out


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    (out / "chapters").mkdir(parents=True)
    (out / "chapters" / "one.tex").write_text("Call me Ishmael.", encoding="utf-8")
    before, watcher = files(out), Silent()

    with pytest.raises(InputError, match=rf"{out} holds files that no demo made; give --out"):
        run_demo(None, out, watcher)

    assert files(out) == before
    assert watcher.steps == []


def test_candles_inside_the_folder_that_would_be_replaced_are_refused_and_kept(tmp_path: Path) -> None:
    out = earlier_demo(tmp_path / "demo-out")
    market = write_plain_market(out / "market", days=2)
    before = files(out)

    with pytest.raises(InputError, match="lie inside"):
        run_demo(market, out, Silent())

    assert files(out) == before


@pytest.mark.parametrize("days", [None, 2], ids=["no candles", "too few days"])
def test_an_earlier_demo_stays_where_the_new_one_has_no_usable_candles(
    tmp_path: Path, days: int | None
) -> None:
    out, market = earlier_demo(tmp_path / "demo-out"), tmp_path / "market"
    if days is not None:
        write_plain_market(market, days=days)
    before = files(out)

    with pytest.raises(MarketError):
        run_demo(market, out, Silent())

    assert files(out) == before
