from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.cli.params_tables import print_champions, print_history
from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.leverage_bins import LEVERAGE_BINS
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.market.candles import CandleFiles
from freqfleet.parameters.version import ParameterVersion, Stage
from freqfleet.store.sql import SqlStore
from freqfleet.testing.candle_tables import candle_table, write_candles
from freqfleet.testing.records import bin_record
from freqfleet.testing.trades import version

Run = Callable[..., tuple[int, str, str]]
MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
DAY = timedelta(days=1)
PAIR = "BTC/USDT:USDT"


@pytest.fixture
def publish(userdir: Path) -> Callable[..., None]:
    def publish(*versions: ParameterVersion) -> None:
        store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
        assert store.publish_parameters(versions).accepted == len(versions)
        store.close()

    return publish


def test_an_empty_store_says_that_the_defaults_hold(run: Run):
    code, out, err = run("params", "list", "--at", "2025-11-03")
    again = run("params", "list")[2]

    assert code == 0
    assert "there was no learning store at " in err
    assert "`freqfleet sync` fills it" in err
    assert again == ""
    assert out.splitlines() == [
        "Nothing is in force as of 2025-11-03 00:00 UTC: every position trades on the defaults:",
        "stop -3.00 %, target 3.00 % on price, closed after 24 h",
    ]


def test_list_shows_what_is_in_force_with_its_age(run: Run, publish):
    publish(
        version(recorded_at=MONDAY, evidence=Evidence(trades=234, p_value=0.0004)),
        version(recorded_at=MONDAY, pair="ETH/USDT:USDT", stage=Stage.CANDIDATE),
    )

    code, out, _ = run("params", "list", "--at", "2025-11-05")

    assert code == 0
    (row,) = [line for line in out.splitlines() if line.startswith("BTC/")]
    assert " ".join(row.split()) == (
        "BTC/USDT:USDT long -2.00 % 4.50 % 24 h – optuna 234 0.0004 2025-11-03 00:00 UTC 2.0 d"
    )
    assert "ETH" not in out


def in_a_terminal(monkeypatch: pytest.MonkeyPatch, *, columns: int, kind: str) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)


def test_list_cuts_nothing_in_a_narrow_terminal(capsys, monkeypatch):
    in_a_terminal(monkeypatch, columns=80, kind="dumb")  # without colours, so that lines can be measured
    listed = [
        version(
            pair="1000SHIB/USDT:USDT",
            side=Side.SHORT,
            leverage_bin=bin_,
            take_profit=0.2,
            volatility_scaling=0.25,
            atr_reference_ratio=0.004,
            time_limit_minutes=315,
            recorded_at=MONDAY,
            evidence=Evidence(trades=1234, p_value=0.0004),
        )
        for bin_ in (None, LEVERAGE_BINS[1])
    ]

    print_champions(listed, listed[0].parameters, MONDAY + 374.1 * DAY)

    out = capsys.readouterr().out
    assert max(len(line) for line in out.splitlines()) <= 80
    assert out.count("374.1 d") == 2
    assert out.count("1000SHIB") == 2
    assert "1000SHIB/" not in out  # the base is enough, and leaves room for the numbers


def test_history_cuts_nothing_in_a_narrow_terminal(capsys, monkeypatch):
    in_a_terminal(monkeypatch, columns=80, kind="xterm")

    print_history(PAIR, [version(recorded_at=MONDAY, run_id="20251103T000000Z-993e2b")])

    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert "20251103T000000Z-993e2b" in out


def test_list_as_of_a_time_does_not_see_what_was_recorded_later(run: Run, publish):
    publish(version(recorded_at=MONDAY, valid_from=MONDAY - 30 * DAY))

    before = json.loads(run("params", "list", "--at", "2025-11-02", "--json", "-")[1])
    after = json.loads(run("params", "list", "--at", "2025-11-04", "--json", "-")[1])

    assert before["champions"] == []
    assert [one["effective_from"] for one in after["champions"]] == ["2025-11-03T00:00:00Z"]
    assert after["champions"][0]["age_seconds"] == 86_400


