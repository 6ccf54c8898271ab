"""`freqfleet optimize` at work: studies that are resumed and kept, the log of trials, worker processes."""

import json

import pytest

from freqfleet.testing.servers import PostgresProcess
from wavingfleets import AS_OF, FLEET, published

pytestmark = pytest.mark.usefixtures("fleet")


def test_every_trial_is_logged_with_profit_best_and_time_to_go(run, fleet):
    run("optimize", "--as-of", AS_OF, "--search", "random", "--trials", "12")

    text = (fleet / "logs" / "optuna_optimizer.log").read_text()
    assert "BTC/USDT:USDT long: 80 trades (train: 55, test: 24), median entry ATR ratio 0.0" in text
    trials = [line for line in text.splitlines() if "trial " in line]
    assert len(trials) == 12
    assert "INFO: trial 1/12: stop_loss -" in trials[0]
    assert all(word in trials[5] for word in ("take_profit", ": profit ", "best so far ", " bps", "ETA "))
    assert "ETA 0 s" in trials[-1]


def test_two_jobs_decide_as_one_does(run):
    asked = ("optimize", "--as-of", AS_OF, "--dry-run", "--search", "tpe", "--json", "-")

    one, two = (json.loads(run(*asked, "--jobs", jobs)[1]) for jobs in ("1", "2"))

    assert one["decisions"] == two["decisions"]


def test_old_studies_give_way_and_that_is_said(run, fleet):
    (fleet / "config" / "fleet.toml").write_text(FLEET + "[studies]\nkeep = 2\n")
    said = [
        run("optimize", "--as-of", AS_OF, "--search", "grid", "--dry-run", "--study", name)[2]
        for name in ("one", "two", "three")
    ]

    assert sorted(one.parent.name for one in fleet.glob("optimizer/*/run.jsonl")) == ["three", "two"]
    assert "old studies removed: 1 (one); the newest 2 stay, see [studies] keep" in said[2]
    assert "removed" not in said[0] + said[1]


def test_resume_of_a_finished_study_redoes_nothing_and_publishes_nothing_more(run, fleet):
    asked = ("optimize", "--as-of", AS_OF, "--search", "grid", "--study", "night", "--json", "-")
    _, first, _ = run(*asked)
    for file in (fleet / "data").rglob("BTC*"):
        file.unlink()  # whoever wanted to redo it would need its candles

    code, again, err = run(*asked, "--resume")

    assert code == 0
    assert json.loads(again)["decisions"] == json.loads(first)["decisions"]
    assert "study night goes on, as of " in err
    assert len(published(fleet)) == 1


def test_resume_of_another_search_ends_with_2_and_shows_both(run, fleet):
    run("optimize", "--as-of", AS_OF, "--search", "random", "--study", "night")

    code, _, err = run("optimize", "--study", "night", "--resume", "--search", "random", "--trials", "9")

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
def test_wrong_words_about_workers_and_studies_end_with_2(run, fleet, arguments, message):
    code, out, err = run("optimize", *arguments)

    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""
    assert published(fleet) == []


def test_scheduler_that_does_not_answer_ends_with_3(run):
    pytest.importorskip("distributed", reason="the extra freqfleet[cluster] is not installed")

    code, _, err = run("optimize", "--as-of", AS_OF, "--scheduler", "tcp://127.0.0.1:1")

    assert code == 3
    assert "no Dask scheduler at tcp://127.0.0.1:1" in err


def test_the_report_card_says_no_password_of_the_study_storage(run, postgres: PostgresProcess, tmp_path):
    postgres.sql("CREATE DATABASE studies")
    url = postgres.url("studies").replace("fleet@", "fleet:swordfish@")

    code, _, err = run(
        "optimize", "--as-of", AS_OF, "--dry-run", "--study-storage", url, "--report", str(tmp_path)
    )

    assert code == 0, err
    (command,) = json.loads((tmp_path / "card.json").read_text())["commands"]
    assert "--study-storage" in command
    assert "fleet:***@" in command
    for page in ("card.html", "card.json"):
        assert "swordfish" not in (tmp_path / page).read_text()


def test_a_run_leaves_no_connection_to_the_study_storage(run, postgres: PostgresProcess):
    postgres.sql("CREATE DATABASE left_alone")

    code, _, err = run(
        "optimize",
        "--as-of",
        AS_OF,
        "--dry-run",
        "--study-storage",
        postgres.url("left_alone"),
        "--search",
        "random",
    )

    assert code == 1, err  # what a sampler finds is not certified
    postgres.sql("DROP DATABASE left_alone")  # is refused while anybody is connected
