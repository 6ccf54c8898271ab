"""The benchmark itself must not rot: a small one runs, its engines agree, its page says what it is.

No time is judged here: this machine may be busy, and a small run says nothing about the bars.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from freqfleet.clock import to_ms
from freqfleet.domain.sides import Side
from freqfleet.market.candles import CandleFiles
from synthetic_market import write_plain_market

sys.path.insert(0, str(Path(__file__).parents[2]))  # the bench lies beside the package, not in it

from bench import contest
from bench.machine import Surroundings, measured_commit
from bench.market import Market, write_market
from bench.measure import BenchError, environment, run
from bench.ours import limits_to
from bench.page import updated
from bench.store import main as store_bench
from bench.table import Row, Section, at_least_times, at_most, missed, not_measured, to_markdown
from bench.trades import seeded_trades

ROOT = Path(__file__).parents[2]
needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="the measured engine needs numba")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs of thirteen days, where the bench looks for real candles."""
    folder = tmp_path_factory.mktemp("shared")
    write_plain_market(folder / "market" / "bench" / "binance", days=13)
    return folder


def cut(shared: Path, folder: Path, windows: int, days: int) -> Market:
    return write_market(folder, windows=windows, days=days, shared=shared, seed=1)


# -- the load --------------------------------------------------------------------------------------------


def test_a_long_pair_is_cut_into_windows_that_share_no_candle(shared: Path, tmp_path: Path) -> None:
    market = cut(shared, tmp_path, windows=4, days=6)

    files = CandleFiles(market.datadir)
    first, second = (files.load(pair) for pair in ("BTCB1/USDT:USDT", "BTCB2/USDT:USDT"))
    assert len(first) == len(second) == 6 * 288 - 1
    assert second.time_ms[0] - first.time_ms[-1] == first.timeframe_ms


def test_windows_beyond_the_candles_are_used_again_and_the_report_says_how_many(
    shared: Path, tmp_path: Path
) -> None:
    market = cut(shared, tmp_path, windows=5, days=6)

    assert [one.again for one in market.windows] == [None] * 4 + ["BTCB1/USDT:USDT"]
    assert "4 disjoint windows (4 of bench), 1 of them used again under another name" in market.described
    files = CandleFiles(market.datadir)
    assert np.array_equal(files.load("BTCB1X2/USDT:USDT").close, files.load("BTCB1/USDT:USDT").close)


