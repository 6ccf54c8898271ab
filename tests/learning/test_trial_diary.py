from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, UnreachableError
from freqfleet.learning.search import find_best, open_search
from freqfleet.learning.search_space import SearchSpace
from freqfleet.learning.trial_diary import (
    DatabaseDiaries,
    JournalDiaries,
    NoDiaries,
    leave_study_database,
    study_database,
)
from freqfleet.settings import OptimizerSettings
from freqfleet.testing.servers import PostgresProcess

BTC = "BTC/USDT:USDT"
SPACE = SearchSpace.of(OptimizerSettings(), 0.004)
IDENTITY = {"search": "tpe", "data": "3fa2", "training_trades": 55}
TRIALS = 40
SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "random", "grid")


class Hill:
    """The best exit is a stop of 2 % and a target of 5 %; counts what it is asked, and may be killed."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.asked = 0
        self._dies_after = dies_after

    def __call__(self, parameters):
        if self._dies_after is not None and self.asked >= self._dies_after:
            raise KeyboardInterrupt
        self.asked += len(parameters)
        return np.array([-abs(one.stop_loss + 0.02) - abs(one.take_profit - 0.05) for one in parameters])


def search(diaries, means, name="tpe", *, identity=IDENTITY, seed=1):
    diary = diaries.open(BTC, Side.LONG, SPACE, {**identity, "search": name})
    return find_best(
        open_search(name, SPACE, seed=seed, trials=TRIALS), SPACE, means, trials=TRIALS, diary=diary
    )


def journal(folder: Path) -> JournalDiaries:
    return JournalDiaries(study="night", folder=folder)


@pytest.mark.parametrize("name", SAMPLERS)
def test_killed_search_goes_on_where_it_was_and_finds_what_it_would_have_found(tmp_path, name):
    if name == "gp":
        pytest.importorskip("torch", reason="search gp needs torch")
    whole = search(NoDiaries(), Hill(), name)
    with pytest.raises(KeyboardInterrupt):
        search(journal(tmp_path), Hill(dies_after=20), name)
    rest = Hill()

    resumed = search(journal(tmp_path), rest, name)

    assert resumed == whole
    assert rest.asked == resumed.candidates - 20


def test_finished_search_is_read_and_not_measured_again(tmp_path):
    first = search(journal(tmp_path), Hill())
    again = Hill()

    assert search(journal(tmp_path), again) == first
    assert again.asked == 0


def test_kill_in_the_middle_of_a_line_loses_that_trial_only(tmp_path):
    whole = search(journal(tmp_path), Hill())
    (file,) = tmp_path.glob("*.log")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-3]) + lines[-3][:25])  # 37 of 40 trials, and a torn one
    rest = Hill()

    resumed = search(journal(tmp_path), rest)

    assert resumed == whole
    assert rest.asked == 10  # the batch that was cut in two
    assert file.read_bytes().count(b'"params"') == TRIALS


def test_value_that_is_not_a_number_is_remembered_as_such(tmp_path):
    def nowhere(parameters):
        return np.full(len(parameters), np.nan)

    first = search(journal(tmp_path), nowhere)
    resumed = search(journal(tmp_path), Hill())

    assert first.best is None
    assert resumed.best is None


def test_other_data_is_refused_and_both_are_shown(tmp_path):
    search(journal(tmp_path), Hill())

    with pytest.raises(
        InputError, match=r"study 'night BTC/USDT:USDT long' is another search: data was 3fa2, is 9b01; "
        r"training_trades was 55, is 56",
    ):  # fmt: skip
        search(journal(tmp_path), Hill(), identity={**IDENTITY, "data": "9b01", "training_trades": 56})


def test_proposals_of_another_version_are_refused(tmp_path):
    search(journal(tmp_path), Hill())

    with pytest.raises(InputError, match=r"trial 0 was .* start again without --resume"):
        search(journal(tmp_path), Hill(), seed=2)


def test_every_pair_and_side_has_its_own_file(tmp_path):
    for pair, side in ((BTC, Side.LONG), (BTC, Side.SHORT), ("ETH/USDT:USDT", Side.LONG)):
        journal(tmp_path).open(pair, side, SPACE, IDENTITY)

    assert sorted(file.name for file in tmp_path.glob("*.log")) == [
        "BTC_USDT_USDT-long.log", "BTC_USDT_USDT-short.log", "ETH_USDT_USDT-long.log",
    ]  # fmt: skip


def test_optuna_reads_the_journal(tmp_path):
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    found = search(journal(tmp_path), Hill())
    (file,) = tmp_path.glob("*.log")

    storage = JournalStorage(JournalFileBackend(str(file)))
    study = optuna.load_study(study_name="night BTC/USDT:USDT long", storage=storage)

    assert study.best_trial.value == pytest.approx(found.value)


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("nonsense", InputError, "--study-storage is no database URL"),
        ("oracle9://host/db", InputError, "write postgresql"),
        ("postgresql+psycopg://me:hunter2@127.0.0.1:1/db", UnreachableError, "does not answer"),
    ],
)
def test_database_that_cannot_be_used_is_named_without_its_password(url, kind, message):
    pytest.importorskip("psycopg", reason="the extra freqfleet[postgres] is not installed")
    with pytest.raises(kind, match=message) as raised:
        search(DatabaseDiaries(study="night", url=url), Hill())

    assert "hunter2" not in str(raised.value)


def test_without_psycopg_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(InputError, match=r"pip install 'freqfleet\[postgres\]'"):
        search(DatabaseDiaries(study="night", url="postgresql+psycopg://127.0.0.1:2/db"), Hill())


def test_killed_search_goes_on_in_postgresql(postgres: PostgresProcess):
    postgres.sql("CREATE DATABASE nights")
    whole = search(NoDiaries(), Hill())
    diaries = DatabaseDiaries(study="night", url=postgres.url("nights"))
    with pytest.raises(KeyboardInterrupt):
        search(diaries, Hill(dies_after=20))
    rest = Hill()

    resumed = search(diaries, rest)

    assert resumed.best == whole.best
    assert resumed.value == whole.value
    assert rest.asked == TRIALS - 20
    leave_study_database(study_database(postgres.url("nights")))
    postgres.sql("DROP DATABASE nights")  # is refused while anybody is connected
