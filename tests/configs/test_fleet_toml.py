"""The shipped fleet.toml writes out the defaults: all of them, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from freqfleet.settings import load_settings

FILE = Path(__file__).parents[2] / "user_data" / "config" / "fleet.toml"
# Secrets are never in the file; the userdir is where the file is.
ABSENT = {"store.token", "store.token_file", "userdir"}


def keys(table: dict[str, Any], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in table.items():
        found |= keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def test_the_file_says_what_holds_without_it(tmp_path: Path) -> None:
    assert load_settings(tmp_path, FILE) == load_settings(tmp_path)


def test_the_file_names_every_setting(tmp_path: Path) -> None:
    written = keys(tomllib.loads(FILE.read_text(encoding="utf-8")))

    assert written == keys(load_settings(tmp_path).model_dump()) - ABSENT
