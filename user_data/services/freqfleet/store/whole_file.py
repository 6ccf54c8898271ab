"""A file that is always whole: after a kill or a power cut it holds the old text or the new one, no half."""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_hex


def write_whole(file: Path, text: str) -> None:
    """Write beside the file, to the disk, and rename into place; missing folders are made.

    Several may write at once, each to a name of its own; the last one to rename stays. Raises OSError where
    that is not possible; what was there before is then untouched.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{token_hex(4)}.writing")
    try:
        with beside.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