def test_candles_too_short_for_one_window_are_refused_with_the_remedy(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no candle file holds 30 days; give fewer days"):
        cut(shared, tmp_path, windows=1, days=30)


def test_trades_are_seeded_enter_at_opens_and_leave_room_for_the_longest_horizon(
    shared: Path, tmp_path: Path
) -> None:
    market = cut(shared, tmp_path, windows=2, days=6)

    once, again = (list(seeded_trades(market, count=50, reserve_candles=288, seed=3)) for _ in range(2))

    assert once == again
    assert [len(batch) for batch in once] == [50, 50]
    candles = CandleFiles(market.datadir).load(market.pairs[0])
    entries = np.searchsorted(candles.time_ms, [to_ms(one.opened_at) for one in once[0]])
    assert len(set(entries)) == 50
    assert entries.max() + 288 < len(candles)
    assert [one.open_rate for one in once[0]] == candles.open[entries].tolist()
    assert {one.side for one in once[0]} == set(Side)


def test_one_sided_trades_are_long_and_short_in_turn(shared: Path, tmp_path: Path) -> None:
    market = cut(shared, tmp_path, windows=2, days=6)

    batches = seeded_trades(market, count=20, reserve_candles=12, seed=3, one_side=True)

    assert [{one.side for one in batch} for batch in batches] == [{Side.LONG}, {Side.SHORT}]


@pytest.mark.parametrize(("minutes", "last"), [(60, 60), (1440, 1440), (10_080, 10_080)])
def test_twelve_time_limits_lie_on_whole_candles_up_to_the_horizon(minutes: int, last: int) -> None:
    limits = limits_to(minutes, 12)

    assert len(limits) == 12
    assert limits[-1] == last
    assert all(one % 5 == 0 for one in limits)


# -- the page --------------------------------------------------------------------------------------------


def test_a_bar_holds_up_to_its_value_and_what_nobody_measured_has_not_held() -> None:
    rows = (
        at_most("a", 10.0, 10.0, "CPU-s"),
        at_most("b", 10.1, 10.0, "CPU-s"),
        at_least_times("c", 300.0, 300.0),
        at_least_times("d", 299.0, 300.0),
        not_measured("e", ">= x1", "no venv"),
        Row(work="f", measured="shown only"),
    )

    assert [row.work for row in missed([Section(title="all", rows=rows)])] == ["b", "d", "e"]


def test_a_page_under_way_is_no_change_of_what_is_measured(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True, capture_output=True)

    code, page = tmp_path / "engine.py", tmp_path / "docs" / "benchmarks.md"
    page.parent.mkdir()
    for path in (code, page):
        path.write_text("before", encoding="utf-8")
    git("init")
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-m", "both")
    committed = measured_commit(tmp_path)

    page.write_text("after", encoding="utf-8")
    with_a_page = measured_commit(tmp_path)
    code.write_text("after", encoding="utf-8")
    with_code = measured_commit(tmp_path)

    assert len(committed) == 12
    assert with_a_page == committed
    assert with_code == f"{committed}, with changes"


def test_the_page_names_machine_versions_and_date() -> None:
    where = Surroundings(
        date="2026-01-02",
        commit="abc",
        machine="a machine",
        load="0.1",
        versions="numpy 2",
        market="two windows",
    )

    page = to_markdown([Section(title="Work", rows=(at_most("w", 1.0, 2.0, "CPU-s"),))], where)

    assert "- date: 2026-01-02" in page
    assert "- machine: a machine" in page
    assert "| w | 1.00 CPU-s | <= 2 CPU-s | yes |" in page


# -- measuring -------------------------------------------------------------------------------------------


def test_a_part_that_is_measured_again_takes_its_place_and_the_others_keep_theirs() -> None:
    def where(date: str) -> Surroundings:
        return Surroundings(date=date, commit="c", machine="m", load="0.1", versions="v", market="l")

    def section(title: str, measured: str) -> Section:
        return Section(title=title, rows=(Row(work="w", measured=measured),), notes=("a note",))

    first = updated("", [section("Work", "5 CPU-s"), section("Peers", "x300")], where("2026-01-01"))
    second = updated(first, [section("Work", "4 CPU-s")], where("2026-01-02"))

    assert second.count("## ") == 2
    assert second.index("## Work") < second.index("## Peers")
    assert [text in second for text in ("5 CPU-s", "4 CPU-s", "x300")] == [False, True, True]
    assert second.count("measured on 2026-01-01, commit c, load average 0.1") == 1
    assert second.count("measured on 2026-01-02, commit c, load average 0.1") == 1
    assert updated(second, [section("Work", "4 CPU-s")], where("2026-01-02")) == second


def test_a_part_of_the_store_is_measured_alone_and_the_rest_of_its_page_stays(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks-store.md"
    page.write_text("# A page\n\n## Backfill\n\nas it was\n\n## Relearn load\n\nold\n", encoding="utf-8")

    done = CliRunner().invoke(
        store_bench, ["--quick", "--part", "relearn", "--date", "2026-01-02", "--out", str(page)]
    )

    assert done.exit_code == 0, done.output
    written = page.read_text(encoding="utf-8")
    assert re.search(r"90 days, [45],\d{3} of 20,000 trades, SQLite \| \d+\.\d\d CPU-s", written)
    assert "measured on 2026-01-02" in written
    assert ("as it was" in written, "old" in written) == (True, False)


def test_a_measured_command_that_fails_says_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="ended with 3:\nbroken"):
        run(
            [sys.executable, "-c", "import sys; print('broken', file=sys.stderr); sys.exit(3)"],
            env=environment(),
            cwd=tmp_path,
        )


def test_the_cost_of_a_command_is_its_own_cpu_time(tmp_path: Path) -> None:
    idle = run([sys.executable, "-c", "import time; time.sleep(0.5)"], env=environment(), cwd=tmp_path)
    busy = run([sys.executable, "-c", "sum(range(30_000_000))"], env=environment(), cwd=tmp_path)

    assert busy.cpu_seconds > idle.cpu_seconds
    assert idle.wall_seconds >= 0.5


@needs_numba
@pytest.mark.acceptance
def test_engines_agree_on_every_trade_and_ours_takes_less(shared: Path, tmp_path: Path) -> None:
    engines = [one for one in contest.PEERS if not one.own_venv or contest.PEER_PYTHON.is_file()]
    work = contest.draw_work(
        cut(shared, tmp_path, windows=2, days=6),
        tmp_path,
        base="BTC",
        trades=60,
        vectors=50,
        limit=48,
        reserve_candles=60,
        seed=5,
    )

    results, surface = contest.hold(work, tmp_path, rounds=1, our_vectors=50, grid=20, engines=engines)

    assert [one.engine for one in results] == engines
    assert {one.engine.name: one.same_share for one in results} == {one.name: 1.0 for one in engines}
    assert all(one.ratio > 1.0 for one in results)
    assert surface > 0.0


@needs_numba
@pytest.mark.acceptance
def test_a_quick_bench_runs_to_its_end_and_writes_the_page(shared: Path, tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    parts = [word for part in ("work", "start_up", "overhead") for word in ("--part", part)]

    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--shared", str(shared), "--date", "2026-01-02",
         "--out", str(page), *parts],
        cwd=ROOT, capture_output=True, text=True, check=False, env=environment(),
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    written = page.read_text(encoding="utf-8")
    assert "- date: 2026-01-02" in written
    assert "960,000 exact vectors a pair" in written
    assert "real candles, 2 disjoint windows (2 of bench)" in written
    overhead = re.search(r"constants \| ([0-9.]+)x", written)
    assert overhead is not None
    assert 0.2 < float(overhead[1]) < 5.0
