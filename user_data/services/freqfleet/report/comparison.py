"""Comparison: BOT3 on candles nobody learned from, once with defaults and once with what was published.

`verdict` is a function of the numbers, not a field: nobody can write a kinder sentence next to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from freqfleet.domain.sides import Side
from freqfleet.report.formats import as_bps, as_count, as_percent, plural, to_bps

JUDGED_TRADES = 30
CONFIDENCE_FACTOR = 1.959964  # two-sided 95 % of the normal distribution


class Outcome(StrEnum):
    """What a comparison comes to."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no_difference"
    TOO_FEW_TRADES = "too_few_trades"
    NOT_MEASURED = "not_measured"
    NOTHING_PUBLISHED = "nothing_published"

    @property
    def headline(self) -> str:
        """The outcome in a few words, for the head of a report."""
        return _HEADLINES[self]


_HEADLINES = {
    Outcome.BETTER: "Learned parameters did better",
    Outcome.WORSE: "Learned parameters did worse",
    Outcome.NO_DIFFERENCE: "No difference shown",
    Outcome.TOO_FEW_TRADES: "Too few trades to judge",
    Outcome.NOT_MEASURED: "Not judged",
    Outcome.NOTHING_PUBLISHED: "Nothing was published",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean profit a trade of two runs over the same candles.

    default_trades : closed trades of the run with the default parameters.
    default_mean_profit_ratio : their mean position-level profit, net of costs; None without trades.
    learned_trades : closed trades of the run with what was published.
    learned_mean_profit_ratio : their mean position-level profit, net of costs; None without trades.
    difference_se_bps : standard error of `difference_bps`; None where it cannot be known (fewer than
        two trades on a side). 0 is believed only where the runs do not differ.
    """

    default_trades: int
    default_mean_profit_ratio: float | None
    learned_trades: int
    learned_mean_profit_ratio: float | None
    difference_se_bps: float | None

    @property
    def difference_bps(self) -> float | None:
        """Learned minus default, in bps a trade; None where one side has no trades."""
        default, learned = to_bps(self.default_mean_profit_ratio), to_bps(self.learned_mean_profit_ratio)
        return None if default is None or learned is None else learned - default

    @property
    def interval_bps(self) -> tuple[float, float] | None:
        """The 95 % interval of the difference in bps; None where there is no usable standard error."""
        difference, error = self.difference_bps, self.difference_se_bps
        if difference is None or error is None or not (math.isfinite(error) and error >= 0.0):
            return None
        if error == 0.0 and difference != 0.0:
            return None
        return difference - CONFIDENCE_FACTOR * error, difference + CONFIDENCE_FACTOR * error


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparison:
    """One pair of the comparison.

    pair : the futures symbol.
    learned_sides : the sides on which learned parameters (published or inherited) were in force; empty
        where both runs traded the defaults.
    difference : the two runs on this pair.
    """

    pair: str
    learned_sides: tuple[Side, ...]
    difference: Difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """BOT3 with defaults against BOT3 with what was published, on the held-out part.

    pairs : one line a pair, also for pairs without trades.
    total : every trade of the two runs, not the mean of the pairs.
    method : how the standard errors came about, in a few words; shown under the table.
    default_profit_ratio_total : profit of the run with defaults over its starting wallet.
    learned_profit_ratio_total : profit of the run with what was published over its starting wallet.
    """

    pairs: tuple[PairComparison, ...]
    total: Difference
    method: str
    default_profit_ratio_total: float
    learned_profit_ratio_total: float

    @property
    def outcome(self) -> Outcome:
        """What the numbers come to; `verdict` says it in words."""
        interval = self.total.interval_bps
        if not any(line.learned_sides for line in self.pairs):
            return Outcome.NOTHING_PUBLISHED
        if min(self.total.default_trades, self.total.learned_trades) < JUDGED_TRADES:
            return Outcome.TOO_FEW_TRADES
        if interval is None:
            return Outcome.NOT_MEASURED
        if interval[0] > 0.0:
            return Outcome.BETTER
        return Outcome.WORSE if interval[1] < 0.0 else Outcome.NO_DIFFERENCE


def verdict(comparison: Comparison) -> str:
    """Say what the comparison shows, with its interval, and what it does not show.

    Learned counts as better or worse only where the 95 % interval of the difference leaves zero out and
    both runs have JUDGED_TRADES trades. A mean that lost money is called that, also when it lost less.
    """
    outcome, total = comparison.outcome, comparison.total
    counts = (
        f"{plural(total.default_trades, 'trade')} with defaults and "
        f"{as_count(total.learned_trades)} with what was learned"
    )
    if outcome is Outcome.NOTHING_PUBLISHED:
        return (
            "No pair and side was published or inherited, so both runs traded the defaults. "
            "There is nothing to compare."
        )
    if outcome is Outcome.TOO_FEW_TRADES:
        return f"The test has {counts}; {JUDGED_TRADES} are needed in each, so nothing is judged."
    if outcome is Outcome.NOT_MEASURED:
        return (
            f"The difference of {as_bps(total.difference_bps)} a trade has no standard error, "
            f"so it is not judged ({counts})."
        )
    sentences = [_judgement(outcome, total), f"Measured on {counts}."]
    return " ".join([*sentences, *_reservations(outcome, comparison)])


def _judgement(outcome: Outcome, total: Difference) -> str:
    interval = total.interval_bps
    assert interval is not None
    if total.difference_bps == 0.0:
        both = as_bps(to_bps(total.default_mean_profit_ratio))
        return f"Both runs earned the same: {both} a trade."
    size = (
        f"{as_bps(total.difference_bps)} a trade "
        f"(95 % interval {as_bps(interval[0], unit='')} to {as_bps(interval[1])})"
    )
    means = (
        f"from {as_bps(to_bps(total.default_mean_profit_ratio))} with defaults "
        f"to {as_bps(to_bps(total.learned_mean_profit_ratio))}"
    )
    if outcome is Outcome.BETTER:
        return f"What was learned did better than the defaults: {size}, {means}."
    if outcome is Outcome.WORSE:
        return f"What was learned did worse than the defaults: {size}, {means}. It lost this test."
    return f"Learned minus defaults is {size}, {means}. The interval holds zero: chance alone can explain it."


def _reservations(outcome: Outcome, comparison: Comparison) -> list[str]:
    """What a reader could otherwise take the headline for."""
    total, found = comparison.total, []
    learned = total.learned_mean_profit_ratio
    if outcome is Outcome.BETTER and learned is not None and learned <= 0.0:
        found.append("Better is not profitable: the mean trade still did not earn its costs.")
    default_total, learned_total = (
        comparison.default_profit_ratio_total,
        comparison.learned_profit_ratio_total,
    )
    accounts = (
        f"{as_percent(default_total, sign=True)} with defaults, "
        f"{as_percent(learned_total, sign=True)} with what was learned"
    )
    if outcome is Outcome.BETTER and learned_total < default_total:
        found.append(f"The account says otherwise: {accounts}.")
    elif outcome is Outcome.WORSE and learned_total > default_total:
        found.append(f"The account says otherwise: {accounts}; a mean a trade is the steadier measure.")
    else:
        found.append(f"The account: {accounts}.")
    return found
