"""What closed trades say of one leverage bin: the record a controller publishes and a bot reads.

Profits are position-level and net of costs, so that bins can be compared: in these units leverage changes
no price path, and a bin differs from its parent only by which trades got its leverage, and by liquidation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from freqfleet.clock import iso, parse_time
from freqfleet.domain.leverage_bins import LeverageBin, parse_leverage_bin
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side, parse_side
from freqfleet.errors import InputError, ParameterError

# So much of the growth-optimal exposure is used: a quarter keeps most of the growth at a quarter of the risk.
KELLY_FRACTION = 0.25
# A level of the hierarchy speaks from this many closed trades on; below, its parent does.
MIN_TRADES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitPosterior:
    """What is believed of the mean profit of a trade (position-level ratios).

    mean_ratio, mean_sd_ratio : mean and standard deviation of the belief about the mean.
    trade_sd_ratio : standard deviation of the profit of one trade around that mean.

    Raises ParameterError with the value for anything that is no such belief.
    """

    mean_ratio: float
    mean_sd_ratio: float
    trade_sd_ratio: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean_ratio):
            raise ParameterError(f"mean_ratio of a posterior must be a number, was {self.mean_ratio}")
        for name in ("mean_sd_ratio", "trade_sd_ratio"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ParameterError(f"{name} of a posterior must be above 0, was {value}")

    @property
    def lower_bound_ratio(self) -> float:
        """The mean less one standard deviation of the belief: what decisions are taken on."""
        return self.mean_ratio - self.mean_sd_ratio

    @property
    def kelly_leverage(self) -> float:
        """The exposure that a quarter of Kelly's rule allows on the lower bound; 0 where that is no gain.

        0.25 * lower bound / variance of one trade: for a small edge the growth of wealth is greatest at
        mean / variance times the wealth (Kelly 1956, in Thorp's continuous form).
        """
        return max(0.0, KELLY_FRACTION * self.lower_bound_ratio / self.trade_sd_ratio**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinRecord:
    """One level of the hierarchy at one time; None in `pair` is every pair, in `leverage_bin` every leverage.

    trades, effective_trades : closed trades behind it, and Kish's count of them after weighting.
    win_rate, mean_win_ratio, mean_loss_ratio, profit_factor : None where nothing could be measured (a
        profit factor without a loss), never 0.
    confidence : 0..1, how far the posterior may be trusted; shown, decides nothing.
    stop_loss, take_profit : the exits in force for this level when it was recorded, position-level; shown
        beside it, decide nothing. None where nobody asked.
    learned_until : close of the last trade that took part. recorded_at : when readers may know of it.
    """

    side: Side
    pair: str | None = None
    leverage_bin: LeverageBin | None = None
    trades: int
    effective_trades: float
    posterior: ProfitPosterior
    win_rate: float | None = None
    mean_win_ratio: float | None = None
    mean_loss_ratio: float | None = None
    profit_factor: float | None = None
    confidence: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    learned_until: datetime
    recorded_at: datetime

    def __post_init__(self) -> None:
        if self.pair is not None:
            checked_pair(self.pair)
        if self.trades < 0 or not 0.0 <= self.effective_trades <= self.trades:
            raise ParameterError(
                f"{self.label}: effective_trades must lie in 0..trades, were {self.effective_trades} "
                f"of {self.trades}"
            )
        for name in ("win_rate", "confidence"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise ParameterError(f"{self.label}: {name} must lie in 0..1, was {value}")
        for name in ("learned_until", "recorded_at"):
            if getattr(self, name).tzinfo is None:
                raise ParameterError(f"{self.label}: {name} needs a zone")
        if self.learned_until > self.recorded_at:
            raise ParameterError(
                f"{self.label}: learned until {iso(self.learned_until)}, after it was recorded at "
                f"{iso(self.recorded_at)}; a record cannot know the future"
            )

    @property
    def label(self) -> str:
        """How reports name this level, for example `BTC/USDT:USDT long 2.0-3.5`."""
        parts = [self.pair or "every pair", self.side.value]
        if self.leverage_bin is not None:
            parts.append(self.leverage_bin.label)
        return " ".join(parts)

    @property
    def mean_profit_ratio(self) -> float | None:
        """The measured mean profit of its trades, before any shrinkage; None without trades."""
        if self.win_rate is None:
            return None
        return self.win_rate * (self.mean_win_ratio or 0.0) + (1.0 - self.win_rate) * (
            self.mean_loss_ratio or 0.0
        )

    @property
    def qualifies(self) -> bool:
        """True with enough trades to speak for itself; a bin of one trade says nothing."""
        return self.trades >= MIN_TRADES

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        posterior = self.posterior
        return {
            "side": self.side.value,
            "pair": self.pair,
            "leverage_bin": self.leverage_bin.label if self.leverage_bin is not None else None,
            "trades": self.trades,
            "effective_trades": self.effective_trades,
            "posterior": {
                "mean_ratio": posterior.mean_ratio,
                "mean_sd_ratio": posterior.mean_sd_ratio,
                "trade_sd_ratio": posterior.trade_sd_ratio,
            },
            "win_rate": self.win_rate,
            "mean_win_ratio": self.mean_win_ratio,
            "mean_loss_ratio": self.mean_loss_ratio,
            "profit_factor": self.profit_factor,
            "confidence": self.confidence,
            "stop_loss": self.stop_loss,
            "take_profit": self.take_profit,
            # To the microsecond: a rounded time would let a record be seen early.
            "learned_until": self.learned_until.isoformat(),
            "recorded_at": self.recorded_at.isoformat(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what `to_dict` wrote; raises ParameterError for anything else."""
        try:
            step = values["leverage_bin"]
            return cls(
                **{
                    **values,
                    "side": parse_side(values["side"]),
                    "leverage_bin": None if step is None else parse_leverage_bin(step),
                    "posterior": ProfitPosterior(**values["posterior"]),
                    "learned_until": parse_time(values["learned_until"]),
                    "recorded_at": parse_time(values["recorded_at"]),
                }
            )
        except (KeyError, TypeError, AttributeError, InputError) as error:
            raise ParameterError(f"not a bin record: {values!r} ({error!r})") from None
