"""The harness around freqtrade: userdirs, environments, results, and commands that hang."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from freqfleet.errors import TradeSourceError, UnreachableError
from freqfleet.exchange.freqtrade_runs import (
    RunningFreqtrade,
    backtest_trades,
    clean_environment,
    make_userdir,
    newest_backtest,
    run_command,
    run_freqtrade,
)


def write_result(userdir: Path, name: str, strategy: str, trades: list[dict[str, str]]) -> None:
    folder = userdir / "backtest_results"
    content = json.dumps({"strategy": {strategy: {"trades": trades}}, "strategy_comparison": []})
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
        archive.writestr(f"{name}.json", content)
        archive.writestr(f"{name}_config.json", "{}")
    (folder / ".last_result.json").write_text(
        json.dumps({"latest_backtest": f"{name}.zip"}), encoding="utf-8"
    )


def test_a_userdir_holds_what_is_given(tmp_path: Path) -> None:
    folder = make_userdir(
        tmp_path / "ud", strategies={"a.py": "x = 1\n"}, configs={"bot.json": {"dry_run": True}}
    )

    assert (folder / "strategies" / "a.py").read_text(encoding="utf-8") == "x = 1\n"
    assert json.loads((folder / "config" / "bot.json").read_text(encoding="utf-8")) == {"dry_run": True}


def test_a_userdir_takes_the_strategies_of_a_folder(tmp_path: Path) -> None:
    source = make_userdir(tmp_path / "one", strategies={"a.py": "", "b.py": ""}) / "strategies"
    (source / "a.json").write_text("{}", encoding="utf-8")

    copied = make_userdir(tmp_path / "two", strategies=source) / "strategies"

    assert sorted(file.name for file in copied.iterdir()) == ["a.py", "b.py"]


def test_a_clean_environment_leaves_out_what_steers_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FREQTRADE__DRY_RUN", "FREQFLEET_STORE__URL", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "x")

    environment = clean_environment(EXTRA="1")

    assert [name for name in environment if name.startswith(("FREQ", "HTTPS", "https"))] == []
    assert (environment["EXTRA"], "PATH" in environment) == ("1", True)


def test_the_newest_result_is_the_one_freqtrade_points_at(tmp_path: Path) -> None:
    userdir = make_userdir(tmp_path / "ud")
    write_result(userdir, "old", "Tiny", [{"pair": "old"}])
    write_result(userdir, "new", "Tiny", [{"pair": "new"}])

    assert backtest_trades(userdir, "Tiny") == [{"pair": "new"}]
    assert set(newest_backtest(userdir)) == {"strategy", "strategy_comparison"}
    with pytest.raises(TradeSourceError, match="is of Tiny, not of Other"):
        backtest_trades(userdir, "Other")


def test_a_userdir_without_results_says_so(tmp_path: Path) -> None:
    with pytest.raises(TradeSourceError, match="no backtest result in"):
        newest_backtest(make_userdir(tmp_path / "ud"))


def test_a_command_that_ends_is_returned_with_both_outputs(tmp_path: Path) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"

    done = run_command([sys.executable, "-c", script], cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert done.tail().splitlines()[1:] == ["out", "err"]


def test_a_command_that_hangs_is_killed_and_shown(tmp_path: Path) -> None:
    script = "import sys, time; print('last words', file=sys.stderr, flush=True); time.sleep(60)"

    with pytest.raises(UnreachableError, match=r"within 1 s; its last words:\nlast words"):
        run_command([sys.executable, "-c", script], cwd=tmp_path, timeout_seconds=1.0)


def test_waiting_for_a_bot_that_has_ended_shows_its_log(tmp_path: Path) -> None:
    userdir = make_userdir(tmp_path / "ud")

    with (
        RunningFreqtrade(["trade", "-c", "absent.json"], userdir) as bot,
        pytest.raises(UnreachableError, match=r"(?s)ended with 2 after .*absent.json"),
    ):
        bot.wait_until(lambda: False, timeout_seconds=180, every=0.05)

    assert bot.returncode == 2


def test_the_folders_that_freqtrade_makes_are_there_before_several_start_at_once(tmp_path: Path) -> None:
    from freqtrade.configuration.directory_operations import create_userdata_dir

    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    create_userdata_dir(str(theirs), create_dir=True)

    run_freqtrade(["--version"], ours, prefix=["true"])  # `true` starts in its place
    run_freqtrade(["--version"], ours, prefix=["true"])

    assert {one.name for one in ours.iterdir()} == {one.name for one in theirs.iterdir()}
