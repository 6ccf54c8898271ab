"""A page of benchmarks: parts are measured when the machine is quiet, so each keeps its own date and load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bench.machine import Surroundings
from bench.table import Section, to_markdown

_PART = "\n## "


Write = Callable[[Sequence[Section], Surroundings], str]


def write_parts(
    file: Path, sections: Sequence[Section], where: Surroundings, *, write: Write = to_markdown
) -> None:
    """Put these sections into a page on disk; a new one where there is none."""
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    file.write_text(updated(before, sections, where, write=write), encoding="utf-8")


def updated(
    page: str, sections: Sequence[Section], where: Surroundings, *, write: Write = to_markdown
) -> str:
    """Return the page with these sections anew, in the place of those of the same title; others stay.

    page : as it was; empty where there is none. where : under what the sections were measured.
    write : makes a whole page; docs/benchmarks.md where not given.
    """
    said = f"measured on {where.date}, commit {where.commit}, load average {where.load} when it began"
    noted = [replace(one, notes=(*one.notes, said)) for one in sections]
    head, fresh = _parts(write(noted, where))
    _, kept = _parts(page)
    return _PART.join([head, *{**kept, **fresh}.values()]).rstrip() + "\n"


def _parts(page: str) -> tuple[str, dict[str, str]]:
    head, *parts = page.split(_PART)
    return head, {part.splitlines()[0]: part.rstrip() + "\n" for part in parts}
