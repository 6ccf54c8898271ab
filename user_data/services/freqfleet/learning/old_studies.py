"""Old studies: folders of runs that nobody is going to resume, removed but for the newest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from freqfleet.learning.run_record import LOCK_FILE, RUN_FILE, is_held

_JOURNALS = "*.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """removed : names of studies that are gone. left : names of those that could not go -> why."""

    removed: tuple[str, ...]
    left: dict[str, str]


def prune_studies(folder: Path, *, keep: int, current: str) -> Pruned:
    """Remove all studies of a folder but the `keep` newest ones; 0 keeps all, `current` always stays.

    What is removed is what a study writes. A folder that holds anything else stays with it, and one that
    another process works on stays whole.
    """
    if keep == 0:
        return Pruned(removed=(), left={})
    newest_first = sorted(folder.glob(f"*/{RUN_FILE}"), key=lambda run: run.stat().st_mtime_ns, reverse=True)
    others = [run.parent for run in newest_first if run.parent.name != current]
    removed, left = [], {}
    for study in others[max(keep - 1, 0) :]:
        if is_held(study):
            left[study.name] = "another process works on it"
            continue
        try:
            _remove(study)
        except OSError as error:
            left[study.name] = error.strerror or str(error)
            continue
        removed.append(study.name)
    return Pruned(removed=tuple(removed), left=left)


def _remove(study: Path) -> None:
    for file in (*study.glob(_JOURNALS), study / RUN_FILE, study / LOCK_FILE):
        file.unlink(missing_ok=True)
    study.rmdir()
