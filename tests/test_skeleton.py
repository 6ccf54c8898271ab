"""What `freqfleet init` places: the repository's own files, never over somebody's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from freqfleet.errors import InputError
from freqfleet.skeleton import FILES, place_skeleton, skeleton_dir

REPOSITORY = Path(__file__).parents[1]


def outcomes(userdir: Path, *, force: bool = False) -> dict[str, str]:
    placed = place_skeleton(userdir, force=force)
    return {str(one.file.relative_to(userdir)): one.outcome for one in placed}


def test_everything_the_repository_ships_is_placed() -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("no git here to ask what is shipped")
    listed = subprocess.run(
        ["git", "ls-files", "user_data/strategies", "user_data/freqaimodels", "user_data/config"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert {str(Path("user_data") / file) for file in FILES} == set(listed)


def test_an_empty_userdir_gets_every_file_as_it_is(tmp_path: Path) -> None:
    assert outcomes(tmp_path / "user_data") == {str(file): "written" for file in FILES}

    for file in FILES:
        assert (tmp_path / "user_data" / file).read_bytes() == (skeleton_dir() / file).read_bytes()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    place_skeleton(tmp_path)
    times = {file: (tmp_path / file).stat().st_mtime_ns for file in FILES}

    assert set(outcomes(tmp_path).values()) == {"same"}
    assert {file: (tmp_path / file).stat().st_mtime_ns for file in FILES} == times


def test_a_file_of_ones_own_stays_and_the_others_come(tmp_path: Path) -> None:
    mine = tmp_path / "config" / "bot1.json"
    mine.parent.mkdir()
    mine.write_text('{"exchange": {"key": "mine"}}', encoding="utf-8")

    found = outcomes(tmp_path)

    assert found.pop("config/bot1.json") == "kept"
    assert set(found.values()) == {"written"}
    assert mine.read_text(encoding="utf-8") == '{"exchange": {"key": "mine"}}'


def test_force_replaces_what_differs_and_only_that(tmp_path: Path) -> None:
    place_skeleton(tmp_path)
    (tmp_path / "config" / "bot1.json").write_text("{}", encoding="utf-8")
    (tmp_path / "strategies" / "mine.py").write_text("mine = True\n", encoding="utf-8")

    found = outcomes(tmp_path, force=True)

    assert [name for name, outcome in found.items() if outcome == "written"] == ["config/bot1.json"]
    assert (tmp_path / "config" / "bot1.json").read_bytes() == (
        skeleton_dir() / "config/bot1.json"
    ).read_bytes()
    assert (tmp_path / "strategies" / "mine.py").read_text(encoding="utf-8") == "mine = True\n"


def test_nothing_half_written_is_left_beside_them(tmp_path: Path) -> None:
    place_skeleton(tmp_path)

    assert sorted(one.relative_to(tmp_path) for one in tmp_path.rglob("*") if one.is_file()) == sorted(FILES)


def test_a_userdir_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(InputError, match=r"cannot write into .*user_data: Not a directory; give --userdir"):
        place_skeleton(tmp_path / "file" / "user_data")


def test_a_folder_in_the_place_of_a_file_is_said_and_kept(tmp_path: Path) -> None:
    (tmp_path / "config" / "bot1.json").mkdir(parents=True)

    with pytest.raises(InputError, match="cannot write into"):
        place_skeleton(tmp_path)

    assert (tmp_path / "config" / "bot1.json").is_dir()
