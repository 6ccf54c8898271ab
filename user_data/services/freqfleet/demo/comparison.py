"""BOT3 with defaults against BOT3 with what was published, on candles nobody learned from.

The standard error is clustered by UTC day over both runs together: trades of one day share the market,
and the two runs share most of their trades, so days are the independent pieces, not trades. A demo has
few of them, and an error estimated from few days is itself uncertain: it is widened, so that 1.96 of it
reach as far as Student's t does with one degree of freedom less than there are days.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from freqfleet.domain.closed_trade import ClosedTrade
from freqfleet.domain.sides import Side
from freqfleet.report.comparison import CONFIDENCE_FACTOR, Comparison, Difference, PairComparison

METHOD = (
    "mean profit a trade, position-level, net of costs; standard errors clustered by UTC day of entry, "
    "widened for the number of days (Student's t)"
)
_BPS = 10_000.0
_T_OF_FEW_DAYS = {1: 12.706205, 2: 4.302653, 3: 3.182446}  # degrees of freedom -> two-sided 95 %


def compare(
    defaults: Sequence[ClosedTrade],
    learned: Sequence[ClosedTrade],
    *,
    pairs: Iterable[str],
    learned_sides: dict[str, tuple[Side, ...]],
    starting_wallet_quote: float,
) -> Comparison:
    """Return the comparison of two runs over the same candles.

    learned_sides : pair -> the sides on which something published was in force.
    """
    return Comparison(
        pairs=tuple(
            PairComparison(
                pair=pair,
                learned_sides=learned_sides.get(pair, ()),
                difference=difference(_of(defaults, pair), _of(learned, pair)),
            )
            for pair in pairs
        ),
        total=difference(defaults, learned),
        method=METHOD,
        default_profit_ratio_total=sum(one.profit_quote for one in defaults) / starting_wallet_quote,
        learned_profit_ratio_total=sum(one.profit_quote for one in learned) / starting_wallet_quote,
    )


def difference(defaults: Sequence[ClosedTrade], learned: Sequence[ClosedTrade]) -> Difference:
    """Return the means of two runs and the day-clustered standard error of their difference.

    The error is None where it cannot be known: a run of fewer than two trades, or a single day.
    """
    return Difference(
        default_trades=len(defaults),
        default_mean_profit_ratio=_mean(defaults),
        learned_trades=len(learned),
        learned_mean_profit_ratio=_mean(learned),
        difference_se_bps=_standard_error_bps(defaults, learned),
    )


def _of(trades: Sequence[ClosedTrade], pair: str) -> list[ClosedTrade]:
    return [one for one in trades if one.pair == pair]


def _mean(trades: Sequence[ClosedTrade]) -> float | None:
    return math.fsum(one.position_profit_ratio for one in trades) / len(trades) if trades else None


def _standard_error_bps(defaults: Sequence[ClosedTrade], learned: Sequence[ClosedTrade]) -> float | None:
    """Return sqrt(D / (D-1) * sum of squared day influences), widened, for D days; None where D < 2.

    The influence of a day is what its trades add to the difference of the means, centred:
    sum(r - mean) / n of the learned run minus the same of the default run. Trades that both runs made
    cancel exactly.
    """
    influence: defaultdict[date, list[float]] = defaultdict(list)
    for trades, sign in ((learned, 1.0), (defaults, -1.0)):
        mean = _mean(trades)
        if mean is None or len(trades) < 2:
            return None
        for one in trades:
            part = sign * (one.position_profit_ratio - mean) / len(trades)
            influence[one.opened_at.date()].append(part)
    days = len(influence)
    if days < 2:
        return None
    squares = math.fsum(math.fsum(parts) ** 2 for parts in influence.values())
    return _BPS * math.sqrt(days / (days - 1) * squares) * widening(days)


def widening(days: int) -> float:
    """Return Student's t over the normal quantile, two-sided 95 %, for an error from `days` >= 2 days.

    Cornish and Fisher's expansion, within 0.5 % of the tables.
    """
    freedom, z = days - 1, CONFIDENCE_FACTOR
    if freedom in _T_OF_FEW_DAYS:
        return _T_OF_FEW_DAYS[freedom] / z
    return (
        1.0
        + (z**2 + 1.0) / (4.0 * freedom)
        + (5.0 * z**4 + 16.0 * z**2 + 3.0) / (96.0 * freedom**2)
        + (3.0 * z**6 + 19.0 * z**4 + 17.0 * z**2 - 15.0) / (384.0 * freedom**3)
    )
