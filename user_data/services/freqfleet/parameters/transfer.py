"""Transfer: parameter versions as one file that moves between stores and notices that it was edited.

Every version keeps its id, its times to the millisecond and its evidence, so an export imported elsewhere
is the same history. Each field carries a short digest, the versions their ids, the file a hash: together
they name the field that was changed. They guard against accidents, not against forgers: anyone who can
write the file can also write new digests. The bounds of the domain hold whatever the digests say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from freqfleet.clock import parse_time
from freqfleet.domain.decisions import Evidence
from freqfleet.domain.exit_plan import read_exit_parameters
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.leverage_bins import parse_leverage_bin
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError
from freqfleet.parameters.version import ParameterKey, ParameterVersion, Stage

KIND = "freqfleet parameter versions"
SCHEMA = 1

_FIELDS = (
    "version",
    "pair",
    "side",
    "leverage_bin",
    "stage",
    "source",
    "parameters",
    "valid_from",
    "recorded_at",
    "learned_until",
    "run_id",
    "evidence",
    "digests",
)
_NESTED = ("parameters", "evidence")


def export_text(versions: Sequence[ParameterVersion], *, exported_at: datetime) -> str:
    """Return the file: versions in the order given, which is the order of their recording."""
    document = {
        "kind": KIND,
        "schema": SCHEMA,
        "exported_at": _time(exported_at),
        "count": len(versions),
        "versions": [_entry(one) for one in versions],
    }
    return json.dumps({**document, "sha256": _digest(document)}, indent=1, allow_nan=False) + "\n"


def import_versions(
    text: str, name: str, known: Mapping[str, ParameterVersion] | None = None
) -> list[ParameterVersion]:
    """Return the versions of a file, in its order.

    name : of the file, for messages. known : versions by id that the reader holds already; where an edited
    one is among them, the message says what was expected.

    Raises ParameterError that names version, field and value for anything that is not as it was written,
    or that lies outside the bounds of the domain. Nothing of such a file should be used.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise ParameterError(f"{name} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise ParameterError(f"{name} is no export of `freqfleet params export`: kind must be {KIND!r}")
    if document.get("schema") != SCHEMA:
        raise ParameterError(f"{name}: schema must be {SCHEMA}, was {document.get('schema')!r}")
    entries = document.get("versions")
    if not isinstance(entries, list):
        raise ParameterError(f"{name}: versions must be a list, was {type(entries).__name__}")
    versions = [
        _version(entry, f"{name}: version {number} of {len(entries)}", known or {})
        for number, entry in enumerate(entries, start=1)
    ]
    if document.get("count") != len(versions):
        raise ParameterError(
            f"{name} holds {len(versions)} versions, {document.get('count')!r} were written: the file was "
            "edited; export it again"
        )
    ids = [one.version_id for one in versions]
    for at, one in enumerate(ids):
        if one in ids[:at]:
            raise ParameterError(f"{name} holds version {one} twice: the file was edited; export it again")
    written = document.pop("sha256", None)
    if written != _digest(document):
        raise ParameterError(
            f"{name}: every version is whole, but their order or the head of the file was edited "
            f"(sha256 {written!r}, expected {_digest(document)!r}); export it again"
        )
    return versions


def _entry(version: ParameterVersion) -> dict[str, Any]:
    key = version.key
    content: dict[str, Any] = {
        "version": version.version_id,
        "pair": key.pair,
        "side": key.side.value,
        "leverage_bin": key.leverage_bin.label if key.leverage_bin is not None else None,
        "stage": version.stage.value,
        "source": version.source.value,
        "parameters": version.parameters.to_dict(),
        "valid_from": _time(version.valid_from),
        "recorded_at": _time(version.recorded_at),
        "learned_until": _time(version.learned_until),
        "run_id": version.run_id,
        "evidence": {name: one for name, one in asdict(version.evidence).items() if one is not None},
    }
    return {**content, "digests": {name: _short(value) for name, value in _leaves(content)}}


def _version(entry: Any, where: str, known: Mapping[str, ParameterVersion]) -> ParameterVersion:
    if not isinstance(entry, dict):
        raise ParameterError(f"{where} must be an object, was {entry!r}")
    for field in _FIELDS:
        if field not in entry:
            raise ParameterError(f"{where}: field {field} is missing")
    for field in entry:
        if field not in _FIELDS:
            raise ParameterError(f"{where}: unknown field {field}={entry[field]!r}")
    for field in (*_NESTED, "digests"):
        if not isinstance(entry[field], dict):
            raise ParameterError(f"{where}: {field} must be an object, was {entry[field]!r}")
    where = f"{where} ({entry['version']})"
    version = _domain_version(entry, where)
    original = known.get(str(entry["version"]))
    _check_digests(entry, where, _entry(original) if original is not None else None)
    if version.version_id != entry["version"]:
        raise ParameterError(
            f"{where}: version is {entry['version']!r}, its content is that of {version.version_id!r}: "
            "the file was edited; export it again"
        )
    return version


def _domain_version(entry: dict[str, Any], where: str) -> ParameterVersion:
    """Build the version field by field, so that a bad one can be named. The bounds are checked here."""
    step = entry["leverage_bin"]
    builders: dict[str, Any] = {
        "side": lambda: Side(entry["side"]),
        "leverage_bin": lambda: parse_leverage_bin(step) if step is not None else None,
        "parameters": lambda: read_exit_parameters(entry["parameters"]),
        "source": lambda: ExitSource(entry["source"]),
        "valid_from": lambda: parse_time(entry["valid_from"]),
        "recorded_at": lambda: parse_time(entry["recorded_at"]),
        "learned_until": lambda: parse_time(entry["learned_until"]),
        "run_id": lambda: _text(entry["run_id"]),
        "stage": lambda: Stage(entry["stage"]),
        "evidence": lambda: Evidence.from_dict(entry["evidence"]),
    }
    built = {}
    for field, build in builders.items():
        try:
            built[field] = build()
        except (InputError, ValueError, TypeError, AttributeError) as error:
            raise ParameterError(f"{where}: {field}: {error}") from None
    try:
        key = ParameterKey(side=built.pop("side"), pair=entry["pair"], leverage_bin=built.pop("leverage_bin"))
        return ParameterVersion(key=key, **built)
    except (InputError, ValueError, TypeError, AttributeError) as error:
        raise ParameterError(f"{where}: {error}") from None


def _check_digests(entry: dict[str, Any], where: str, original: dict[str, Any] | None) -> None:
    digests = entry["digests"]
    leaves = dict(_leaves(entry))
    expected = dict(_leaves(original)) if original is not None else {}
    for name in digests:
        if name not in leaves:
            raise ParameterError(f"{where}: field {name} is missing{_instead(name, expected)}; {_EDITED}")
    for name, value in leaves.items():
        if name not in digests:
            raise ParameterError(f"{where}: field {name}={value!r} was added; {_EDITED}")
        if digests[name] != _short(value):
            raise ParameterError(f"{where}: {name} is {value!r}{_instead(name, expected)}; {_EDITED}")


_EDITED = "the file was edited: export it again, or publish new values with `freqfleet optimize`"


def _instead(name: str, expected: Mapping[str, Any]) -> str:
    if name in expected:
        return f", the store has {expected[name]!r}"
    return ", which is not what was exported"


def _leaves(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (`parameters.stop_loss`, value) for everything but the digests."""
    for field, value in entry.items():
        if field in _NESTED:
            yield from ((f"{field}.{name}", one) for name, one in value.items())
        elif field != "digests":
            yield field, value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ParameterError(f"must be text, was {value!r}")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _time(moment: datetime) -> str:
    """Return `moment` to the millisecond, which is what stores keep."""
    # isoformat cuts and does not round, as `store.rows.whole_ms` does.
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _short(value: Any) -> str:
    return _digest(value)[:8]
