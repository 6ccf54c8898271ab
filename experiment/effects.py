"""What an arm changed, three ways, each with an interval that is clustered by UTC day of entry.

Trades of one day share the market, so days are the independent pieces. An interval is the mean and 1.96
standard errors over days, widened for their number as Student's t is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from freqfleet.demo.comparison import widening
from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.exits import ExitSource
from freqfleet.domain.sides import Side
from freqfleet.report.comparison import CONFIDENCE_FACTOR

BPS = 1e4
Entry = tuple[str, str, Side, datetime]
LEARNED_REASONS = frozenset(
    reason
    for source in ExitSource
    if source is not ExitSource.DEFAULT
    for reason in (source.stop_reason, source.target_reason)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean with its 95 % interval, all in the same unit; None where a single day cannot give one."""

    mean: float
    half_width: float | None

    @property
    def low(self) -> float | None:
        """The lower end."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """The upper end."""
        return None if self.half_width is None else self.mean + self.half_width

    @property
    def leaves_zero_out(self) -> bool:
        """Whether chance is no explanation at the 95 % level."""
        return self.low is not None and self.high is not None and (self.low > 0.0 or self.high < 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """An arm against the defaults, over the same days of the same market.

    account : bps of position value a day: everything that was earned, trades made and not made included.
    per_trade : difference of the mean profit of a trade, in bps; None where an arm has no trade.
    same_entry : mean difference of trades that both arms entered, in bps; None where there are none.
    moved : how many of those left elsewhere.
    at_learned : trades of the arm that left at a stop or target that was published.
    money : the account with stakes and leverage in it, in quote currency a day; `*_quote` are its sums and
    `*_leverage` the mean leverage of the trades, None without any.
    """

    default_trades: int
    arm_trades: int
    default_mean_bps: float | None
    arm_mean_bps: float | None
    default_total_ratio: float
    arm_total_ratio: float
    account: Interval
    per_trade: Interval | None
    same_entry: Interval | None
    matched: int
    moved: int
    at_learned: int
    money: Interval
    default_quote: float
    arm_quote: float
    default_leverage: float | None
    arm_leverage: float | None

    @property
    def same_trades(self) -> bool:
        """Whether both arms entered and left alike; profits on price then differ by rounding alone."""
        return self.matched == self.default_trades == self.arm_trades and self.moved == 0


def effect(
    defaults: Sequence[ClosedTrade], arm: Sequence[ClosedTrade], *, since: datetime, days: Sequence[date]
) -> Effect:
    """Return what `arm` changed in trades opened from `since` on. days : every day that counts."""
    before, after = ([one for one in trades if one.opened_at >= since] for trades in (defaults, arm))
    entries = {entry_of(one): one for one in before}
    both = [(entries[entry_of(one)], one) for one in after if entry_of(one) in entries]
    return Effect(
        default_trades=len(before),
        arm_trades=len(after),
        default_mean_bps=_mean_bps(before),
        arm_mean_bps=_mean_bps(after),
        default_total_ratio=_total(before),
        arm_total_ratio=_total(after),
        account=_interval_of_days([one * BPS for one in daily_difference(before, after, days)]),
        per_trade=_per_trade(before, after),
        same_entry=_clustered(
            [BPS * (new.position_profit_ratio - old.position_profit_ratio) for old, new in both],
            [new.opened_at.date() for _, new in both],
        ),
        matched=len(both),
        moved=sum((old.closed_at, old.close_rate) != (new.closed_at, new.close_rate) for old, new in both),
        at_learned=sum(one.exit_reason in LEARNED_REASONS for one in after),
        money=_interval_of_days(
            [
                new - old
                for old, new in zip(_daily_quote(before, days), _daily_quote(after, days), strict=True)
            ]
        ),
        default_quote=math.fsum(one.profit_quote for one in before),
        arm_quote=math.fsum(one.profit_quote for one in after),
        default_leverage=_mean_leverage(before),
        arm_leverage=_mean_leverage(after),
    )


def entry_of(trade: ClosedTrade) -> Entry:
    """Return what makes two trades of different arms the same entry."""
    return trade.bot, trade.pair, trade.side, trade.opened_at


def daily_profit(trades: Iterable[ClosedTrade], days: Sequence[date]) -> list[float]:
    """Return the sum of position-level profit of the trades opened on each day."""
    return _daily(((one.opened_at, one.position_profit_ratio) for one in trades), days)


def _daily_quote(trades: Iterable[ClosedTrade], days: Sequence[date]) -> list[float]:
    return _daily(((one.opened_at, one.profit_quote) for one in trades), days)


def _daily(profits: Iterable[tuple[datetime, float]], days: Sequence[date]) -> list[float]:
    earned: defaultdict[date, float] = defaultdict(float)
    for opened_at, profit in profits:
        earned[opened_at.date()] += profit
    return [earned[day] for day in days]


def _mean_leverage(trades: Sequence[ClosedTrade]) -> float | None:
    return math.fsum(one.leverage for one in trades) / len(trades) if trades else None


def daily_difference(
    before: Iterable[ClosedTrade], after: Iterable[ClosedTrade], days: Sequence[date]
) -> list[float]:
    """Return what each day earned more in `after` than in `before`."""
    pairs = zip(daily_profit(before, days), daily_profit(after, days), strict=True)
    return [new - old for old, new in pairs]


def _per_trade(before: Sequence[ClosedTrade], after: Sequence[ClosedTrade]) -> Interval | None:
    """Return the difference of the means; the influence of a day is what its trades add to it, centred."""
    old, new = _mean_bps(before), _mean_bps(after)
    if old is None or new is None:
        return None
    influence: defaultdict[date, float] = defaultdict(float)
    for trades, mean, sign in ((after, new, 1.0), (before, old, -1.0)):
        for one in trades:
            part = sign * (BPS * one.position_profit_ratio - mean) / len(trades)
            influence[one.opened_at.date()] += part
    return Interval(mean=new - old, half_width=_half_width(list(influence.values())))


def _clustered(values: Sequence[float], days: Sequence[date]) -> Interval | None:
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    influence: defaultdict[date, float] = defaultdict(float)
    for value, day in zip(values, days, strict=True):
        influence[day] += (value - mean) / len(values)
    return Interval(mean=mean, half_width=_half_width(list(influence.values())))


def _interval_of_days(values: Sequence[float]) -> Interval:
    mean = math.fsum(values) / len(values)
    return Interval(mean=mean, half_width=_half_width([(one - mean) / len(values) for one in values]))


def _half_width(influences: Sequence[float]) -> float | None:
    count = len(influences)
    if count < 2:
        return None
    squares = math.fsum(one**2 for one in influences)
    return CONFIDENCE_FACTOR * math.sqrt(count / (count - 1) * squares) * widening(count)


def _mean_bps(trades: Sequence[ClosedTrade]) -> float | None:
    return BPS * _total(trades) / len(trades) if trades else None


def _total(trades: Sequence[ClosedTrade]) -> float:
    return math.fsum(one.position_profit_ratio for one in trades)