@pytest.mark.parametrize("asked", [("list",), ("explain", PAIR)], ids=["list", "explain"])
def test_a_version_from_the_future_is_said_and_not_in_force(run: Run, publish, asked: tuple[str, ...]):
    publish(version(recorded_at=datetime.now(UTC) + 2 * DAY, stop_loss=-0.05))

    _, out, err = run("params", *asked)

    assert "1 parameter version was recorded at " in err
    assert "set the clock that is wrong" in err
    assert "-5.00 %" not in out
    assert "default" in out
    assert "default default" not in out


def test_explain_shows_the_chain_and_both_levels(run: Run, publish):
    publish(
        version(recorded_at=MONDAY),
        version(recorded_at=MONDAY + DAY, stage=Stage.RETIRED, run_id="retracted"),
        version(
            pair=None,
            recorded_at=MONDAY,
            stop_loss=-0.0201,
            take_profit=0.0455,
            volatility_scaling=0.5,
            atr_reference_ratio=0.0031,
            evidence=Evidence(
                trades=4711,
                plateau_neighbours=9,
                plateau_mean_profit=0.00215,
                plateau_least_profit=-0.0003,
            ),
        ),
    )

    code, out, _ = run("params", "explain", PAIR, "--side", "long", "--leverage", "3", "--at", "2025-11-06")

    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "BTC/USDT:USDT long at 3x, as of 2025-11-06 00:00 UTC"
    assert lines[2] == "pair BTC/USDT:USDT long: retired"
    assert lines[6] == "inherited every pair long: in force"
    assert lines[8] == "valid from 2025-11-03 00:00 UTC, recorded 2025-11-03 00:00 UTC, 3.0 d old"
    assert lines[9] == "learned until 2025-11-03 00:00 UTC, from 4,711 trades"
    assert lines[10] == "it and its 8 neighbours earn +21.5 bps in-sample on average, the worst -3.0 bps"
    assert lines[13] == "stop -2.01 % -6.03 %"
    assert lines[14] == "target 4.55 % 13.65 %"
    assert lines[15] == "closed after 24 h at the latest"
    assert "(ATR at entry / 0.31 %) to the power of 0.50" in lines[16]


def test_explain_says_who_speaks_for_the_leverage(run: Run, userdir: Path):
    store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
    store.record_bins([bin_record(pair=PAIR, step=LEVERAGE_BINS[1], recorded_at=MONDAY)])
    store.close()
    asked = ("params", "explain", PAIR, "--side", "long", "--leverage", "2.2", "--at", "2025-11-05")

    _, out, _ = run(*asked)
    (told,) = json.loads(run(*asked, "--json", "-")[1])["explanations"]

    assert "for 2.0-3.5 speaks BTC/USDT:USDT long 2.0-3.5, 200 trades, +25.0 ± 5.0 bps a trade" in out
    assert told["bin_record"]["leverage_bin"] == "2.0-3.5"
    assert "no bin record speaks for 2.0-3.5" in run(*asked[:-1], "2025-11-02")[1]


def test_explain_says_bins_and_defaults_of_both_sides(run: Run, publish):
    publish(
        version(
            pair=None,
            side=Side.SHORT,
            leverage_bin=LEVERAGE_BINS[-1],
            source=ExitSource.BIN,
            recorded_at=MONDAY,
        )
    )

    answer = json.loads(
        run("params", "explain", PAIR, "--leverage", "12", "--at", "2025-11-05", "--json", "-")[1]
    )
    _, out, _ = run("params", "explain", PAIR, "--leverage", "12", "--at", "2025-11-05")

    long, short = answer["explanations"]
    assert (long["side"], long["source"], long["version"]) == ("long", "default", "default")
    assert [link["verdict"] for link in long["chain"]] == ["nothing published"] * 4 + ["in force"]
    assert (short["source"], short["chain"][-1]["key"]) == ("bin", "every pair short 7.5-10.0")
    assert short["margin_level"]["stop_loss"] == pytest.approx(-0.24)
    assert short["position_level"]["stop_loss"] == -0.02
    assert "12x lies beyond the leverage bins; it counts as 7.5-10.0" in out


