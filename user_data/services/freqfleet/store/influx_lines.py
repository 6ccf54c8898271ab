"""Line protocol and InfluxQL literals: how values are written so that they come back as they were.

Own code because `influxdb_client.Point` drops NaN and empty tags without a word; a test compares the two on
arbitrary text.
"""

from __future__ import annotations

from collections.abc import Mapping

MOST_TEXT_BYTES = 65_535  # of one string field
MOST_WHOLE = 2**53  # whole numbers up to here are exact in a float

_TAG = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_FIELD = str.maketrans({'"': r"\"", "\\": r"\\"})
_LITERAL = str.maketrans({"'": r"\'", "\\": r"\\", "\n": r"\n"})


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, float | str], time_ns: int) -> str:
    """Return one point; the caller has asked `tag_flaw` and `field_flaw` before."""
    # Sorted, as the server keeps them: it then need not sort again.
    key = "".join(f",{name}={tags[name].translate(_TAG)}" for name in sorted(tags))
    values = ",".join(
        f'{name}="{value.translate(_FIELD)}"' if isinstance(value, str) else f"{name}={float(value)!r}"
        for name, value in fields.items()
    )
    return f"{measurement}{key} {values} {time_ns}"


def tag_flaw(name: str, value: str) -> str | None:
    """Say why a text cannot be a tag's value; None where it can.

    A backslash is an escape or itself, depending on what follows; a line break ends the point.
    """
    if value and value.isprintable() and "\\" not in value:
        return None
    return f"{name} {value!r} cannot be a tag of InfluxDB: it must hold something, no backslash, no control"


def field_flaw(name: str, value: float | str) -> str | None:
    """Say why a value cannot be a field's; None where it can."""
    if isinstance(value, str):
        size = len(value) if value.isascii() else len(value.encode())
        if size > MOST_TEXT_BYTES:
            return f"{name} holds {size:,} bytes, a field of InfluxDB holds {MOST_TEXT_BYTES:,}"
    elif isinstance(value, int) and abs(value) > MOST_WHOLE:
        return f"{name} is {value}, InfluxDB keeps whole numbers up to 2^53 here"
    return None


def text_literal(text: str) -> str:
    """Return a text as InfluxQL writes it; nothing in it can end the literal."""
    return f"'{text.translate(_LITERAL)}'"
