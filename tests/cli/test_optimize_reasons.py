"""Reasons on the terminal: what changes in full and first, many of one cause as a table."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from freqfleet.cli.optimize_reasons import common, print_reasons, print_skipped
from freqfleet.domain.decisions import Decision, Evidence, Verdict
from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.sides import Side
from freqfleet.learning.pair_side import Finding

EXITS = ExitParameters(stop_loss=-0.03, take_profit=0.03)


def finding(verdict: Verdict, reason: str, **evidence: object) -> Finding:
    exits = None if verdict is Verdict.SKIPPED else EXITS
    return Finding(
        decision=Decision(
            pair="BTC/USDT:USDT",
            side=Side.LONG,
            verdict=verdict,
            reason=reason,
            parameters=exits,
            evidence=Evidence(**evidence),
        )
    )


def by_chance(p_value: float, claim_bps: float, trades: int) -> Finding:
    reason = (
        f"chance explains it: p={p_value:.2g} among 24 pair sides; "
        f"claim {claim_bps:+.1f} bps over what is in force, {trades} trades; "
        "the best is stop_loss -1.44 %, take_profit +20.00 %"
    )
    return finding(Verdict.KEPT, reason, p_value=p_value, claim_bps=claim_bps, trades=trades)


def said(findings: list[Finding], *, every: bool = False, width: int = 80) -> list[str]:
    out = io.StringIO()
    names = [f"P{letter} long" for letter in "ABCDEFGHIJKLMNOP"[: len(findings)]]
    print_reasons(Console(file=out, width=width), findings, names, every=every)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_many_of_one_cause_are_a_line_each_the_least_p_first() -> None:
    lines = said([by_chance(0.5, 35.1, 61), by_chance(3e-5, 1234.5, 1070), by_chance(0.087, -2.0, 94)])

    assert lines == [
        "kept, chance explains it: 3 pair sides",
        "  Pair           p  Claim, bps  Trades",
        "  PB long  <0.0001    +1,234.5   1,070",
        "  PC long    0.087        -2.0      94",
        "  PA long      0.5       +35.1      61",
    ]


def test_what_changes_comes_first_and_in_full_however_much_of_it_there_is() -> None:
    published = [finding(Verdict.PUBLISHED, f"p=1e-0{at}, claim +90.0 bps") for at in range(1, 5)]
    inherited = finding(Verdict.INHERITED, "its family is certified (p=0.001), claim +9.0 bps")
    retracted = [finding(Verdict.KEPT, f"retracted: account at {at}") for at in range(3)]
    kept = [by_chance(0.1, 35.1, trades) for trades in (61, 62, 63)]

    lines = said([*kept, *retracted, inherited, *published])

    assert lines[0] == "PH long published: p=1e-01, claim +90.0 bps"
    assert [line.split(" ", 3)[2] for line in lines[:8]] == ["published:"] * 4 + ["inherited:"] + [
        "kept:"
    ] * 3
    assert lines[7] == "PF long kept: retracted: account at 2"
    assert lines[8:10] == ["", "kept, chance explains it: 3 pair sides"]


def test_a_cause_of_two_is_said_in_full() -> None:
    lines = said([by_chance(0.5, 35.1, 61), by_chance(0.6, 5.1, 70)], width=300)

    assert [line.partition(";")[0] for line in lines] == [
        "PA long kept: chance explains it: p=0.5 among 24 pair sides",
        "PB long kept: chance explains it: p=0.6 among 24 pair sides",
    ]


def test_causes_are_told_apart_and_the_larger_one_comes_first() -> None:
    small = [
        finding(Verdict.KEPT, f"claim +{at}.0 bps over what is in force is less than 10 bps")
        for at in range(3)
    ]
    lines = said([*small, *[by_chance(0.5, 35.1, trades) for trades in (61, 62, 63, 64)]])

    assert [line for line in lines if line.startswith("kept")] == [
        "kept, chance explains it: 4 pair sides",
        "kept, claim … bps over what is in force is less than 10 bps: 3 pair sides",
    ]


def test_a_reason_that_is_the_same_for_all_keeps_its_details() -> None:
    lines = said([finding(Verdict.KEPT, "the store refused it: the disk is full", trades=7)] * 3)

    assert lines[0] == "kept, the store refused it: the disk is full: 3 pair sides"
    assert lines[1:] == ["  Pair     Trades", *(f"  P{at} long       7" for at in "ABC")]


def test_a_cause_ends_before_a_bracket_that_its_details_leave_open() -> None:
    reasons = [f"tpe sees what it is judged on (not better; found stop_loss -{at}.00 %)" for at in range(3)]

    assert said([finding(Verdict.KEPT, one) for one in reasons])[0] == (
        "kept, tpe sees what it is judged on: 3 pair sides"
    )


def test_every_reason_is_in_full_where_that_is_asked_for() -> None:
    lines = said([by_chance(0.5, 35.1, 61)] * 5, every=True, width=300)

    assert len(lines) == 5
    assert all(line.endswith("the best is stop_loss -1.44 %, take_profit +20.00 %") for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_terminal_with_the_longest_numbers(width: int) -> None:
    lines = said([by_chance(3e-5, -12345.6, 1_234_567)] * 6, width=width)

    assert max(map(len, lines)) <= width
    assert [line.split() for line in lines if "long" in line] == [
        [f"P{name}", "long", "<0.0001", "-12,345.6", "1,234,567"] for name in "ABCDEF"
    ]


@pytest.mark.parametrize(
    ("reasons", "every", "lines", "shortened"),
    [
        (["0 trades, 60 needed"] * 3, False, ["skipped: 0 trades, 60 needed: A, B, C"], False),
        (
            ["52 trades, 60 needed; 3 counted once", "7 trades, 60 needed", "9 trades, 60 needed"],
            False,
            ["skipped: … trades, 60 needed: A (52), B (7), C (9)"],
            True,
        ),
        (
            ["5 trades, 60 needed", "7 trades, 60 needed", "9 trades, 60 needed"],
            False,
            ["skipped: … trades, 60 needed: A (5), B (7), C (9)"],
            False,  # each number stands beside its name: nothing was left out
        ),
        (
            ["0 trades, 60 needed", "7 trades, 60 needed", "0 trades, 60 needed"],
            False,
            ["skipped: 0 trades, 60 needed: A, C", "skipped: 7 trades, 60 needed: B"],
            False,
        ),
        (
            ["5 trades, 60 needed", "7 trades, 60 needed", "9 trades, 60 needed"],
            True,
            [f"skipped: {count} trades, 60 needed: {name}" for count, name in ((5, "A"), (7, "B"), (9, "C"))],
            False,
        ),
        (
            [f"no candles of {name}; download them" for name in "XYZ"],
            False,
            [f"skipped: no candles of {pair}; download them: {name}" for pair, name in ("XA", "YB", "ZC")],
            False,
        ),
    ],
)
def test_who_was_skipped_stands_on_a_line_for_each_cause(
    reasons: list[str], every: bool, lines: list[str], shortened: bool
) -> None:
    out = io.StringIO()
    findings = [finding(Verdict.SKIPPED, reason) for reason in reasons]

    left_out = print_skipped(Console(file=out, width=120), findings, ["A", "B", "C"], every=every)

    assert out.getvalue().splitlines() == lines
    assert left_out is shortened


def test_what_texts_have_in_common_names_what_differs() -> None:
    assert common(["2 of 5 at p=1e-05", "3 of 5 at p=0.2"]) == ("… of 5 at p=…", ["2, 1e-05", "3, 0.2"])
