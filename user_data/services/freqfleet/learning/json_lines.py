"""JSON lines that survive a kill: whole lines count, a torn last one is cut off."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from freqfleet.errors import InputError


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return the documents of a file, none where there is no file; a torn last line is not one.

    Raises InputError for a file that holds anything else.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {file}: {error}") from None
    documents = []
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not line.endswith("\n"):
            break
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise InputError(f"{file} line {number} is no JSON object: {line[:60]!r}; move the file away")
        documents.append(document)
    return documents


def append_line(file: Path, document: dict[str, Any]) -> None:
    """Add one document; when this returns it is on the disk.

    Raises InputError where the file cannot be written.
    """
    line = json.dumps(document, allow_nan=False, separators=(",", ":")) + "\n"
    try:
        drop_torn_line(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}") from None


def drop_torn_line(file: Path) -> None:
    """Cut off a last line without its end: the process that wrote it was killed."""
    if not file.is_file():
        return
    text = file.read_bytes()
    if text and not text.endswith(b"\n"):
        with file.open("r+b") as stream:
            stream.truncate(text.rfind(b"\n") + 1)
