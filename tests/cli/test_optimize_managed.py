"""`freqfleet optimize --exits managed`: certified through the lattice, only compared by other searches."""

import json

import pytest

from replaycases import BTC
from wavingfleets import AS_OF, FLEET, published

pytestmark = pytest.mark.usefixtures("fleet")


def test_managed_exits_are_compared_shown_and_never_published(run, fleet):
    code, out, err = run(
        "optimize", "--exits", "managed", "--search", "random", "--as-of", AS_OF, "--trials", "30",
    )  # fmt: skip

    assert code == 1
    assert published(fleet) == []
    assert not (fleet / "optimizer").exists()
    first, skipped, verdict, refusal = out.splitlines()
    assert first.startswith(f"{BTC} long: following the path ")
    assert " on 24 trades not searched " in first
    assert skipped == "not compared: 1 pair side, 0 trades, 60 needed"
    assert "of 1 pair side; where it is worth nothing it would for 0.0" in verdict
    assert refusal.startswith("nothing is published: --search random chose by looking at trades")
    assert " done" not in err  # a bar says how far it is, and leaves nothing behind


def test_managed_exits_as_json_say_what_was_found_and_why_nothing_was(run):
    _, out, _ = run(
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
def far_target(fleet):
    """A target that no wave reaches, so that all of it is given back."""
    file = fleet / "config" / "fleet.toml"
    file.write_text(f"{FLEET}stop_loss = -0.04\ntake_profit = 0.20\n")


@pytest.mark.usefixtures("far_target")
def test_managed_exits_that_the_gate_certifies_are_published_and_shown(run, fleet, tmp_path):
    code, out, err = run(
        "optimize", "--exits", "managed", "--days-back", "3000",
        "--report", str(tmp_path), "--json", str(tmp_path / "run.json"),
    )  # fmt: skip

    assert code == 0, err
    (version,) = published(fleet)
    followed = json.loads((tmp_path / "run.json").read_text())["decisions"][0]["follows_path"]
    assert followed
    assert followed.items() <= version.parameters.to_dict().items()
    assert "BTC long published: p=" in out
    assert "search lattice, 25 proposals" in out
    assert (fleet / "optimizer" / "standings-managed.json").is_file()
    assert not (fleet / "optimizer" / "standings.json").exists()
    page = (tmp_path / "card.html").read_text()
    assert "they lie on no surface" in page
    assert "of the best profit from" in page or "trailing stop" in page
    code, explained, _ = run("params", "explain", BTC, "--side", "long")
    assert code == 0
    assert version.version_id in explained


@pytest.mark.usefixtures("far_target")
@pytest.mark.parametrize("search", ["exact", "lattice"])
def test_a_dry_run_shows_what_it_would_publish(run, fleet, search):
    code, out, _ = run("optimize", "--exits", "managed", "--search", search, "--dry-run", "--as-of", AS_OF)

    assert code == 0
    assert published(fleet) == []
    assert "BTC long published: p=" in out
    assert "dry run: nothing was stored" in out


@pytest.mark.usefixtures("far_target")
def test_a_finished_run_is_resumed_with_the_same_answer(run, fleet):
    asked = ("optimize", "--exits", "managed", "--as-of", AS_OF, "--study", "one")
    run(*asked)
    first = published(fleet)

    code, out, _ = run(*asked, "--resume")

    assert code == 0
    assert "study one goes on: 1 pairs were finished before" in out
    assert published(fleet) == first


def test_the_lattice_of_managed_exits_is_none_of_plain_ones(run):
    code, _, err = run("optimize", "--search", "lattice")

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
def test_what_managed_exits_cannot_do_is_refused(run, options, said):
    code, _, err = run("optimize", "--exits", "managed", "--as-of", AS_OF, *options)

    assert code == 2
    assert said in err
