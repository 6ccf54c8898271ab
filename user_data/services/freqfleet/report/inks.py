"""The colours of the report, on light and on dark paper."""

from __future__ import annotations

from enum import StrEnum


class Ink(StrEnum):
    """The colours of the report, for light paper. Okabe and Ito's set, which the colour-blind can tell.

    A member's name is also the name of its CSS variable: `Ink.BOT1` is `--bot1`.
    """

    TEXT = "#1b1f24"
    GRID = "#dfe3e8"
    PAPER = "#fffffe"
    BOT1 = "#0072b2"
    BOT2 = "#d55e00"
    BOT3 = "#00876a"
    DEFAULTS = "#737b87"
    INHERITED = "#a8479c"


DARK_INKS = {
    Ink.TEXT: "#e6e9ee",
    Ink.GRID: "#30363f",
    Ink.PAPER: "#171a20",
    Ink.BOT1: "#56b4e9",
    Ink.BOT2: "#ff9450",
    Ink.BOT3: "#2cc59a",
    Ink.DEFAULTS: "#98a1ae",
    Ink.INHERITED: "#e08fd5",
}
