import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from freqfleet.cli import main
from freqfleet.clock import iso
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import load_settings
from freqfleet.store.heartbeat import heartbeats
from freqfleet.store.one_at_a_time import OneAtATime
from freqfleet.testing.candle_tables import write_candles
from freqfleet.wiring import open_store
from replaycases import BTC, WAVE_CANDLES, after, waves

ETH = "ETH/USDT:USDT"
WAVES = 80
PEAKS = np.random.default_rng(1).normal(0.08, 0.02, WAVES).clip(0.03, 0.14)
AS_OF = iso(after(5 * WAVE_CANDLES * (WAVES + 2)))
FLEET = """
[optimizer]
time_limit_minutes = [240]
trials = 20
[defaults]
time_limit_minutes = 240
"""


@pytest.fixture
def userdir(tmp_path):
    """A userdir with candles of two pairs, and BTC trades that a wider target would improve."""
    folder = tmp_path / "user_data"
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "fleet.toml").write_text(FLEET)
    settings = load_settings(folder)
    candles, trades = waves(PEAKS)
    files = CandleFiles(settings.datadir)
    for pair in (BTC, ETH):
        write_candles(files.path(pair), replace(candles, pair=pair))
    store = open_store(settings)
    store.record_closed_trades(trades)
    store.close()
    return folder


