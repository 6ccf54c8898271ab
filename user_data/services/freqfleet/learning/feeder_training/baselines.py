"""RuleScores: what the rule feeders say of the rows a model is judged on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from freqfleet.domain.sides import Side
from freqfleet.learning.feeder_training.samples import Samples
from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.context import candle_frame
from freqfleet.market.features.source import PairFeatures
from freqfleet.signals.feeder import Feeder


class RuleScores:
    """Every rule's confidence on every candle, float32, computed once for all feeders of a version."""

    def __init__(self, rules: Sequence[Feeder], markets: Iterable[PairFeatures]) -> None:
        self._rules = tuple(rules)
        self._by_pair: dict[str, dict[str, dict[Side, np.ndarray]]] = {}
        for market in markets:
            frame = candle_frame(market.candles)
            scores = {rule.name: rule.score(frame) for rule in self._rules}
            self._by_pair[market.candles.pair] = {
                name: {side: said.side(side).astype(np.float32) for side in Side}
                for name, said in scores.items()
            }

    def of(self, samples: Samples) -> dict[str, dict[Side, FloatArray]]:
        """Return each rule's confidence on the samples' rows, by name and side; NaN where it abstains."""
        found = {rule.name: {side: np.full(len(samples), np.nan) for side in Side} for rule in self._rules}
        for number, pair in enumerate(samples.pairs):
            rows = np.flatnonzero(samples.pair == number)
            for name, sides in self._by_pair[pair].items():
                for side, said in sides.items():
                    found[name][side][rows] = said[samples.candle[rows]]
        return found
