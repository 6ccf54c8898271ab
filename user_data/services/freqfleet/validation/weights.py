"""Weights of trades by the bot they came from.

`share` gives every bot its share of the total, however many trades it made: weights 3:1:1 mean that BOT3
decides three fifths. `literal` is what seed 000 does: every single trade carries its bot's weight, so a
bot with few trades says little whatever its weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray
from freqfleet.market.trade_columns import TradeColumns

SourceWeights = Literal["share", "literal"]


def trade_weights(trades: TradeColumns, bot_weights: Mapping[str, float], mode: SourceWeights) -> FloatArray:
    """Return one weight per trade, above zero, with mean 1; shape (n,).

    Bots that made none of these trades leave their share to the others. Weights decide what the mean
    follows; they are no counts: see `freqfleet.replay.metrics.effective_trades`.

    Raises InputError for a trade of a bot without a weight, and for a weight that is not above zero.
    """
    counts = trades.bot_counts()
    for bot in counts:
        weight = bot_weights.get(bot)
        if weight is None:
            raise InputError(f"no weight for {bot!r}; the bots are {', '.join(sorted(bot_weights))}")
        if not weight > 0.0:
            raise InputError(f"the weight of {bot} must be above 0, was {weight}")
    each = {
        bot: bot_weights[bot] / count if mode == "share" else bot_weights[bot]
        for bot, count in counts.items()
    }
    weights: FloatArray = np.array([each.get(bot, np.nan) for bot in trades.bots], dtype=np.float64)[
        trades.bot
    ]
    return weights / weights.mean() if len(weights) else weights
