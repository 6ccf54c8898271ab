from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from freqfleet.skeleton import FILES, place_skeleton
from synthetic_market import write_plain_market

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fleet(userdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A userdir in which nothing fails."""
    monkeypatch.chdir(userdir.parent)
    place_skeleton(userdir)
    write_plain_market(userdir / "data" / "binance", days=1)
    return userdir


def test_it_ends_with_0_where_nothing_fails(run: Run, fleet: Path) -> None:
    code, out, err = run("doctor")

    assert code == 0, out
    assert err == ""
    assert all(line[:5] in ("ok   ", "note ") for line in out.splitlines())


def test_it_ends_with_1_and_a_remedy_where_something_fails(run: Run, fleet: Path) -> None:
    (fleet / "strategies" / "bot2_short.py").unlink()

    code, out, _ = run("doctor")

    (failure,) = [line for line in out.splitlines() if line.startswith("FAIL ")]
    assert code == 1
    assert failure.startswith("FAIL BOT2 strategy: no class BOT2ShortStrategy in ")
    assert " -> `freqfleet init" in failure


def test_an_empty_userdir_has_its_lines_too(run: Run, userdir: Path) -> None:
    code, out, _ = run("doctor")

    assert code == 1
    assert out.count("FAIL ") >= 7  # three configs, three strategies, candles


def test_wrong_settings_are_a_line_beside_the_versions(run: Run, fleet: Path) -> None:
    (fleet / "config" / "fleet.toml").write_text("[gate]\nfdrr = 0.1\n", encoding="utf-8")

    code, out, _ = run("doctor")

    assert code == 1
    assert "ok   freqtrade:" in out
    (failure,) = [line for line in out.splitlines() if line.startswith("FAIL ")]
    assert "unknown key gate.fdrr -> did you mean fdr?" in failure


@pytest.mark.parametrize("name", [str(file) for file in FILES])
@pytest.mark.parametrize("content", [b"\x00\xff" * 50, b'{"exchange": 5}'], ids=["bytes", "object"])
def test_garbage_in_any_file_is_a_line_and_no_crash(run: Run, fleet: Path, name: str, content: bytes) -> None:
    (fleet / name).write_bytes(content)

    code, out, _ = run("doctor")

    assert code in (0, 1)
    assert "ok   clock:" in out or "FAIL settings:" in out
    assert all(line[:5] in ("ok   ", "note ", "FAIL ") for line in out.splitlines())


def test_json_to_stdout_is_nothing_but_json(run: Run, fleet: Path) -> None:
    code, out, _ = run("doctor", "--json", "-")

    values = json.loads(out)
    assert code == 0
    assert values["schema"] == 1
    assert {"subject", "state", "text", "remedy"} == set(values["findings"][0])
    assert {one["state"] for one in values["findings"]} <= {"ok", "note", "fail"}
