"""Old study folders: the newest stay, what is in use or holds other things stays, too."""

import os

from freqfleet.learning.old_studies import prune_studies
from freqfleet.learning.run_record import FileRecord


def a_study(folder, name, age_days):
    record = FileRecord(folder, name)
    record.start({"asked": name})
    (folder / name / "BTC.long.log").write_text("a trial")
    record.close()
    moment = 1_700_000_000 - 86_400 * age_days
    os.utime(folder / name / "run.jsonl", (moment, moment))
    return folder / name


def names(folder):
    return sorted(one.name for one in folder.iterdir())


def test_the_newest_are_kept_and_the_current_one_is_one_of_them(tmp_path):
    for age in range(5):
        a_study(tmp_path, f"run-{age}", age)

    pruned = prune_studies(tmp_path, keep=2, current="run-4")

    assert names(tmp_path) == ["run-0", "run-4"]
    assert pruned.removed == ("run-1", "run-2", "run-3")
    assert pruned.left == {}


def test_zero_keeps_all(tmp_path):
    for age in range(3):
        a_study(tmp_path, f"run-{age}", age)

    assert prune_studies(tmp_path, keep=0, current="run-0").removed == ()
    assert len(names(tmp_path)) == 3


def test_one_that_another_process_works_on_stays(tmp_path):
    a_study(tmp_path, "new", 0)
    a_study(tmp_path, "old", 9)
    busy = FileRecord(tmp_path, "old")
    busy.header()  # takes the lock

    pruned = prune_studies(tmp_path, keep=1, current="new")
    busy.close()

    assert pruned.left == {"old": "another process works on it"}
    assert (tmp_path / "old" / "BTC.long.log").is_file()


def test_what_no_study_wrote_is_not_touched(tmp_path):
    a_study(tmp_path, "new", 0)
    old = a_study(tmp_path, "old", 9)
    (old / "notes.txt").write_text("mine")
    (tmp_path / "standings.json").write_text("{}")
    (tmp_path / "a-folder").mkdir()

    pruned = prune_studies(tmp_path, keep=1, current="new")

    assert list(pruned.left) == ["old"]
    assert names(old) == ["notes.txt"]
    assert names(tmp_path) == ["a-folder", "new", "old", "standings.json"]


def test_without_any_study_there_is_nothing_to_do(tmp_path):
    assert prune_studies(tmp_path / "none", keep=1, current="x").removed == ()
