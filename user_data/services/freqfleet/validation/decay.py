"""Decay: whether what was learned still earns in the time that followed.

Compares the cross-fitted improvement of the learning window with the improvement afterwards, both at the
parameters that were learned. Comparing Sharpe ratios in and out of sample instead raises a false alarm on
15 to 52 % of perfectly stable edges, because the best parameters of a sample flatter themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray, IntArray
from freqfleet.validation.clustered import MeanTest, mean_test
from freqfleet.validation.multiplicity import benjamini_hochberg

Z_SUSPECT = 1.6448536269514722  # 5 %, one-sided


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Paired differences of one unit in one window: (n,), and when their trades were entered."""

    differences: FloatArray
    entered_ms: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Decay:
    """Learned against afterwards. z : above zero where it earns less now; NaN where one side is unknown.

    learned_bps, since_bps : improvement per trade, NaN without trades. trades : of those since then.
    p_value : one-sided; 1 where unknown, which `unsure` explains.
    """

    key: str
    learned_bps: float
    since_bps: float
    z: float
    p_value: float
    trades: int
    unsure: str = ""

    @property
    def suspect(self) -> bool:
        """Return whether it alone would raise a flag at 5 %; expect that of one stable unit in twenty."""
        return self.z > Z_SUSPECT


@dataclass(frozen=True, slots=True, kw_only=True)
class DecayReport:
    """pooled : all units together. decayed : pooled p below its alpha. flagged : units, by FDR, in order."""

    pooled: Decay
    decayed: bool
    units: tuple[Decay, ...]
    flagged: tuple[str, ...]


def decay_of(key: str, learned: Window, since: Window) -> Decay:
    """Return how one unit's improvement changed."""
    before = mean_test(learned.differences, np.ones(len(learned.differences)), learned.entered_ms)
    after = mean_test(since.differences, np.ones(len(since.differences)), since.entered_ms)
    unsure = _unsure(before, "while it was learned") or _unsure(after, "since then")
    z = math.nan
    if not unsure:
        z = (before.mean - after.mean) / math.hypot(before.standard_error, after.standard_error)
    return Decay(
        key=key,
        learned_bps=before.mean * 1e4,
        since_bps=after.mean * 1e4,
        z=z,
        p_value=1.0 if unsure else 0.5 * math.erfc(z / math.sqrt(2.0)),
        trades=after.trades,
        unsure=unsure,
    )


def decay_of_claim(key: str, claim: float, standard_error: float, since: Window) -> Decay:
    """Return how a published claim fares; the trades that it was learned from need not be at hand.

    claim : the shrunk improvement that was published, standard_error : of its cross-fitted mean; both are
    position-level ratios. A claim is not flattered by having been chosen, as the best mean is.
    """
    after = mean_test(since.differences, np.ones(len(since.differences)), since.entered_ms)
    unsure = _unsure(after, "since then")
    z = math.nan if unsure else (claim - after.mean) / math.hypot(standard_error, after.standard_error)
    return Decay(
        key=key,
        learned_bps=claim * 1e4,
        since_bps=after.mean * 1e4,
        z=z,
        p_value=1.0 if unsure else 0.5 * math.erfc(z / math.sqrt(2.0)),
        trades=after.trades,
        unsure=unsure,
    )


def claims_report(
    keys: Sequence[str],
    claims: Sequence[tuple[float, float]],
    since: Sequence[Window],
    *,
    pooled_alpha: float = 0.01,
    fdr: float = 0.05,
) -> DecayReport:
    """Return how published claims fare, together and each. claims : (claim, standard error) by key.

    The pooled claim is their mean by later trades, and its standard error is theirs as if all of them erred
    together: they were learned from the same days, and how far they err alike is not known.
    Raises InputError where lengths differ.
    """
    if not len(keys) == len(claims) == len(since):
        raise InputError(f"{len(keys)} claims need a window each, were {len(claims)} and {len(since)}")
    units = tuple(
        decay_of_claim(key, *one, window) for key, one, window in zip(keys, claims, since, strict=True)
    )
    trades = np.array([len(one.differences) for one in since], dtype=np.float64)
    share = trades / trades.sum() if trades.sum() > 0.0 else trades
    claim, error = (float(share @ np.array([one[at] for one in claims])) if claims else 0.0 for at in (0, 1))
    pooled = decay_of_claim("all", claim, error, _together(since))
    believed = benjamini_hochberg(np.array([one.p_value for one in units]), fdr)
    return DecayReport(
        pooled=pooled,
        decayed=pooled.p_value < pooled_alpha,
        units=units,
        flagged=tuple(one.key for one, flag in zip(units, believed.tolist(), strict=True) if flag),
    )


def decay_report(
    keys: Sequence[str],
    learned: Sequence[Window],
    since: Sequence[Window],
    *,
    pooled_alpha: float = 0.01,
    fdr: float = 0.05,
) -> DecayReport:
    """Return the decay of all units together and of each. Raises InputError where lengths differ."""
    if not len(keys) == len(learned) == len(since):
        raise InputError(f"{len(keys)} units need two windows each, were {len(learned)} and {len(since)}")
    units = tuple(decay_of(*one) for one in zip(keys, learned, since, strict=True))
    pooled = decay_of("all", _together(learned), _together(since))
    believed = benjamini_hochberg(np.array([one.p_value for one in units]), fdr)
    return DecayReport(
        pooled=pooled,
        decayed=pooled.p_value < pooled_alpha,
        units=units,
        flagged=tuple(one.key for one, flag in zip(units, believed.tolist(), strict=True) if flag),
    )


def _together(windows: Sequence[Window]) -> Window:
    if not windows:
        return Window(differences=np.empty(0), entered_ms=np.empty(0, dtype=np.int64))
    return Window(
        differences=np.concatenate([one.differences for one in windows]),
        entered_ms=np.concatenate([one.entered_ms for one in windows]),
    )


def _unsure(test: MeanTest, when: str) -> str:
    return f"{when}: {test.unsure}" if test.unsure else ""
