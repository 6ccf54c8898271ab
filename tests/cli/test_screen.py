"""How wide screens are, and which columns of a table a narrow one shows."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from freqfleet.cli.screen import TABLE_COLUMNS, fitting, name_left_out, screen

TITLES = ("Trades", "Kept", "Seconds")
Terminal = Callable[[int | None], None]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stdout a terminal of so many columns; None makes it a pipe."""

    def make(columns: int | None) -> None:
        monkeypatch.setenv("COLUMNS", str(columns or 80))
        monkeypatch.setattr("sys.stdout.isatty", lambda: columns is not None, raising=False)

    return make


@pytest.mark.parametrize(
    ("columns", "width", "wide"),
    [(80, 80, 180), (200, 200, 200), (None, TABLE_COLUMNS, 180)],
)
def test_a_terminal_has_its_width_and_a_pipe_what_tables_need(
    terminal: Terminal, columns: int | None, width: int, wide: int
) -> None:
    terminal(columns)

    assert screen().width == width
    assert screen(pipe=180, at_least=180).width == wide


def test_brackets_of_a_text_are_no_markup(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    terminal(None)

    screen().print("see [studies] keep and [bold]")

    assert capsys.readouterr().out == "see [studies] keep and [bold]\n"


@pytest.mark.parametrize(
    ("columns", "shown", "said"),
    [(119, ["Kept"], "120 columns, or a pipe, also show: Trades, Seconds\n"), (120, list(TITLES), "")],
)
def test_a_narrow_terminal_shows_the_columns_most_needed_and_names_the_others(
    terminal: Terminal, capsys: pytest.CaptureFixture[str], columns: int, shown: list[str], said: str
) -> None:
    terminal(columns)

    found = fitting(screen(), TITLES, {"Kept"})
    name_left_out(screen(), TITLES, found)

    assert found == shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out) == said
