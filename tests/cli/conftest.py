from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from freqfleet.cli import main
from replaycases import waves
from wavingfleets import ETH, FLEET, PEAKS, write_fleet


@pytest.fixture
def userdir(tmp_path: Path) -> Path:
    """An empty freqtrade userdir."""
    (tmp_path / "user_data").mkdir()
    return tmp_path / "user_data"


@pytest.fixture
def run(
    userdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run freqfleet on the userdir, as the shell does; gives its exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["freqfleet", "--userdir", str(userdir), *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def fleet(userdir: Path) -> Path:
    """A userdir with candles of two pairs, and BTC trades that a wider target would improve."""
    candles, trades = waves(PEAKS)
    return write_fleet(userdir, FLEET, [(candles, trades), (replace(candles, pair=ETH), [])])
