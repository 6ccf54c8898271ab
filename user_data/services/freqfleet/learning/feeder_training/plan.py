"""TrainingPlan: what is the same for every feeder of a version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from freqfleet.domain.triple_barrier import TripleBarrier
from freqfleet.errors import InputError

_STRIDES = (12, 6, 4, 3, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How feeders are trained.

    window : how far back rows go. folds : purged walk-forward test blocks inside it.
    embargo : distance kept between the labels of one part and the rows of the next.
    cost_ratio : fees and slippage of entry and exit together.
    vote_share : a head votes on this share of candles out of fold.
    half_life : age at which a row weighs half.
    min_rows : below it a feeder is not trained.
    rounds, patience : boosting rounds at most, and without progress before it stops.
    """

    window: timedelta = timedelta(days=90)
    folds: int = 4
    embargo: timedelta = timedelta(hours=24)
    cost_ratio: float = 0.0014
    vote_share: float = 0.05
    half_life: timedelta = timedelta(days=45)
    min_rows: int = 2000
    rounds: int = 80
    patience: int = 15
    seed: int = 42

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise InputError(f"folds must be at least 2: the first one calibrates, was {self.folds}")
        if not 0.0 < self.vote_share < 0.5:
            raise InputError(f"vote_share must lie in 0..0.5, was {self.vote_share}")

    def stride(self, barrier: TripleBarrier) -> int:
        """Return how many candles lie between two rows of a pair.

        Labels of neighbours overlap in all but one candle: eight rows a horizon hold nearly all there is
        to learn. Every stride divides twelve, so feeders share their hourly rows.
        """
        return next((one for one in _STRIDES if one <= barrier.horizon_candles / 8), _STRIDES[-1])

    def min_atr_ratio(self, barrier: TripleBarrier) -> float:
        """Return the volatility below which the target is not worth twice the costs."""
        return 2.0 * self.cost_ratio / barrier.target_atr
