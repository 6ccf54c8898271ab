"""Standings: how the feeders of a version did out of fold, best first, and against the rules."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from freqfleet.domain.sides import Side
from freqfleet.signals.models.certificate import Certificate, HeadCertificate
from freqfleet.validation.blocks import Interval

PAYS = "pays after costs"
MIN_RULE_VOTES = 30
"""A rule that voted less often has shown nothing that could be beaten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadStanding:
    """One side of a feeder. return_bps : per vote, after costs, of the label's own trade.

    rule, rule_return_bps : the best rule feeder on the same rows and label; None where none voted 30 times.
    """

    side: Side
    abstains: str | None
    auc: Interval
    votes: int
    precision: Interval
    return_bps: Interval
    rule: str | None
    rule_return_bps: float

    @property
    def pays(self) -> bool:
        """True where its votes beat the rules and earned more than the costs, with 95 % confidence."""
        return self.verdict == PAYS

    @property
    def verdict(self) -> str:
        """What these numbers allow to say, in words."""
        if self.abstains is not None:
            return f"abstains: {self.abstains}"
        if math.isnan(self.return_bps.value):
            return "did not vote out of fold"
        if self.rule is not None and not self.return_bps.value > self.rule_return_bps:
            return f"does not beat {self.rule}"
        if self.return_bps.low > 0.0:
            return PAYS
        return "no edge after costs shown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One feeder; rank 1 earned most per vote, over both sides."""

    rank: int
    certificate: Certificate
    heads: tuple[HeadStanding, ...]

    @property
    def return_bps(self) -> float:
        """The mean of both sides' returns, weighted by votes; NaN where nobody voted."""
        return _mean_return(self.heads)


def standings(certificates: Iterable[Certificate]) -> list[Standing]:
    """Return the feeders, best first; those that never voted come last, by name."""
    found = [(one, tuple(_head(side, one.heads[side]) for side in Side)) for one in certificates]

    def order(item: tuple[Certificate, tuple[HeadStanding, ...]]) -> tuple[float, str]:
        earned = _mean_return(item[1])
        return (math.inf if math.isnan(earned) else -earned, item[0].feeder)

    return [
        Standing(rank=number, certificate=certificate, heads=heads)
        for number, (certificate, heads) in enumerate(sorted(found, key=order), start=1)
    ]


def _head(side: Side, head: HeadCertificate) -> HeadStanding:
    metrics = head.metrics
    rules = {
        name: one["return_bps"]["value"]
        for name, one in (metrics.get("baselines") or {}).items()
        if one["return_bps"]["value"] is not None and one["votes"] >= MIN_RULE_VOTES
    }
    best = max(rules, key=lambda name: rules[name], default=None)
    return HeadStanding(
        side=side,
        abstains=head.abstains,
        auc=_interval(metrics.get("auc")),
        votes=int(metrics.get("votes") or 0),
        precision=_interval(metrics.get("precision")),
        return_bps=_interval(metrics.get("return_bps")),
        rule=best,
        rule_return_bps=math.nan if best is None else rules[best],
    )


def _interval(values: dict[str, Any] | None) -> Interval:
    known = values or {}
    value, low, high = (
        math.nan if known.get(name) is None else float(known[name]) for name in ("value", "low", "high")
    )
    return Interval(value=value, low=low, high=high)


def _mean_return(heads: Iterable[HeadStanding]) -> float:
    voted = [
        head
        for head in heads
        if head.abstains is None and head.votes and not math.isnan(head.return_bps.value)
    ]
    votes = sum(head.votes for head in voted)
    return sum(head.return_bps.value * head.votes for head in voted) / votes if votes else math.nan
