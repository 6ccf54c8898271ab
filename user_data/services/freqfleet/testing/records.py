"""Bin records for tests, every field given a value that nobody has to think about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from freqfleet.domain.bin_record import BinRecord, ProfitPosterior
from freqfleet.domain.leverage_bins import LeverageBin
from freqfleet.domain.sides import Side

RECORDED = datetime(2025, 9, 30, tzinfo=UTC)


def bin_record(
    *,
    side: Side = Side.LONG,
    pair: str | None = None,
    step: LeverageBin | None = None,
    trades: int = 200,
    lower_bound_bps: float = 20.0,
    trade_sd_ratio: float = 0.02,
    recorded_at: datetime = RECORDED,
    learned_until: datetime | None = None,
) -> BinRecord:
    """Return a record whose posterior has this lower bound, with a standard deviation of 5 bps."""
    return BinRecord(
        side=side,
        pair=pair,
        leverage_bin=step,
        trades=trades,
        effective_trades=trades / 2,
        posterior=ProfitPosterior(
            mean_ratio=(lower_bound_bps + 5.0) / 1e4, mean_sd_ratio=5e-4, trade_sd_ratio=trade_sd_ratio
        ),
        learned_until=recorded_at - timedelta(hours=1) if learned_until is None else learned_until,
        recorded_at=recorded_at,
    )
