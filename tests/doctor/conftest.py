from __future__ import annotations

from pathlib import Path

import pytest

from freqfleet.settings import Settings, load_settings
from freqfleet.skeleton import place_skeleton


@pytest.fixture
def userdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `freqfleet init` makes, as the `user_data` of the folder in which everything is started."""
    monkeypatch.chdir(tmp_path)
    place_skeleton(tmp_path / "user_data")
    return tmp_path / "user_data"


@pytest.fixture
def settings(userdir: Path) -> Settings:
    return load_settings(userdir)
