"""The reasons of a run on the terminal: what changes in full, what stays by cause.

The reasons of many pair sides are one sentence with other numbers. Such sentences become one line that
names the cause, and a table line for each pair side. What is compared is text, so that a cause that nobody
listed here is grouped like any other; `--reasons`, `--json`, `--csv` and the report hold every sentence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from freqfleet.domain.decisions import Verdict
from freqfleet.learning.pair_side import Finding
from freqfleet.learning.second_look import RETRACTED
from freqfleet.report.formats import UNKNOWN, as_bps, as_count, as_p_value, plural

# Fewer are said in full: a table of two lines is no shorter than two sentences.
FEWEST = 3
_NUMBER = re.compile(r"[+-]?\d+(?:[.,:]\d+)*(?:e[+-]?\d+)?")
_DETAIL = re.compile(r"[;:](?= )")
_TAKES = (Verdict.PUBLISHED, Verdict.INHERITED)
_COLUMN_GAP = 2


def print_reasons(
    console: Console, findings: Sequence[Finding], names: Sequence[str], *, every: bool
) -> bool:
    """Print why each finding was decided as it was; return whether sentences were left out.

    names : what each finding is called. every : say all in full.
    """
    named = list(zip(findings, names, strict=True))
    full = [one for one in named if every or _is_news(one[0])]
    by_cause: dict[tuple[Verdict, str], list[tuple[Finding, str]]] = {}
    for finding, name in named:
        if not every and not _is_news(finding):
            cause = finding.decision.verdict, _masked(finding.decision.reason)
            by_cause.setdefault(cause, []).append((finding, name))
    few = [one for group in by_cause.values() if len(group) < FEWEST for one in group]
    many = sorted((group for group in by_cause.values() if len(group) >= FEWEST), key=len, reverse=True)
    _say(console, [*full, *few])
    for at, group in enumerate(many):
        if full or few or at:
            console.print()
        _say_together(console, group)
    return bool(many)


def common(texts: Sequence[str]) -> tuple[str, list[str]]:
    """Return what texts that differ in numbers have in common, `…` for what differs, and what that is.

    texts : equal but for their numbers. The second is by text, its own numbers joined by a comma.
    """
    columns = list(zip(*(_NUMBER.findall(text) for text in texts), strict=True))
    same = [len(set(column)) == 1 for column in columns]
    numbers = iter(column[0] if equal else "…" for column, equal in zip(columns, same, strict=True))
    shared = _NUMBER.sub(lambda _: next(numbers), texts[0])
    own = [
        ", ".join(column[at] for column, equal in zip(columns, same, strict=True) if not equal)
        for at in range(len(texts))
    ]
    return shared, own


def print_skipped(
    console: Console, findings: Sequence[Finding], names: Sequence[str], *, every: bool
) -> bool:
    """Print who was not searched, a line for each reason; return whether details were left out.

    Where a cause comes with many numbers it has one line, and each name is followed by its own number.
    """
    by_reason: dict[str, list[str]] = {}
    for finding, name in zip(findings, names, strict=True):
        by_reason.setdefault(finding.decision.reason, []).append(name)
    by_cause: dict[str, list[str]] = {}
    for reason in by_reason:
        by_cause.setdefault(_masked(reason), []).append(reason)
    shortened = False
    for reasons in by_cause.values():
        if every or len(reasons) < FEWEST:
            for reason in reasons:
                console.print(f"skipped: {reason}: {', '.join(by_reason[reason])}", markup=False)
            continue
        heads = [_head(reason) for reason in reasons]
        said, own = common(heads)
        members = [
            f"{name} ({its})" if its else name
            for reason, its in zip(reasons, own, strict=True)
            for name in by_reason[reason]
        ]
        console.print(f"skipped: {said}: {', '.join(members)}", markup=False)
        shortened = shortened or heads != reasons
    return shortened


def _is_news(finding: Finding) -> bool:
    """True for what changes what is in force: it is never folded into a table."""
    decision = finding.decision
    return decision.verdict in _TAKES or decision.reason.startswith(RETRACTED)


def _masked(reason: str) -> str:
    """Return what reasons of one cause have in common."""
    return _NUMBER.sub("#", _head(reason))


def _head(reason: str) -> str:
    """Return the cause without its details: up to the first colon or semicolon, brackets closed."""
    head = _DETAIL.split(reason, maxsplit=1)[0]
    if head.count("(") > head.count(")"):
        head = head.rpartition("(")[0]
    return head.rstrip()


def _say(console: Console, named: Sequence[tuple[Finding, str]]) -> None:
    order = {verdict: at for at, verdict in enumerate(Verdict)}
    for finding, name in sorted(named, key=lambda one: order[one[0].decision.verdict]):
        console.print(f"{name} {finding.decision.verdict.value}: {finding.decision.reason}", markup=False)


def _say_together(console: Console, group: Sequence[tuple[Finding, str]]) -> None:
    reasons = [finding.decision.reason for finding, _ in group]
    said = reasons[0] if len(set(reasons)) == 1 else common([_head(one) for one in reasons])[0]
    console.print(
        f"{group[0][0].decision.verdict.value}, {said}: {plural(len(group), 'pair side')}", markup=False
    )
    console.print(_table(group))


def _table(group: Sequence[tuple[Finding, str]]) -> Table:
    """Return a line for each pair side, the least p first; what was measured for none has no column."""
    ordered = sorted(group, key=lambda one: _order(one[0]))
    evidence = [finding.decision.evidence for finding, _ in ordered]
    columns = {
        "p": [as_p_value(one.p_value) for one in evidence],
        "Claim, bps": [as_bps(one.claim_bps, unit="") for one in evidence],
        "Trades": [as_count(one.trades) for one in evidence],
    }
    shown = {title: cells for title, cells in columns.items() if set(cells) != {UNKNOWN}}
    table = Table(box=None, pad_edge=False, padding=(0, _COLUMN_GAP, 0, 0))
    table.add_column("  Pair", overflow="fold")
    for title in shown:
        table.add_column(title, justify="right", no_wrap=True)
    for (_, name), *cells in zip(ordered, *shown.values(), strict=True):
        table.add_row(f"  {name}", *cells)
    return table


def _order(finding: Finding) -> tuple[float, float]:
    evidence = finding.decision.evidence
    p_value = 2.0 if evidence.p_value is None else evidence.p_value
    return p_value, -(evidence.claim_bps or 0.0)
