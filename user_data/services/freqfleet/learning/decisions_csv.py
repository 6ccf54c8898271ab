"""The decisions of a run as CSV: one row per pair and side, units in the column names."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from freqfleet.errors import InputError
from freqfleet.learning.optimizer_run import OptimizerRun
from freqfleet.learning.outcome import to_document

# Column -> key of the JSON decision. "position_ratio" is on price, before leverage, net of costs.
COLUMNS = {
    "pair": "pair",
    "side": "side",
    "verdict": "verdict",
    "stop_loss_position_ratio": "stop_loss",
    "take_profit_position_ratio": "take_profit",
    "volatility_multiplier": "volatility_multiplier",
    "volatility_scaling": "volatility_scaling",
    "atr_reference_ratio": "atr_reference_ratio",
    "time_limit_minutes": "time_limit_minutes",
    "follows_path": "follows_path",
    "trades_count": "trades",
    "effective_trades_count": "effective_trades",
    "train_profit_position_ratio": "train_profit",
    "test_profit_position_ratio": "test_profit",
    "incumbent_test_profit_position_ratio": "incumbent_test_profit",
    "win_rate_ratio": "win_rate",
    "profit_factor": "profit_factor",
    "sharpe_per_trade": "sharpe_per_trade",
    "claim_bps": "claim_bps",
    "p_value": "p_value",
    "q_value": "q_value",
    "e_value": "e_value",
    "decay_z": "decay_z",
    "ambiguous_trades_count": "ambiguous_trades",
    "plateau_neighbours_count": "plateau_neighbours",
    "plateau_mean_profit_position_ratio": "plateau_mean_profit",
    "plateau_least_profit_position_ratio": "plateau_least_profit",
    "purged_trades_count": "purged",
    "trades_without_funding_count": "without_funding",
    "bot_trades_count": "bot_trades",
    "dropped_trades_count": "dropped",
    "parameter_importance_share": "parameter_importance",
    "version": "version",
    "reason": "reason",
}


def write_decisions(file: Path, run: OptimizerRun) -> None:
    """Write every decision; what was not measured is empty, counts by name read `BOT1=60 BOT3=20`.

    Raises InputError where the file cannot be written.
    """
    document = to_document(run)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(["run_id", "as_of_utc", *COLUMNS])
            for decision in document["decisions"]:
                values = [_cell(decision[key]) for key in COLUMNS.values()]
                writer.writerow([document["run_id"], document["as_of"], *values])
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}") from None


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return " ".join(f"{name}={one}" for name, one in value.items())
    return value
