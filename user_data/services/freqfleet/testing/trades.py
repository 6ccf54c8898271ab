"""Builders for tests: one valid value each, of which a test changes only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from freqfleet.domain.closed_trade import ClosedTrade, TradeMode
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.domain.sides import Side
from freqfleet.parameters.version import ParameterKey, ParameterVersion


def closed_trade(**overrides: Any) -> ClosedTrade:
    """Return a BTC long at 3x that earned 2 % on price in four hours; overrides are its fields."""
    values: dict[str, Any] = {
        "bot": "BOT1",
        "instance": "db:2025-10-01T00:00:00Z",
        "trade_id": 1,
        "pair": "BTC/USDT:USDT",
        "side": Side.LONG,
        "leverage": 3.0,
        "opened_at": datetime(2025, 11, 1, 8, tzinfo=UTC),
        "closed_at": datetime(2025, 11, 1, 12, tzinfo=UTC),
        "open_rate": 50_000.0,
        "close_rate": 51_000.0,
        "stake_quote": 100.0,
        "margin_profit_ratio": 0.06,
        "profit_quote": 6.0,
        "fee_open_ratio": 0.0005,
        "fee_close_ratio": 0.0005,
        "funding_fees_quote": -0.01,
        "exit_reason": "roi_optuna",
        "mode": TradeMode.DRY_RUN,
        "enter_tag": "long ensemble 3/4 conf=0.8 from=trend",
        "feeder": "trend",
        "votes": 3,
        "voters": 4,
        "confidence": 0.8,
        "parameter_version": None,
    }
    return ClosedTrade(**{**values, **overrides})


def version(**overrides: Any) -> ParameterVersion:
    """Return a champion for BTC long; `pair`, `side`, `leverage_bin` and the fields of
    ExitParameters may be given directly, everything else is a field of ParameterVersion.
    """
    recorded_at = overrides.get("recorded_at", datetime(2025, 11, 1, tzinfo=UTC))
    key_values: dict[str, Any] = {"pair": "BTC/USDT:USDT", "side": Side.LONG, "leverage_bin": None}
    key = {name: overrides.pop(name, default) for name, default in key_values.items()}
    exit_values: dict[str, Any] = {"stop_loss": -0.02, "take_profit": 0.045}
    exits = {
        name: overrides.pop(name, exit_values.get(name))
        for name in ExitParameters.__dataclass_fields__
        if name in overrides or name in exit_values
    }
    values: dict[str, Any] = {
        "key": ParameterKey(**key),
        "parameters": ExitParameters(**exits),
        "source": ExitSource.OPTUNA,
        "valid_from": recorded_at,
        "recorded_at": recorded_at,
        "learned_until": recorded_at,
        "run_id": "run-1",
    }
    return ParameterVersion(**{**values, **overrides})
