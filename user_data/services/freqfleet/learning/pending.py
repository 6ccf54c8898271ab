"""PendingParameters: results that could not be written to the store, kept in a file for the next run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from freqfleet.errors import InputError, ParameterError
from freqfleet.parameters.version import ParameterVersion
from freqfleet.store.rows import parameter_version, version_row
from freqfleet.store.whole_file import write_whole

PENDING_FILE = Path("user_data") / "services" / "optimized_parameters.json"
SCHEMA = 1


class PendingParameters:
    """One JSON file, always whole: it is written beside itself and renamed into place."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> list[ParameterVersion]:
        """Return what waits, oldest first; nothing where there is no file.

        Raises ParameterError for a file that is not ours or that was damaged; it is left as it is.
        """
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise self._damaged(error) from None
        try:
            if document["schema"] != SCHEMA:
                raise ParameterError(f"schema {document['schema']!r}, this program reads {SCHEMA}")
            return [parameter_version(SimpleNamespace(**row)) for row in document["versions"]]
        except (InputError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._damaged(error) from None

    def add(self, versions: Sequence[ParameterVersion]) -> None:
        """Append versions; what waits already stays."""
        waiting = [version_row(one) for one in (*self.read(), *versions)]
        text = json.dumps({"schema": SCHEMA, "versions": waiting}, indent=1, allow_nan=False)
        write_whole(self.file, text + "\n")

    def retire(self) -> Path:
        """Rename the file away, once its versions are in the store; returns where it is now."""
        away = self.file.with_name(self.file.name + ".published")
        self.file.replace(away)
        return away

    def _damaged(self, error: Exception) -> ParameterError:
        return ParameterError(
            f"cannot read {self.file}, where an earlier run left its results: {error!r}; "
            "move the file away to give them up"
        )
