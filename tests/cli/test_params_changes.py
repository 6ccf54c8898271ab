from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.domain.decisions import Evidence
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import version

Run = Callable[..., tuple[int, str, str]]
MONDAY = datetime(2025, 11, 3, tzinfo=UTC)
PAIR = "BTC/USDT:USDT"
FIRST = version(recorded_at=MONDAY, take_profit=0.04, evidence=Evidence(trades=234, p_value=0.0004))
SECOND = version(recorded_at=MONDAY + timedelta(days=1), take_profit=0.08)


def stored(userdir: Path) -> list[ParameterVersion]:
    store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
    versions = store.parameter_versions()
    store.close()
    return versions


@pytest.fixture
def published(userdir: Path) -> Path:
    store = SqlStore(f"sqlite:///{userdir / 'learning.sqlite'}")
    store.publish_parameters([FIRST, SECOND])
    store.close()
    return userdir


def test_rollback_appends_the_old_values_and_explain_says_so(run: Run, published: Path):
    code, out, _ = run("params", "rollback", FIRST.version_id[:8], "--note", "too wide")

    assert code == 0
    assert out.startswith(
        f"{PAIR} long: rolled back to version {FIRST.version_id}: stop -2.00 %, target 4.00 %"
    )
    assert stored(published)[:2] == [FIRST, SECOND]
    explained = run("params", "explain", PAIR, "--side", "long")[1]
    assert f"rolls back to version {FIRST.version_id}; replaced version {SECOND.version_id}" in explained
    assert "note: too wide" in explained
    assert "p 0.0004" in explained
    assert f"rolls back to {FIRST.version_id}; too wide" in run("params", "history", PAIR)[1]


def test_rollback_answers_in_json(run: Run, published: Path):
    answer = json.loads(run("params", "rollback", FIRST.version_id, "--json", "-")[1])

    assert answer["before"]["version"] == SECOND.version_id
    assert answer["after"]["parameters"]["take_profit"] == 0.04
    assert answer["version"] == stored(published)[-1].version_id


def test_retire_takes_a_version_out_of_force(run: Run, published: Path):
    code, out, _ = run("params", "retire", SECOND.version_id)

    champions = json.loads(run("params", "list", "--json", "-")[1])["champions"]
    assert (code, champions) == (0, [])
    assert f"version {SECOND.version_id} retired" in out


@pytest.mark.parametrize("arguments", [["rollback", FIRST.version_id], ["retire", SECOND.version_id]])
def test_a_dry_run_changes_nothing(run: Run, published: Path, arguments: list[str]):
    code, out, _ = run("params", *arguments, "--dry-run")

    assert (code, stored(published)) == (0, [FIRST, SECOND])
    assert "would be" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rollback", "ffff0000"], "no version 'ffff0000'"),
        (["rollback", SECOND.version_id], "are in force for BTC/USDT:USDT long already"),
        (["retire", FIRST.version_id], "is not in force for BTC/USDT:USDT long"),
    ],
)
def test_what_cannot_be_done_ends_with_2_and_changes_nothing(
    run: Run, published: Path, arguments: list[str], said: str
):
    code, out, err = run("params", *arguments)

    assert (code, out, stored(published)) == (2, "", [FIRST, SECOND])
    assert said in err


def test_a_history_moves_to_another_store_with_identical_ids(run: Run, published: Path, tmp_path: Path):
    file, elsewhere = tmp_path / "moved.json", tmp_path / "elsewhere.sqlite"

    assert run("params", "export", str(file))[:2] == (0, f"2 versions written to {file}\n")
    first = run("--store", f"sqlite:///{elsewhere}", "params", "import", str(file))
    again = run("--store", f"sqlite:///{elsewhere}", "params", "import", str(file))

    assert first[:2] == (0, "2 versions added, 0 were there already\n")
    assert again[:2] == (0, "0 versions added, 2 were there already\n")
    store = SqlStore(f"sqlite:///{elsewhere}")
    assert store.parameter_versions() == [FIRST, SECOND]
    store.close()


def test_an_existing_file_is_written_over_only_by_force(run: Run, published: Path, tmp_path: Path):
    file = tmp_path / "moved.json"
    file.write_text("mine")

    refused = run("params", "export", str(file))

    assert refused[0] == 2
    assert "exists; give another name, or --force" in refused[2]
    assert file.read_text() == "mine"
    assert run("params", "export", str(file), "--force")[0] == 0
    assert json.loads(file.read_text())["count"] == 2


def test_an_edited_file_is_refused_whole_with_field_value_and_what_was_expected(
    run: Run, published: Path, tmp_path: Path
):
    file = tmp_path / "moved.json"
    run("params", "export", str(file))
    document = json.loads(file.read_text())
    document["versions"][1]["parameters"]["take_profit"] = 0.2
    file.write_text(json.dumps(document))

    known = run("params", "import", str(file))
    fresh = run("--store", f"sqlite:///{tmp_path / 'fresh.sqlite'}", "params", "import", str(file))

    assert (known[0], fresh[0]) == (2, 2)
    assert "parameters.take_profit is 0.2, the store has 0.08" in known[2]
    assert "parameters.take_profit is 0.2, which is not what was exported" in fresh[2]
    store = SqlStore(f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    assert store.parameter_versions() == []
    store.close()


def test_a_dry_import_adds_nothing(run: Run, published: Path, tmp_path: Path):
    file = tmp_path / "moved.json"
    run("params", "export", str(file))
    fresh = f"sqlite:///{tmp_path / 'fresh.sqlite'}"

    assert run("--store", fresh, "params", "import", str(file), "--dry-run")[1].startswith(
        "2 versions would be added"
    )
    assert run("--store", fresh, "params", "import", str(file))[1].startswith("2 versions added")


def test_a_missing_file_is_a_wrong_argument(run: Run, tmp_path: Path):
    code, _, err = run("params", "import", str(tmp_path / "nowhere.json"))

    assert code == 2
    assert "nowhere.json: No such file or directory" in err


def test_a_row_outside_the_bounds_is_left_out_of_an_export_and_said(
    run: Run, published: Path, tmp_path: Path
):
    connection = sqlite3.connect(published / "learning.sqlite")
    with connection:
        connection.execute(
            "UPDATE parameter_versions SET parameters = replace(parameters, '-0.02', '0.0') "
            "WHERE version_id = ?",
            (FIRST.version_id,),
        )
    connection.close()

    code, out, err = run("params", "export", str(tmp_path / "moved.json"))

    assert (code, out.split()[0]) == (0, "1")
    assert f"left out: version {FIRST.version_id}: stop_loss must lie in" in err
