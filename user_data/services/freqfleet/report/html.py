"""What every page of the report is made with: templates that escape, files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from freqfleet.report import formats


def page_environment() -> Environment:
    """Return what renders our templates: everything is escaped, an undefined name is an error."""
    environment = Environment(
        loader=PackageLoader("freqfleet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _printed(formats.as_percent),
        "bare": _printed(partial(formats.as_bps, unit="")),
        "to_bps": formats.to_bps,
        "count": _printed(formats.as_count),
        "decimal": _printed(formats.as_decimal),
        "p_value": formats.as_p_value,
        "minutes": _printed(formats.as_minutes),
        "seconds": _printed(formats.as_seconds),
        "typographic": formats.typographic,
        "time": formats.as_time,
        "day": formats.as_day,
    }
    environment.globals["sort_key"] = _sort_key
    return environment


def _printed(form: Any) -> Any:
    """Return `form` as print has it: a true minus, and no line break between a number and its unit."""
    return lambda *arguments, **options: formats.typographic(form(*arguments, **options)).replace(" ", "\xa0")


def _sort_key(value: float | None) -> str:
    """What a column is sorted by; the script puts an empty key last."""
    return "" if value is None or value != value else repr(float(value))  # noqa: PLR0124 - NaN


def write_whole(path: Path, text: str) -> None:
    """Write `text` to `path`, making its folder: readers see the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as sheet:
            sheet.write(text)
        Path(temporary).chmod(0o644)  # mkstemp lets only its owner read
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
