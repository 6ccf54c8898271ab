"""A run that is cut off and resumed decides what it would have decided in one go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.domain.exits import ExitParameters
from freqfleet.errors import InputError
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.run_record import FileRecord, checked_study_name, study_name
from freqfleet.learning.study import open_study
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.testing.memory_store import MemoryStore
from replaycases import WAVE_CANDLES, FakeCandleFiles, after, waves

PAIRS = ("AAA/USDT:USDT", "BBB/USDT:USDT", "CCC/USDT:USDT")
WAVES = 80
END = after(5 * WAVE_CANDLES * (WAVES + 2))
LATER = after(5 * WAVE_CANDLES * (WAVES + 3))


def settings_in(userdir: Path, **optimizer):
    return load_settings(
        userdir,
        optimizer=OptimizerSettings(**{"time_limit_minutes": (240,), "trials": 20, **optimizer}),
        defaults=DefaultSettings(time_limit_minutes=240),
        gate=GateSettings(method="holdout"),
    )


class CountingFiles(FakeCandleFiles):
    """Remembers which pairs were loaded."""

    def __init__(self, *candles) -> None:
        super().__init__(*candles)
        self.loaded: list[str] = []

    def load(self, pair):
        self.loaded.append(pair)
        return super().load(pair)


def market() -> tuple[CountingFiles, MemoryStore]:
    store, markets = MemoryStore(), []
    for number, pair in enumerate(PAIRS):
        candles, trades = waves([0.05 + 0.01 * number] * WAVES, pair=pair)
        markets.append(candles)
        store.record_closed_trades([replace(one, trade_id=one.trade_id + 1000 * number) for one in trades])
    return CountingFiles(*markets), store


def run(
    userdir, files, store, *, resume=False, on_outcome=None, search="tpe", as_of=END, clock=None, **optimizer
):
    settings = settings_in(userdir, **optimizer)
    study = open_study(
        settings, search=search, name="night", storage=None, as_of=as_of, resume=resume, dry_run=False
    )
    try:
        return Optimizer(
            store=store,
            candles=files,
            settings=settings,
            clock=clock or study.clock,
            as_of=study.as_of,
            search=search,
            record=study.record,
            resumed=study.resumed,
        ).run(None, on_outcome)
    finally:
        study.record.close()


def kill_after(count):
    done = []

    def on_outcome(outcome):
        done.append(outcome)
        if len(done) == count:
            raise KeyboardInterrupt

    return on_outcome


def forget_finished(userdir):
    """Leave the trials and what was published, as if the kill had come just before the record."""
    file = userdir / "optimizer" / "night" / "run.jsonl"
    file.write_text(file.read_text().splitlines(keepends=True)[0])


def plain(findings):
    """Findings without the versions, whose ids hold the time at which they were stored."""
    return [replace(one, decision=replace(one.decision, version=None)) for one in findings]


@pytest.mark.parametrize("search", ["tpe", "exact"])
def test_resumed_run_redoes_no_finished_pair_and_decides_the_same(tmp_path, search):
    files, store = market()
    whole = run(tmp_path / "whole", *market(), search=search)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, search=search, on_outcome=kill_after(2))
    files.loaded.clear()

    resumed = run(tmp_path, files, store, search=search, resume=True)

    assert files.loaded == [PAIRS[2]]
    assert resumed.findings == whole.findings
    assert resumed.run_id == whole.run_id
    assert resumed.notes[0] == "study night goes on: 2 pairs were finished before"
    assert [one.key.pair for one in store.parameter_versions()] == list(PAIRS)


def test_resumed_run_knows_the_time_of_its_first_call(tmp_path):
    files, store = market()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, on_outcome=kill_after(1))

    resumed = run(tmp_path, files, store, resume=True, as_of=None)

    assert resumed.as_of == END
    assert {one.recorded_at for one in store.parameter_versions()} == {END}  # asked for by --as-of, and kept


def test_pair_that_was_stored_but_not_yet_known_as_finished_is_published_once(tmp_path):
    files, store = market()
    whole = run(tmp_path / "whole", *market())
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, on_outcome=kill_after(1))
    file = tmp_path / "optimizer" / "night" / "run.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1][:40])  # killed while it wrote that the pair was finished

    resumed = run(tmp_path, files, store, resume=True, clock=FixedClock(LATER))

    assert [one.key.pair for one in store.parameter_versions()] == list(PAIRS)
    assert plain(resumed.findings) == plain(whole.findings)


def test_versions_of_the_same_run_are_not_its_incumbents(tmp_path):
    files, store = market()
    whole = run(tmp_path / "whole", *market())
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, on_outcome=kill_after(3))
    forget_finished(tmp_path)

    resumed = run(tmp_path, files, store, resume=True)

    assert plain(resumed.findings) == plain(whole.findings)


def test_other_search_space_is_refused_and_both_are_shown(tmp_path):
    files, store = market()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, on_outcome=kill_after(1))

    with pytest.raises(
        InputError,
        match=r"'night' is another search: optimizer.stop_loss was \[-0.0515, -0.01\], is \[-0.04, -0.01\]",
    ):
        run(tmp_path, files, store, resume=True, stop_loss=(-0.04, -0.01))
    with pytest.raises(InputError, match=r"optimizer.reward_risk_min was 0\.8, is 1\.0"):
        run(tmp_path, files, store, resume=True, reward_risk_min=1.0)
    with pytest.raises(InputError, match="search was tpe, is random"):
        run(tmp_path, files, store, resume=True, search="random")


def test_trades_that_came_in_since_are_refused(tmp_path):
    files, store = market()

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, on_outcome=kill_after(1))
    forget_finished(tmp_path)
    late = replace(store.closed_trades(pairs=PAIRS[:1])[3], trade_id=99_999)
    store.record_closed_trades([late])

    with pytest.raises(
        InputError, match=r"study 'night AAA/USDT:USDT long' is another .*data was \w+, is \w+"
    ):
        run(tmp_path, files, store, resume=True)


def opened(userdir, *, resume=False):
    study = open_study(
        settings_in(userdir),
        search="tpe",
        name="night",
        storage=None,
        as_of=END,
        resume=resume,
        dry_run=False,
    )
    study.record.close()
    return study


def test_only_a_study_that_was_cut_off_counts_as_replaced(tmp_path):
    first = opened(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, *market(), on_outcome=kill_after(1))
    after_a_kill = opened(tmp_path)
    run(tmp_path, *market())
    after_its_end = opened(tmp_path)

    assert [one.replaced for one in (first, after_a_kill, after_its_end)] == [False, True, False]


def test_study_that_has_ended_can_be_resumed_and_redoes_nothing(tmp_path):
    files, store = market()
    whole = run(tmp_path, files, store)
    files.loaded.clear()

    again = run(tmp_path, files, store, resume=True)

    assert files.loaded == []
    assert again.findings == whole.findings


def test_run_without_resume_starts_anew(tmp_path):
    files, store = market()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, store, on_outcome=kill_after(2))
    files.loaded.clear()

    run(tmp_path, files, store, search="random")

    assert files.loaded == list(PAIRS)


def test_nothing_to_resume_names_what_is_there(tmp_path):
    settings = settings_in(tmp_path)
    record = FileRecord(tmp_path / "optimizer", "2025-10-30-tpe-42")
    record.start({})
    record.close()

    with pytest.raises(
        InputError, match=r"no study 2025-10-31-tpe-42 to resume .*the last ones are 2025-10-30-tpe-42"
    ):
        open_study(
            settings,
            search="tpe",
            name=None,
            storage=None,
            as_of=after(30 * 1440),
            resume=True,
            dry_run=False,
        )


def test_study_that_is_being_run_is_left_alone(tmp_path):
    running = FileRecord(tmp_path, "night")
    running.start({})

    with pytest.raises(InputError, match="study night is being run by another process"):
        FileRecord(tmp_path, "night").start({})
    running.close()
    again = FileRecord(tmp_path, "night")
    again.start({})
    again.close()


def test_name_is_day_search_and_seed():
    assert study_name(END, "tpe", 42) == f"{END:%Y-%m-%d}-tpe-42"


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "a/b"])
def test_name_that_is_no_file_name_is_refused(name):
    with pytest.raises(InputError, match="not a study name"):
        checked_study_name(name)


def test_record_of_another_schema_is_refused(tmp_path):
    (tmp_path / "night").mkdir()
    (tmp_path / "night" / "run.jsonl").write_text('{"schema": 7}\n')

    with pytest.raises(InputError, match="has schema 7, this program reads 1"):
        FileRecord(tmp_path, "night").header()


def test_damaged_record_is_named_with_its_line(tmp_path):
    record = FileRecord(tmp_path, "night")
    record.start({})
    record.close()
    with (tmp_path / "night" / "run.jsonl").open("a") as stream:
        stream.write("??\n")

    with pytest.raises(InputError, match="line 2 is no JSON object"):
        FileRecord(tmp_path, "night").finished()


def test_finished_pair_comes_back_as_it_was(tmp_path):
    found = run(tmp_path, *market())
    record = FileRecord(tmp_path / "optimizer", "night")

    again = record.finished()

    assert [again[pair] for pair in PAIRS] == list(found.outcomes)
    assert isinstance(again[PAIRS[0]].findings[0].decision.parameters, ExitParameters)
