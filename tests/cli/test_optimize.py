"""`freqfleet optimize` as a person calls it: what it decides, publishes, writes and says."""

import json
import os
from datetime import UTC, datetime

import pytest

from freqfleet.learning.pending import PendingParameters
from freqfleet.store.heartbeat import heartbeats
from freqfleet.store.one_at_a_time import OneAtATime
from freqfleet.testing.trades import version
from replaycases import BTC, after
from wavingfleets import AS_OF, ETH, FLEET, published

pytestmark = pytest.mark.usefixtures("fleet")


def test_publishes_what_beats_the_defaults_and_ends_with_0(run, fleet):
    code, out, _ = run("optimize", "--as-of", AS_OF)

    assert code == 0
    assert [one.key.label for one in published(fleet)] == [f"{BTC} long"]
    assert "BTC long  published" in out
    assert "skipped: 0 trades, 60 needed: BTC short, ETH long, ETH short" in out
    assert "replayed trades: BOT1 60, BOT3 20" in out
    assert "published 1, skipped 3" in out


def test_ends_with_1_where_nothing_was_published(run):
    code, out, _ = run("optimize", "--as-of", AS_OF, "--days-back", "1")

    assert code == 1
    assert "4 trades, 60 needed" in out


def test_a_run_that_certifies_nothing_says_by_what_it_is_explained(run, fleet):
    strict = "[gate]\nfdr = 1e-300\npooled_alpha = 1e-300\n"
    (fleet / "config" / "fleet.toml").write_text(FLEET + strict)

    code, out, _ = run("optimize", "--as-of", AS_OF)

    said = " ".join(out.split())
    assert code == 1
    assert "nothing is certified: chance explains it. Other exits looked better for 1 of 1 pair side" in said
    assert "1 had trades enough to be tested alone, the smallest p after counting them all is" in said


def test_a_run_over_some_of_the_pairs_says_how_far_its_error_rate_reaches(run):
    _, some, _ = run("optimize", "--pairs", BTC, "--as-of", AS_OF, "--dry-run")
    _, every, _ = run("optimize", "--as-of", AS_OF, "--dry-run")

    said = "note: 1 pairs with candles were not asked for: the error rate holds within this run only"
    assert said in " ".join(some.split())
    assert "the error rate holds" not in " ".join(every.split())


def test_only_a_run_about_now_keeps_paper_accounts(run, fleet):
    accounts = fleet / "optimizer" / "standings.json"

    run("optimize", "--as-of", AS_OF)
    run("optimize", "--days-back", "3000", "--dry-run")
    assert not accounts.exists()
    run("optimize", "--days-back", "3000")

    assert set(json.loads(accounts.read_text())["records"]) == {f"{BTC} long"}


def test_a_run_about_now_gives_a_heartbeat_that_says_what_it_learned(run, fleet):
    run("optimize", "--as-of", AS_OF)
    run("optimize", "--days-back", "3000", "--dry-run")
    assert heartbeats(fleet / "heartbeats") == []

    run("optimize", "--days-back", "3000")

    (beat,) = heartbeats(fleet / "heartbeats")
    assert (beat.service, beat.every_seconds) == ("optimize", None)
    assert beat.said.startswith("learned from 80 trades of 2 pairs: 1 kept, 3 skipped, ")


def test_of_two_runs_on_one_userdir_the_second_is_refused_and_told_who_runs(run, fleet):
    accounts = fleet / "optimizer" / "standings.json"
    with OneAtATime(fleet / "heartbeats" / "optimize.lock", "`freqfleet optimize`", datetime.now(UTC)):
        code, _, err = run("optimize", "--days-back", "3000", "--study", "mine")
        looked, _, _ = run("optimize", "--days-back", "3000", "--dry-run")
        of_the_past, _, _ = run("optimize", "--as-of", AS_OF)

    assert code == 2
    assert f"another `freqfleet optimize` runs: process {os.getpid()} on " in err
    assert not accounts.exists()
    assert (looked, of_the_past) == (0, 0)
    assert run("optimize", "--days-back", "3000")[0] == 1  # what --as-of published is in force
    assert accounts.exists()


def test_a_certified_change_that_comes_too_soon_is_not_called_chance(run, fleet):
    first, _, _ = run("optimize", "--days-back", "3000")
    (version,) = published(fleet)
    run("params", "retire", version.version_id, "--note", "by hand")

    second, out, _ = run("optimize", "--days-back", "3000")

    assert (first, second) == (0, 1)
    assert "nothing is published: 1 certified pair side changed too lately, see above" in out
    assert "chance explains it" not in out


def test_what_waited_for_the_store_is_in_force_when_a_run_asks_and_is_not_published_once_more(run, fleet):
    (fleet / "config" / "fleet.toml").write_text(FLEET + '[gate]\nmethod = "holdout"\n')
    _, out, _ = run("optimize", "--days-back", "3000", "--dry-run", "--json", "-")
    decision = json.loads(out)["decisions"][0]
    names = ("stop_loss", "take_profit", "volatility_scaling", "atr_reference_ratio", "time_limit_minutes")
    found = version(recorded_at=after(0), **{name: decision[name] for name in names})
    PendingParameters(fleet / "services" / "optimized_parameters.json").add([found])

    code, out, _ = run("optimize", "--days-back", "3000")

    assert code == 1
    assert "published 1 of 1 results that waited for the store" in " ".join(out.split())
    assert [one.parameters for one in published(fleet)] == [found.parameters]


