"""The log file of `freqfleet optimize`: what it did, with a line for every trial."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from freqfleet.errors import InputError

if TYPE_CHECKING:
    from freqfleet.learning.seed_config import SeedConfig
    from freqfleet.settings import Settings

TRIAL_LOG = Path("user_data") / "logs" / "optuna_optimizer.log"


@contextmanager
def trial_log(settings: Settings, seed: SeedConfig | None) -> Iterator[None]:
    """Write our log to a file while this lasts: TRIAL_LOG, or where the seed's config wants it.

    Raises InputError for a file that cannot be written.
    """
    from freqfleet.learning.seed_config import LoggingSection

    chosen = LoggingSection() if seed is None else seed.logging
    file = settings.path(chosen.file or TRIAL_LOG)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot log to {file}: {error.strerror or error}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s: %(message)s"))
    ours, root = logging.getLogger("freqfleet"), logging.getLogger()
    before, terminals = ours.level, {terminal: terminal.level for terminal in root.handlers}
    for terminal in terminals:  # the terminal keeps its own level
        terminal.setLevel(max(terminal.level, root.level))
    ours.addHandler(handler)
    ours.setLevel(chosen.level)
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)
        handler.close()
        for terminal, terminal_level in terminals.items():
            terminal.setLevel(terminal_level)
