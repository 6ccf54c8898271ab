from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from freqfleet.skeleton import FILES, place_skeleton

Run = Callable[..., tuple[int, str, str]]


def test_every_file_is_said_and_what_comes_next(run: Run, userdir: Path) -> None:
    code, out, err = run("init")

    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[: len(FILES)] == [f"{userdir / file}: written" for file in FILES]
    assert f"  freqfleet --userdir {userdir} doctor" in lines


def test_init_has_a_userdir_of_its_own(run: Run, userdir: Path, tmp_path: Path) -> None:
    code, _, _ = run("init", "--userdir", str(tmp_path / "other"))

    assert code == 0
    assert list(userdir.iterdir()) == []
    assert (tmp_path / "other" / "config" / "fleet.toml").is_file()


def test_a_file_of_ones_own_is_kept_and_said_until_force(run: Run, userdir: Path) -> None:
    place_skeleton(userdir)
    (userdir / "config" / "fleet.toml").write_text("# mine\n", encoding="utf-8")

    _, kept, _ = run("init")
    _, forced, _ = run("init", "--force")

    assert f"{userdir / 'config' / 'fleet.toml'}: KEPT YOURS, differs from ours; --force replaces it" in kept
    assert kept.count(": already there") == len(FILES) - 1
    assert f"{userdir / 'config' / 'fleet.toml'}: written" in forced


def test_the_start_command_opens_the_database_that_sync_reads(
    run: Run, userdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(userdir.parent)
    _, here, _ = run("init")
    monkeypatch.chdir("/")
    _, elsewhere, _ = run("init")

    assert "--db-url" not in here  # the configs say user_data/bot1.sqlite, and this is user_data
    assert f"--db-url sqlite:///{userdir / 'bot1.sqlite'}" in elsewhere


def test_a_userdir_that_cannot_be_written_ends_with_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    code, out, err = run("init", "--userdir", str(tmp_path / "file" / "user_data"))

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "cannot write into" in err


def test_a_file_in_the_place_of_the_userdir_ends_with_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    code, _, err = run("init", "--userdir", str(tmp_path / "file"))

    assert code == 2
    assert "is a file" in err