def test_what_an_adaptive_search_found_is_shown_and_not_published(run, fleet):
    code, out, _ = run("optimize", "--as-of", AS_OF, "--search", "random", "--trials", "60", "--json", "-")

    decision = json.loads(out)["decisions"][0]
    assert code == 1
    assert decision["verdict"] == "kept"
    _, out, _ = run("optimize", "--as-of", AS_OF, "--search", "random", "--trials", "60")
    assert "nothing is certified: nothing could be tested, for the reasons above" in out
    assert decision["reason"].startswith(
        "cannot certify: --search random chose its candidates by looking at every"
    )
    assert published(fleet) == []


def test_dry_run_stores_nothing_and_says_so(run, fleet):
    code, out, _ = run("optimize", "--as-of", AS_OF, "--dry-run")

    assert code == 0
    assert "dry run: nothing was stored" in out
    assert published(fleet) == []


def test_json_to_stdout_is_nothing_but_json(run):
    code, out, _ = run("optimize", "--as-of", AS_OF, "--json", "-", "--search", "grid", "--trials", "100")

    document = json.loads(out)
    assert code == 0
    assert document["schema"] == 1
    assert 50 < document["candidates"] <= 125  # five steps on each of three axes, constraints kept
    assert [(one["pair"], one["side"]) for one in document["decisions"]] == [
        (BTC, "long"), (BTC, "short"), (ETH, "long"), (ETH, "short"),
    ]  # fmt: skip


def test_exact_is_the_default_and_says_that_it_needs_no_trials(run):
    code, out, err = run("optimize", "--as-of", AS_OF, "--json", "-", "--trials", "7", "--dry-run")

    document = json.loads(out)
    assert code == 0
    assert document["search"] == "exact"
    assert document["candidates"] > 50_000
    assert "trials = 7 is for searches that sample" in err


def test_pairs_come_after_one_flag_or_after_several(run):
    asked = [
        json.loads(run("optimize", *pairs, "--as-of", AS_OF, "--json", "-", "--dry-run")[1])
        for pairs in (("--pairs", ETH, BTC), ("--pairs", ETH, "--pairs", BTC))
    ]

    for document in asked:
        assert [one["pair"] for one in document["decisions"]] == [ETH, ETH, BTC, BTC]


def test_seed_config_of_the_userdir_is_used_and_said(run, fleet):
    log = {"level": "INFO", "file": "user_data/logs/optuna_optimizer.log"}
    config = {"optimization": {"n_trials": 9}, "pairs": {"blacklist": [ETH]}, "logging": log}
    (fleet / "config" / "optuna_config.json").write_text(json.dumps(config))

    _, out, err = run("optimize", "--as-of", AS_OF, "--json", "-", "--search", "random")

    document = json.loads(out)
    assert {one["pair"] for one in document["decisions"]} == {BTC}
    assert document["candidates"] == 9
    assert "optuna_config.json are in use" in err
    assert "80 trades (train: 55, test: 24)" in (fleet / "logs" / "optuna_optimizer.log").read_text()


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
def test_wrong_arguments_end_with_2_and_a_sentence(run, fleet, arguments, message):
    code, out, err = run("optimize", *arguments)

    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert published(fleet) == []


def test_missing_candles_end_with_2(run, fleet):
    (fleet / "config" / "fleet.toml").write_text('[market]\ndatadir = "user_data/data/other"\n')

    code, _, err = run("optimize", "--as-of", AS_OF)

    assert code == 2
    assert "no candle folder" in err
    assert not (fleet / "heartbeats").exists()  # it had not begun


def test_store_that_cannot_be_reached_ends_with_3(run):
    code, _, err = run("--store", "sqlite:////nowhere/at/all.sqlite", "optimize")

    assert code == 3
    assert "nowhere" in err


def test_csv_holds_a_row_for_every_decision(run, tmp_path):
    run("optimize", "--as-of", AS_OF, "--dry-run", "--csv", str(tmp_path / "decisions.csv"))

    lines = (tmp_path / "decisions.csv").read_text().splitlines()
    assert len(lines) == 5
    assert "stop_loss_position_ratio" in lines[0]


@pytest.mark.parametrize("search", ["random", "exact"])
def test_importance_is_measured_when_asked_for(run, search):
    asked = ("optimize", "--as-of", AS_OF, "--dry-run", "--search", search, "--trials", "40")

    _, without, _ = run(*asked, "--json", "-")
    _, measured, _ = run(*asked, "--json", "-", "--importance")
    _, shown, _ = run(*asked, "--importance")

    assert json.loads(without)["decisions"][0]["parameter_importance"] is None
    shares = json.loads(measured)["decisions"][0]["parameter_importance"]
    assert shares["take_profit"] > 0.1
    assert sum(shares.values()) < 1.0 + 1e-9
    assert "BTC long importance: " in shown


def test_the_report_card_is_written_where_it_was_asked_for_and_says_how_to_make_it_again(run, tmp_path):
    folder = tmp_path / "report"

    code, _, err = run("optimize", "--as-of", AS_OF, "--dry-run", "--report", str(folder))

    card = json.loads((folder / "card.json").read_text())
    assert code in {0, 1}
    assert f"report card: {folder / 'card.html'}" in err
    assert (card["dry_run"], card["as_of"]) == (True, AS_OF)
    assert card["commands"][0].startswith("freqfleet ")
    assert "--dry-run" in card["commands"][0]
    assert {one["side"] for one in card["pairs"]} == {"long", "short"}
