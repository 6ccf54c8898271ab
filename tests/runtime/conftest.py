"""Positions of freqtrade's without its database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from freqtrade.persistence import LocalTrade
from freqtrade.persistence.usedb_context import FtNoDBContext


@pytest.fixture
def no_database() -> Iterator[None]:
    """Keep freqtrade's trades in memory, as in a backtest; none are left to the next test."""
    with FtNoDBContext("5m"):
        yield
        LocalTrade.reset_trades()
