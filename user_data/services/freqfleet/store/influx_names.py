"""Every name in InfluxDB, defined once: the writer and the reader both import this module.

Buckets, measurements and tags are those of existing dashboards. Every number is a float: a bucket in which
one field is float here and integer there cannot be pivoted or grouped (`schema collision` in Flux, `field
type conflict` when writing). Whole numbers below 2^53 are exact in a float.

A tag and a field never share a name, because InfluxDB 3 refuses that.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = 1  # of the points; a reader refuses what a newer program wrote

TRADES = "closed_trade"
OPTIMIZED = "optimized_parameters"
ADAPTIVE = "adaptive_params"
OPTIMIZED_BUCKET = "OPTUNA_PARAMS"
ADAPTIVE_BUCKET = "bot3_learning"
PARAMETER_MEASUREMENTS = {OPTIMIZED_BUCKET: OPTIMIZED, ADAPTIVE_BUCKET: ADAPTIVE}

# Numbers over time, in OPTIMIZED_BUCKET: tags series (decay_z, …) and series_key, field value.
SERIES = "learning_series"
SERIES_NAME, SERIES_KEY, SERIES_VALUE = "series", "series_key", "value"

BOT, PAIR, DIRECTION, LEVERAGE_BIN = "bot", "pair", "direction", "leverage_bin"
TRADE_TAGS = (BOT, PAIR, DIRECTION, LEVERAGE_BIN)
VERSION_TAGS = (PAIR, DIRECTION, LEVERAGE_BIN)
NONE = "none"  # tags are always present: a point without a tag would be another series


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a point, and the column of `rows.py` it holds. whole : an integer kept as a float."""

    name: str
    column: str
    whole: bool = False
    text: bool = False


TRADE_FIELDS = (
    Field("instance", "instance", text=True),
    Field("trade_id", "trade_id", whole=True),
    Field("open_ms", "opened_ms", whole=True),
    Field("leverage", "leverage"),
    Field("open_rate", "open_rate"),
    Field("close_rate", "close_rate"),
    Field("stake_quote", "stake_quote"),
    Field("profit_ratio", "margin_profit_ratio"),
    Field("profit_quote", "profit_quote"),
    Field("fee_open", "fee_open_ratio"),
    Field("fee_close", "fee_close_ratio"),
    Field("funding_fees", "funding_fees_quote"),
    Field("exit_reason", "exit_reason", text=True),
    Field("mode", "mode", text=True),
    Field("enter_tag", "enter_tag", text=True),
    Field("feeder", "feeder", text=True),
    Field("votes", "votes", whole=True),
    Field("voters", "voters", whole=True),
    Field("confidence", "confidence"),
    Field("parameter_version", "parameter_version", text=True),
    Field("content_hash", "content_hash", text=True),
)

# Beside the row: how often the trade was amended before, and whether it has moved away from this point.
REVISION, SUPERSEDED, SCHEMA_FIELD = "revision", "superseded", "schema"

VERSION_FIELDS = (
    Field("version_id", "version_id", text=True),
    Field("sequence", "sequence", whole=True),
    Field("source", "source", text=True),
    Field("stage", "stage", text=True),
    Field("valid_from_ms", "valid_from_ms", whole=True),
    Field("recorded_ms", "recorded_ms", whole=True),
    Field("learned_until_ms", "learned_until_ms", whole=True),
    Field("run_id", "run_id", text=True),
    Field("parameters", "parameters", text=True),
    Field("evidence", "evidence", text=True),
)

# A bin record is a point of the same measurement, told from a version by its stage.
RECORD_STAGE, RECORD = "record", "record"
# For dashboards, as below. field -> key of BinRecord.
RECORD_NUMBERS = {
    "stop_loss": "stop_loss",
    "take_profit_target": "take_profit",
    "trades_count": "trades",
    "win_rate": "win_rate",
    "avg_profit": "mean_profit_ratio",
    "profit_factor": "profit_factor",
    "confidence": "confidence",
}

# For dashboards: the numbers inside `parameters` and `evidence` under the names existing panels query.
# They are written and never read back. field -> key of ExitParameters, or of Evidence.
OPTIMIZED_NUMBERS = {
    "stop_loss": "stop_loss",
    "take_profit": "take_profit",
    "volatility_multiplier": "volatility_scaling",
    "time_limit_minutes": "time_limit_minutes",
    "backtested_profit": "backtested_profit",
    "win_rate": "win_rate",
    "profit_factor": "profit_factor",
    "sharpe_ratio": "sharpe_per_trade",
    "trades_count": "trades",
    "train_profit": "train_profit",
    "test_profit": "test_profit",
    "optimization_trials": "candidates",
}
ADAPTIVE_NUMBERS = {
    "stop_loss": "stop_loss",
    "take_profit_target": "take_profit",
    "trades_count": "trades",
    "win_rate": "win_rate",
    "avg_profit": "test_profit",
    "profit_factor": "profit_factor",
}
