"""The files people get in their freqtrade userdir: three strategies and the configs.

In a checkout they are the repository's own `user_data/`; an installed wheel carries them under
`share/freqfleet`.
"""

from __future__ import annotations

import os
import shutil
import site
import sys
from dataclasses import dataclass
from pathlib import Path

from freqfleet.errors import InputError

# By name: a checkout's user_data may hold a developer's own strategies, and configs with keys.
FILES = (
    Path("strategies/bot1_long.py"),
    Path("strategies/bot2_short.py"),
    Path("strategies/bot3_meta.py"),
    Path("freqaimodels/FreqfleetBank.py"),
    Path("config/bot1.json"),
    Path("config/bot2.json"),
    Path("config/bot3.json"),
    Path("config/fleet.toml"),
    Path("config/offline.json"),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one file: `written`, `kept` (already there) or `same` (there, and equal)."""

    file: Path
    outcome: str


def skeleton_dir() -> Path:
    """Return where the files are; raises InputError where this installation lacks them."""
    checkout = Path(__file__).parents[2]
    # `pip install --user` puts them below the user's base; freqtrade's Docker image installs that way.
    prefixes = (Path(sys.prefix), Path(site.getuserbase()))
    places = (checkout, *(prefix / "share" / "freqfleet" for prefix in prefixes))
    for folder in places:
        if all((folder / name).is_file() for name in FILES):
            return folder
    tried = ", ".join(str(place) for place in places)
    raise InputError(f"the strategies and configs are in none of {tried}; reinstall freqfleet")


def place_skeleton(userdir: Path, *, force: bool = False) -> list[Placed]:
    """Put strategies and configs into `userdir`; a file that is there stays unless `force`.

    Raises InputError where `userdir` cannot be written.
    """
    root = skeleton_dir()
    try:
        return [_place(root / name, userdir / name, force=force) for name in FILES]
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise InputError(
            f"cannot write into {userdir}: {why}; give --userdir another folder, or correct its permissions"
        ) from None


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
