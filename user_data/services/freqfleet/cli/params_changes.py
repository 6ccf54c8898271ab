"""`freqfleet params rollback | retire | export | import`: change what is in force, or move its history."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from freqfleet.cli.json_target import STDOUT, json_option, write_json
from freqfleet.cli.program import Invocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from freqfleet.parameters.version import ParameterVersion

note_option = click.option("--note", metavar="TEXT", help="Why; kept with the version.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Check and show, change nothing.")
_SHOWN_REJECTIONS = 3


@click.command("rollback", short_help="Put the values of an earlier version in force again.")
@click.argument("version")
@note_option
@dry_run_option
@json_option
@click.pass_obj
def rollback(
    invocation: Invocation, version: str, note: str | None, dry_run: bool, json_target: str | None
) -> None:
    """Put the values of an earlier VERSION in force again, by appending them.

    VERSION is an id, or its beginning, as `params history PAIR` prints it.
    """
    _change(invocation, "rollback", version, note=note, dry_run=dry_run, json_target=json_target)


@click.command("retire", short_help="Take a version out of force.")
@click.argument("version")
@note_option
@dry_run_option
@json_option
@click.pass_obj
def retire(
    invocation: Invocation, version: str, note: str | None, dry_run: bool, json_target: str | None
) -> None:
    """Take the VERSION that is in force out of it; bots go on to the next link of the chain."""
    _change(invocation, "retire", version, note=note, dry_run=dry_run, json_target=json_target)


@click.command("export", short_help="Write every version to a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Write over a file that exists.")
@json_option
@click.pass_obj
def export(invocation: Invocation, file: Path, force: bool, json_target: str | None) -> None:
    """Write every version of the store to FILE, with its evidence; `params import` reads it elsewhere."""
    from freqfleet.clock import SystemClock
    from freqfleet.errors import InputError
    from freqfleet.parameters.transfer import export_text
    from freqfleet.wiring import open_store

    if file.exists() and not force:
        raise InputError(f"{file} exists; give another name, or --force to write over it")
    with closing(open_store(invocation.settings())) as store:
        versions = store.parameter_versions()
        unusable = store.unusable_rows
    from freqfleet.store.whole_file import write_whole

    write_whole(file, export_text(versions, exported_at=SystemClock().now()))
    if json_target is not None:
        write_json(json_target, {"file": str(file), "versions": len(versions), "left_out": unusable})
    if json_target != STDOUT:
        from freqfleet.report.formats import plural

        click.echo(f"{plural(len(versions), 'version')} written to {file}")
    for label, reason in unusable.items():
        click.echo(f"left out: {label}: {reason}", err=True)


@click.command("import", short_help="Append the versions of such a file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@dry_run_option
@json_option
@click.pass_obj
def import_(invocation: Invocation, file: Path, dry_run: bool, json_target: str | None) -> None:
    """Append the versions of FILE, which `params export` wrote; all of them, or none.

    What the store holds already is counted, not stored again.
    """
    from freqfleet.errors import ParameterError
    from freqfleet.parameters.transfer import import_versions
    from freqfleet.wiring import open_store

    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ParameterError(f"{file} is no text: {error}; give a file of `params export`") from None
    with closing(open_store(invocation.settings())) as store:
        known = {one.version_id: one for one in store.parameter_versions()}
        versions = import_versions(text, file.name, known)
        new = [one for one in versions if one.version_id not in known]
        if not dry_run:
            receipt = store.publish_parameters(new)
            if receipt.rejected:
                shown = "; ".join(receipt.rejected[:_SHOWN_REJECTIONS])
                raise ParameterError(f"the store refused {len(receipt.rejected)} versions: {shown}")
    if json_target is not None:
        write_json(
            json_target,
            {
                "file": str(file),
                "versions": len(versions),
                "new": len(new),
                "known": len(versions) - len(new),
                "dry_run": dry_run,
            },
        )
    if json_target != STDOUT:
        from freqfleet.report.formats import plural

        done = "would be added" if dry_run else "added"
        click.echo(f"{plural(len(new), 'version')} {done}, {len(versions) - len(new)} were there already")


def _change(
    invocation: Invocation,
    action: str,
    wanted: str,
    *,
    note: str | None,
    dry_run: bool,
    json_target: str | None,
) -> None:
    from freqfleet.clock import SystemClock
    from freqfleet.errors import ParameterError
    from freqfleet.parameters.book import ParameterBook
    from freqfleet.parameters.lifecycle import check_takes_effect, find_version, retired, rolled_back
    from freqfleet.wiring import open_store

    settings = invocation.settings()
    with closing(open_store(settings)) as store:
        now = SystemClock().now()
        versions = store.parameter_versions()
        book = ParameterBook(versions, defaults=settings.defaults.parameters())
        target = find_version(versions, wanted)
        before = book.in_force(target.key, now)
        make = rolled_back if action == "rollback" else retired
        change = make(target, book, at=now, note=note)
        later = check_takes_effect(change, versions)
        if not dry_run:
            receipt = store.publish_parameters([change])
            if receipt.rejected:
                raise ParameterError(f"the store refused it: {receipt.rejected[0]}")
    if json_target is not None:
        write_json(
            json_target,
            {
                "action": action,
                "dry_run": dry_run,
                "key": change.key.label,
                "version": change.version_id,
                "rolls_back_to": change.evidence.rolls_back_to,
                "before": _values(before),
                "after": _values(change) if action == "rollback" else None,
                "replaced_later_by": [one.version_id for one in later],
            },
        )
    if json_target != STDOUT:
        _say(action, target, before, change, later, dry_run=dry_run)


def _say(
    action: str,
    target: ParameterVersion,
    before: ParameterVersion | None,
    change: ParameterVersion,
    later: Sequence[ParameterVersion],
    *,
    dry_run: bool,
) -> None:
    from freqfleet.cli.params_tables import said

    label, would = change.key.label, "would be " if dry_run else ""
    if action == "retire":
        click.echo(f"{label}: version {target.version_id} {would}retired ({said(target.parameters)})")
        click.echo("`params explain` says what holds instead")
    else:
        was = f"version {before.version_id} ({said(before.parameters)})" if before else "nothing of its own"
        click.echo(f"{label}: {would}rolled back to version {target.version_id}: {said(target.parameters)}")
        click.echo(f"before it was {was}; the rollback is version {change.version_id}")
    for one in later:
        click.echo(f"version {one.version_id}, valid from {one.valid_from:%Y-%m-%d %H:%M} UTC, replaces it")


def _values(version: ParameterVersion | None) -> dict[str, Any] | None:
    if version is None:
        return None
    return {"version": version.version_id, "parameters": version.parameters.to_dict()}