@pytest.fixture
def freqfleet(monkeypatch, capfd, userdir):
    """Run the program; returns its exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["freqfleet", "--userdir", str(userdir), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code, out, err

    return run


def published(userdir):
    store = open_store(load_settings(userdir))
    try:
        return store.parameter_versions()
    finally:
        store.close()


def test_publishes_what_beats_the_defaults_and_ends_with_0(freqfleet, userdir):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF)

    assert code == 0
    assert [one.key.label for one in published(userdir)] == [f"{BTC} long"]
    assert "BTC long  published" in out
    assert "skipped: 0 trades, 60 needed: BTC short, ETH long, ETH short" in out
    assert "replayed trades: BOT1 60, BOT3 20" in out
    assert "published 1, skipped 3" in out


def test_ends_with_1_where_nothing_was_published(freqfleet):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--days-back", "1")

    assert code == 1
    assert "4 trades, 60 needed" in out


def test_a_run_that_certifies_nothing_says_by_what_it_is_explained(freqfleet, userdir):
    strict = "[gate]\nfdr = 1e-300\npooled_alpha = 1e-300\n"
    (userdir / "config" / "fleet.toml").write_text(FLEET + strict)

    code, out, _ = freqfleet("optimize", "--as-of", AS_OF)

    said = " ".join(out.split())
    assert code == 1
    assert "nothing is certified: chance explains it. Other exits looked better for 1 of 1 pair side" in said
    assert "1 had trades enough to be tested alone, the smallest p after counting them all is" in said


def test_a_run_over_some_of_the_pairs_says_how_far_its_error_rate_reaches(freqfleet):
    _, some, _ = freqfleet("optimize", "--pairs", BTC, "--as-of", AS_OF, "--dry-run")
    _, every, _ = freqfleet("optimize", "--as-of", AS_OF, "--dry-run")

    said = "note: 1 pairs with candles were not asked for: the error rate holds within this run only"
    assert said in " ".join(some.split())
    assert "the error rate holds" not in " ".join(every.split())


def test_only_a_run_about_now_keeps_paper_accounts(freqfleet, userdir):
    accounts = userdir / "optimizer" / "standings.json"

    freqfleet("optimize", "--as-of", AS_OF)
    freqfleet("optimize", "--days-back", "3000", "--dry-run")
    assert not accounts.exists()
    freqfleet("optimize", "--days-back", "3000")

    assert set(json.loads(accounts.read_text())["records"]) == {f"{BTC} long"}


def test_a_run_about_now_gives_a_heartbeat_that_says_what_it_learned(freqfleet, userdir):
    freqfleet("optimize", "--as-of", AS_OF)
    freqfleet("optimize", "--days-back", "3000", "--dry-run")
    assert heartbeats(userdir / "heartbeats") == []

    freqfleet("optimize", "--days-back", "3000")

    (beat,) = heartbeats(userdir / "heartbeats")
    assert (beat.service, beat.every_seconds) == ("optimize", None)
    assert beat.said.startswith("learned from 80 trades of 2 pairs: 1 kept, 3 skipped, ")


def test_of_two_runs_on_one_userdir_the_second_is_refused_and_told_who_runs(freqfleet, userdir):
    accounts = userdir / "optimizer" / "standings.json"
    with OneAtATime(userdir / "heartbeats" / "optimize.lock", "`freqfleet optimize`", datetime.now(UTC)):
        code, _, err = freqfleet("optimize", "--days-back", "3000", "--study", "mine")
        looked, _, _ = freqfleet("optimize", "--days-back", "3000", "--dry-run")
        of_the_past, _, _ = freqfleet("optimize", "--as-of", AS_OF)

    assert code == 2
    assert f"another `freqfleet optimize` runs: process {os.getpid()} on " in err
    assert not accounts.exists()
    assert (looked, of_the_past) == (0, 0)
    assert freqfleet("optimize", "--days-back", "3000")[0] == 1  # what --as-of published is in force
    assert accounts.exists()


def test_a_certified_change_that_comes_too_soon_is_not_called_chance(freqfleet, userdir):
    first, _, _ = freqfleet("optimize", "--days-back", "3000")
    (version,) = published(userdir)
    freqfleet("params", "retire", version.version_id, "--note", "by hand")

    second, out, _ = freqfleet("optimize", "--days-back", "3000")

    assert (first, second) == (0, 1)
    assert "nothing is published: 1 certified pair side changed too lately, see above" in out
    assert "chance explains it" not in out


def test_what_an_adaptive_search_found_is_shown_and_not_published(freqfleet, userdir):
    code, out, _ = freqfleet(
        "optimize", "--as-of", AS_OF, "--search", "random", "--trials", "60", "--json", "-"
    )

    decision = json.loads(out)["decisions"][0]
    assert code == 1
    assert decision["verdict"] == "kept"
    _, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--search", "random", "--trials", "60")
    assert "nothing is certified: nothing could be tested, for the reasons above" in out
    assert decision["reason"].startswith(
        "cannot certify: --search random chose its candidates by looking at every"
    )
    assert published(userdir) == []


def test_dry_run_stores_nothing_and_says_so(freqfleet, userdir):
    code, out, _ = freqfleet("optimize", "--as-of", AS_OF, "--dry-run")

    assert code == 0
    assert "dry run: nothing was stored" in out
    assert published(userdir) == []


def test_json_to_stdout_is_nothing_but_json(freqfleet):
    code, out, _ = freqfleet(
        "optimize", "--as-of", AS_OF, "--json", "-", "--search", "grid", "--trials", "100"
    )

    document = json.loads(out)
    assert code == 0
    assert document["schema"] == 1
    assert 50 < document["candidates"] <= 125  # five steps on each of three axes, constraints kept
    assert [(one["pair"], one["side"]) for one in document["decisions"]] == [
        (BTC, "long"), (BTC, "short"), (ETH, "long"), (ETH, "short"),
    ]  # fmt: skip


def test_exact_is_the_default_and_says_that_it_needs_no_trials(freqfleet):
    code, out, err = freqfleet("optimize", "--as-of", AS_OF, "--json", "-", "--trials", "7", "--dry-run")

    document = json.loads(out)
    assert code == 0
    assert document["search"] == "exact"
    assert document["candidates"] > 50_000
    assert "trials = 7 is for searches that sample" in err


def test_pairs_come_after_one_flag_or_after_several(freqfleet):
    asked = [
        json.loads(freqfleet("optimize", *pairs, "--as-of", AS_OF, "--json", "-", "--dry-run")[1])
        for pairs in (("--pairs", ETH, BTC), ("--pairs", ETH, "--pairs", BTC))
    ]

    for document in asked:
        assert [one["pair"] for one in document["decisions"]] == [ETH, ETH, BTC, BTC]


def test_seed_config_of_the_userdir_is_used_and_said(freqfleet, userdir):
    log = {"level": "INFO", "file": "user_data/logs/optuna_optimizer.log"}
    config = {"optimization": {"n_trials": 9}, "pairs": {"blacklist": [ETH]}, "logging": log}
    (userdir / "config" / "optuna_config.json").write_text(json.dumps(config))

    _, out, err = freqfleet("optimize", "--as-of", AS_OF, "--json", "-", "--search", "random")

    document = json.loads(out)
    assert {one["pair"] for one in document["decisions"]} == {BTC}
    assert document["candidates"] == 9
    assert "optuna_config.json are in use" in err
    assert "80 trades (train: 55, test: 24)" in (userdir / "logs" / "optuna_optimizer.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((BTC,), f"give pairs after --pairs: --pairs {BTC}"),
        (("--as-of", "2099-01-01"), "--as-of 2099-01-01T00:00:00Z lies in the future"),
        (("--as-of", "yesterday"), "not a time: 'yesterday'"),
        (("--pairs", "BTC"), "not a pair: 'BTC'"),
        (("--trials", "0"), "0 is not in the range"),
        (("--config", "gone.json"), "cannot read gone.json"),
    ],
)
def test_wrong_arguments_end_with_2_and_a_sentence(freqfleet, userdir, arguments, message):
    code, out, err = freqfleet("optimize", *arguments)

    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert published(userdir) == []


def test_missing_candles_end_with_2(freqfleet, userdir):
    (userdir / "config" / "fleet.toml").write_text('[market]\ndatadir = "user_data/data/other"\n')

    code, _, err = freqfleet("optimize", "--as-of", AS_OF)

    assert code == 2
    assert "no candle folder" in err
    assert not (userdir / "heartbeats").exists()  # it had not begun


def test_store_that_cannot_be_reached_ends_with_3(freqfleet):
    code, _, err = freqfleet("--store", "sqlite:////nowhere/at/all.sqlite", "optimize")

    assert code == 3
    assert "nowhere" in err


def test_every_trial_is_logged_with_profit_best_and_time_to_go(freqfleet, userdir):
    freqfleet("optimize", "--as-of", AS_OF, "--search", "random", "--trials", "12")

    text = (userdir / "logs" / "optuna_optimizer.log").read_text()
    assert "BTC/USDT:USDT long: 80 trades (train: 55, test: 24), median entry ATR ratio 0.0" in text
    trials = [line for line in text.splitlines() if "trial " in line]
    assert len(trials) == 12
    assert "INFO: trial 1/12: stop_loss -" in trials[0]
    assert all(word in trials[5] for word in ("take_profit", ": profit ", "best so far ", " bps", "ETA "))
    assert "ETA 0 s" in trials[-1]


def test_csv_holds_a_row_for_every_decision(freqfleet, tmp_path):
    freqfleet("optimize", "--as-of", AS_OF, "--dry-run", "--csv", str(tmp_path / "decisions.csv"))

    lines = (tmp_path / "decisions.csv").read_text().splitlines()
    assert len(lines) == 5
    assert "stop_loss_position_ratio" in lines[0]


@pytest.mark.parametrize("search", ["random", "exact"])
def test_importance_is_measured_when_asked_for(freqfleet, search):
    asked = ("optimize", "--as-of", AS_OF, "--dry-run", "--search", search, "--trials", "40")

    _, without, _ = freqfleet(*asked, "--json", "-")
    _, measured, _ = freqfleet(*asked, "--json", "-", "--importance")
    _, shown, _ = freqfleet(*asked, "--importance")

    assert json.loads(without)["decisions"][0]["parameter_importance"] is None
    shares = json.loads(measured)["decisions"][0]["parameter_importance"]
    assert shares["take_profit"] > 0.1
    assert sum(shares.values()) < 1.0 + 1e-9
    assert "BTC long importance: " in shown


def test_two_jobs_decide_as_one_does(freqfleet):
    asked = ("optimize", "--as-of", AS_OF, "--dry-run", "--search", "tpe", "--json", "-")

    one, two = (json.loads(freqfleet(*asked, "--jobs", jobs)[1]) for jobs in ("1", "2"))

    assert one["decisions"] == two["decisions"]


def test_old_studies_give_way_and_that_is_said(freqfleet, userdir):
    (userdir / "config" / "fleet.toml").write_text(FLEET + "[studies]\nkeep = 2\n")
    said = [
        freqfleet("optimize", "--as-of", AS_OF, "--search", "grid", "--dry-run", "--study", name)[2]
        for name in ("one", "two", "three")
    ]

    assert sorted(one.parent.name for one in userdir.glob("optimizer/*/run.jsonl")) == ["three", "two"]
    assert "old studies removed: 1 (one); the newest 2 stay, see [studies] keep" in said[2]
    assert "removed" not in said[0] + said[1]


def test_managed_exits_are_compared_shown_and_never_published(freqfleet, userdir):
    code, out, err = freqfleet(
        "optimize", "--exits", "managed", "--search", "random", "--as-of", AS_OF, "--trials", "30",
    )  # fmt: skip

    assert code == 1
    assert published(userdir) == []
    assert not (userdir / "optimizer").exists()
    first, skipped, verdict, refusal = out.splitlines()
    assert first.startswith(f"{BTC} long: following the path ")
    assert " on 24 trades not searched " in first
    assert skipped == "not compared: 1 pair sides, 0 trades, 60 needed"
    assert "of 1 pair sides; where it is worth nothing it would for 0.0" in verdict
    assert refusal.startswith("nothing is published: --search random chose by looking at trades")
    assert " done" not in err  # a bar says how far it is, and leaves nothing behind


def test_managed_exits_as_json_say_what_was_found_and_why_nothing_was(freqfleet):
    _, out, _ = freqfleet(
        "optimize", "--exits", "managed", "--search", "grid", "--as-of", AS_OF, "--trials", "20",
        "--pairs", BTC, "--json", "-",
    )  # fmt: skip

    document = json.loads(out)
    long, short = document["pair_sides"]
    assert (document["exits"], document["search"], document["trials"]) == ("managed", "grid", 20)
    assert long["plain"]["stop_loss"] < 0.0 < long["managed"]["take_profit"]
    assert long["held_out_trades"] == 24
    assert short == {"pair": BTC, "side": "short", "reason": "0 trades, 60 needed"}


@pytest.fixture
def far_target(userdir):
    """A target that no wave reaches, so that all of it is given back."""
    file = userdir / "config" / "fleet.toml"
    file.write_text(f"{FLEET}stop_loss = -0.04\ntake_profit = 0.20\n")


@pytest.mark.usefixtures("far_target")
def test_managed_exits_that_the_gate_certifies_are_published_and_shown(freqfleet, userdir, tmp_path):
    code, out, err = freqfleet(
        "optimize", "--exits", "managed", "--days-back", "3000",
        "--report", str(tmp_path), "--json", str(tmp_path / "run.json"),
    )  # fmt: skip

    assert code == 0, err
    (version,) = published(userdir)
    followed = json.loads((tmp_path / "run.json").read_text())["decisions"][0]["follows_path"]
    assert followed
    assert followed.items() <= version.parameters.to_dict().items()
    assert "BTC long published: p=" in out
    assert "search lattice, 25 proposals" in out
    assert (userdir / "optimizer" / "standings-managed.json").is_file()
    assert not (userdir / "optimizer" / "standings.json").exists()
    page = (tmp_path / "card.html").read_text()
    assert "they lie on no surface" in page
    assert "of the best profit from" in page or "trailing stop" in page
    code, explained, _ = freqfleet("params", "explain", BTC, "--side", "long")
    assert code == 0
    assert version.version_id in explained


@pytest.mark.usefixtures("far_target")
@pytest.mark.parametrize("search", ["exact", "lattice"])
def test_a_dry_run_shows_what_it_would_publish(freqfleet, userdir, search):
    code, out, _ = freqfleet(
        "optimize", "--exits", "managed", "--search", search, "--dry-run", "--as-of", AS_OF
    )

    assert code == 0
    assert published(userdir) == []
    assert "BTC long published: p=" in out
    assert "dry run: nothing was stored" in out


@pytest.mark.usefixtures("far_target")
def test_a_finished_run_is_resumed_with_the_same_answer(freqfleet, userdir):
    asked = ("optimize", "--exits", "managed", "--as-of", AS_OF, "--study", "one")
    freqfleet(*asked)
    first = published(userdir)

    code, out, _ = freqfleet(*asked, "--resume")

    assert code == 0
    assert "study one goes on: 1 pairs were finished before" in out
    assert published(userdir) == first


def test_the_lattice_of_managed_exits_is_none_of_plain_ones(freqfleet):
    code, _, err = freqfleet("optimize", "--search", "lattice")

    assert code == 2
    assert "--search lattice is of --exits managed" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--importance",), "--importance cannot be given with --exits managed --search lattice"),
        (
            ("--search", "tpe", "--jobs", "2", "--resume"),
            "--jobs, --resume cannot be given with --exits managed --search tpe",
        ),
        (("--search", "best"), "best"),
        (("--pairs", "BTC"), "BTC"),
    ],
)
def test_what_managed_exits_cannot_do_is_refused(freqfleet, options, said):
    code, _, err = freqfleet("optimize", "--exits", "managed", "--as-of", AS_OF, *options)

    assert code == 2
    assert said in err


def test_resume_of_a_finished_study_redoes_nothing_and_publishes_nothing_more(freqfleet, userdir):
    asked = ("optimize", "--as-of", AS_OF, "--search", "grid", "--study", "night", "--json", "-")
    _, first, _ = freqfleet(*asked)
    for file in (userdir / "data").rglob("BTC*"):
        file.unlink()  # whoever wanted to redo it would need its candles

    code, again, err = freqfleet(*asked, "--resume")

    assert code == 0
    assert json.loads(again)["decisions"] == json.loads(first)["decisions"]
    assert "study night goes on, as of " in err
    assert len(published(userdir)) == 1


def test_resume_of_another_search_ends_with_2_and_shows_both(freqfleet, userdir):
    freqfleet("optimize", "--as-of", AS_OF, "--search", "random", "--study", "night")

    code, _, err = freqfleet(
        "optimize", "--study", "night", "--resume", "--search", "random", "--trials", "9"
    )

    assert code == 2
    assert "study 'night' is another search: optimizer.trials was 20, is 9" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resume", "--study", "gone"), "no study gone to resume"),
        (("--study", "a/b"), "not a study name: 'a/b'"),
        (("--jobs", "0"), "0 is not in the range"),
        (("--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"), "give one"),
        (("--study-storage", "nonsense"), "--study-storage is no database URL"),
    ],
)
def test_wrong_words_about_workers_and_studies_end_with_2(freqfleet, userdir, arguments, message):
    code, out, err = freqfleet("optimize", *arguments)

    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert published(userdir) == []


def test_scheduler_that_does_not_answer_ends_with_3(freqfleet):
    pytest.importorskip("distributed", reason="the extra freqfleet[cluster] is not installed")

    code, _, err = freqfleet("optimize", "--as-of", AS_OF, "--scheduler", "tcp://127.0.0.1:1")

    assert code == 3
    assert "no Dask scheduler at tcp://127.0.0.1:1" in err


def test_the_report_card_is_written_where_it_was_asked_for_and_says_how_to_make_it_again(freqfleet, tmp_path):
    folder = tmp_path / "report"

    code, _, err = freqfleet("optimize", "--as-of", AS_OF, "--dry-run", "--report", str(folder))

    card = json.loads((folder / "card.json").read_text())
    assert code in {0, 1}
    assert f"report card: {folder / 'card.html'}" in err
    assert (card["dry_run"], card["as_of"]) == (True, AS_OF)
    assert card["commands"][0].startswith("freqfleet ")
    assert "--dry-run" in card["commands"][0]
    assert {one["side"] for one in card["pairs"]} == {"long", "short"}
