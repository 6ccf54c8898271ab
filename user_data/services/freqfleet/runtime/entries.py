"""When a bot enters: how many feeders must agree, and whether a dissenting vote stops it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from freqfleet.domain.sides import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPolicy:
    """The rule by which votes become entries.

    sides : the sides this bot trades.
    min_votes : feeders that must agree on a side.
    dissent_allowed : False refuses an entry while any feeder votes for the other side; that is how
        BOT3 follows the agreement of the others: it enters where one signal bot has its votes and
        the other has none.
    weighted : count votes by the weight of their feeders' records, as BOT3 does.
    """

    sides: tuple[Side, ...]
    min_votes: int
    dissent_allowed: bool = True
    weighted: bool = False

    def enters(self, votes: pd.DataFrame, side: Side) -> pd.Series:
        """Return one bool per candle: enter on `side` after this candle has closed.

        votes : one row per closed candle with `votes_long`, `votes_short`, `weight_long` and
            `weight_short`, as the ensemble writes.
        An entry is the first candle of an agreement: a condition that stays true enters once.
        """
        if side not in self.sides:
            return pd.Series(data=False, index=votes.index)
        other = Side.SHORT if side is Side.LONG else Side.LONG
        agreed = votes[f"{'weight' if self.weighted else 'votes'}_{side}"] >= self.min_votes
        if not self.dissent_allowed:
            agreed &= votes[f"votes_{other}"] == 0
        return agreed & ~agreed.shift(1, fill_value=False)
