"""The files people get in their freqtrade userdir: three strategies and the configs.

In a checkout they are the repository's own `user_data/`; an installed wheel carries them under
`share/freqfleet`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freqfleet.errors import InputError

FOLDERS = {"strategies": "*.py", "config": "*.*"}


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one file: `written`, `kept` (already there) or `same` (there, and equal)."""

    file: Path
    outcome: str


def skeleton_dir() -> Path:
    """Return where the files are; raises InputError where this installation lacks them."""
    checkout = Path(__file__).parents[2]
    installed = Path(sys.prefix) / "share" / "freqfleet"
    for folder in (checkout, installed):
        if all((folder / name).is_dir() for name in FOLDERS):
            return folder
    raise InputError(f"the strategies are neither at {checkout} nor at {installed}; reinstall freqfleet")


def place_skeleton(userdir: Path, *, force: bool = False) -> list[Placed]:
    """Put strategies and configs into `userdir`; a file that is there stays unless `force`.

    Raises InputError where `userdir` cannot be written.
    """
    try:
        return [_place(source, userdir / below, force=force) for source, below in _files()]
    except OSError as error:
        raise InputError(f"cannot write into {userdir}: {error.strerror or error}") from None


def _files() -> Iterator[tuple[Path, Path]]:
    root = skeleton_dir()
    for folder, pattern in FOLDERS.items():
        for source in sorted((root / folder).glob(pattern)):
            yield source, source.relative_to(root)


def _place(source: Path, target: Path, *, force: bool) -> Placed:
    if target.exists():
        if target.read_bytes() == source.read_bytes():
            return Placed(target, "same")
        if not force:
            return Placed(target, "kept")
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, draft)
    draft.replace(target)
    return Placed(target, "written")
