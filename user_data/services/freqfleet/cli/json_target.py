"""`--json FILE`, the same for every reporting verb: `-` is stdout, and then nothing else goes there."""

from __future__ import annotations

import json
from typing import Any

import click

STDOUT = "-"

json_option = click.option(
    "--json",
    "json_target",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the answer as JSON; - is stdout.",
)


def write_json(target: str, values: dict[str, Any]) -> None:
    """Write `values` to a file or to stdout; raises click's FileError where that cannot be done."""
    text = json.dumps({"schema": 1, **values}, indent=1, allow_nan=False)
    try:
        with click.open_file(target, "w", encoding="utf-8") as file:
            click.echo(text, file=file)
    except OSError as error:
        raise click.FileError(target, error.strerror or str(error)) from error