def test_explain_takes_the_leverage_of_the_settings(run: Run):
    assert json.loads(run("params", "explain", PAIR, "--json", "-")[1])["leverage"] == 3.0


def test_history_lists_every_version_oldest_first(run: Run, publish):
    publish(
        version(recorded_at=MONDAY, run_id="first"),
        version(recorded_at=MONDAY + DAY, valid_from=MONDAY - DAY, run_id="backfill"),
        version(recorded_at=MONDAY, side=Side.SHORT, run_id="short"),
        version(recorded_at=MONDAY, pair="ETH/USDT:USDT", run_id="other"),
    )

    _, out, _ = run("params", "history", PAIR, "--side", "long")
    both = json.loads(run("params", "history", PAIR, "--json", "-")[1])

    assert [line.split()[-1] for line in out.splitlines()] == ["Why", "first", "backfill"]
    assert "2025-11-04 00:00 UTC, valid from 2025-11-02 00:00 UTC" in out
    assert [one["run_id"] for one in both["versions"]] == ["first", "short", "backfill"]


def test_a_pair_without_history_is_no_fault(run: Run):
    assert run("params", "history", PAIR)[:2] == (0, f"Nothing was ever recorded for {PAIR}.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "btc"], "not a pair: 'btc'"),
        (["history", "btc"], "not a pair: 'btc'"),
        (["explain", PAIR, "--side", "up"], "side must be long or short, was 'up'"),
        (["explain", PAIR, "--leverage", "0.5"], "leverage must be at least 1, was 0.5"),
        (["list", "--at", "soon"], "not a time: 'soon'"),
    ],
)
def test_wrong_arguments_end_with_2(run: Run, arguments: list[str], said: str):
    code, out, err = run("params", *arguments)

    assert (code, out) == (2, "")
    assert said in err


def test_explain_says_how_old_the_book_is_and_what_follows_the_path(run: Run, publish):
    managed = ManagedExits(
        stop_loss=-0.02,
        take_profit=0.05,
        giveback_ratio=0.5,
        giveback_activation_ratio=0.02,
        trailing_stop_ratio=0.01,
        trailing_activation_ratio=0.03,
        break_even_after_ratio=0.0125,
        partial_targets=((0.02, 0.5),),
        regime_exit_z=1.5,
    )
    asked = ("params", "explain", PAIR, "--side", "long", "--at", "2025-11-06")
    empty = run(*asked)[1]
    publish(version(recorded_at=MONDAY, parameters=managed))

    _, out, _ = run(*asked)

    assert "the book is empty" in empty
    assert "the newest of 1 version took effect 3.0 d before" in out
    assert "giveback: left when 50.00 % of the best profit (of closes) is lost, once that was 2.00 %" in out
    assert "trailing: the stop follows 1.00 % behind the best price of closed candles, once" in out
    assert "break-even: the stop moves to entry plus fees, once" in out
    assert "partial targets are replayed only" in out
    assert "regime: left when the day's trend turns 1.5" in out
    listed = run("params", "list", "--at", "2025-11-06")[1]
    assert (
        f"{PAIR} long follows the path: giveback 50 % of the best profit from 2.00 %, trailing stop 1.00 % "
        "from 3.00 %, break-even after 1.25 %, regime exit at 1.50"
    ) in listed


def test_a_pair_that_has_no_candles_is_told_the_nearest_that_has(run: Run, publish, userdir: Path):
    publish(version(recorded_at=MONDAY, pair="ETH/USDT:USDT"))
    write_candles(
        CandleFiles(userdir / "data" / "binance").path(PAIR),
        candle_table("minute open high low close volume\n 0 1 1 1 1 1"),
    )

    told = {pair: run("params", "explain", pair) for pair in ("BTC/UDST:USDT", PAIR, "ETH/USDT:USDT")}
    _, _, of_history = run("params", "history", "BTC/UDST:USDT")

    assert told["BTC/UDST:USDT"][2] == f"BTC/UDST:USDT has no candles here; did you mean {PAIR}?\n"
    assert told["BTC/UDST:USDT"][0] == 0
    assert of_history == told["BTC/UDST:USDT"][2]
    assert told[PAIR][2] == told["ETH/USDT:USDT"][2] == ""
