"""SoleWriterFile: Optuna's journal format in a file that one process at a time writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from freqfleet.learning.json_lines import drop_torn_line


class SoleWriterFile(JournalFileBackend):  # type: ignore[misc]  # Optuna is not followed by mypy
    """A journal without lock and fsync.

    A pair and side is searched by one process, so nobody waits, and a killed process leaves no lock behind
    for half a minute. What was written survives a kill; only a power cut may take the last trials.
    """

    def __init__(self, file: Path) -> None:
        drop_torn_line(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(str(file))
        self._file = file

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records, one JSON line each."""
        text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in logs)
        with self._file.open("ab") as stream:
            stream.write(text.encode())
