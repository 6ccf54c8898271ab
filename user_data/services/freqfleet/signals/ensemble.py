"""Ensemble: many feeders, one count of votes per side and candle.

A vote is a vote; beside the count stands its weight, for a bot that trusts feeders by their record. With
equal weights the two are the same number. Both sides are counted, so that a bot may refuse an entry
against which another feeder speaks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from freqfleet.domain.feeder_weights import EQUAL_WEIGHTS, FeederWeights
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError
from freqfleet.market.arrays import FloatArray
from freqfleet.market.features.table import FeatureArray
from freqfleet.signals.candles import require_candles
from freqfleet.signals.feeder import VOTE_AT, Feeder, Scores
from freqfleet.signals.learned import LearnedFeeder, opened_ms
from freqfleet.signals.tags import EntryTag, format_tag


class Ensemble:
    """Scores candles with every feeder and says where enough of them agree.

    feeders : in the order that decides which one a tag names when two are equally sure.
    min_votes : how many feeders of one side make an agreement.
    weights : how much each counts in `weight`, in the confidence, and in who speaks for the others.

    Raises InputError for no feeder, two of one name, or more votes than there are feeders.
    Thread-safety: nothing is remembered between calls.
    """

    def __init__(
        self, feeders: Sequence[Feeder], *, min_votes: int, weights: FeederWeights = EQUAL_WEIGHTS
    ) -> None:
        names = [feeder.name for feeder in feeders]
        if not names:
            raise InputError("an ensemble needs at least one feeder")
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise InputError(f"two feeders are called {doubled[0]!r}; give one another name")
        if not 1 <= min_votes <= len(names):
            raise InputError(
                f"min_votes must lie in 1..{len(names)}, the number of feeders, was {min_votes}; "
                "set [runtime] min_votes"
            )
        self.feeders = tuple(feeders)
        self.min_votes = min_votes
        self.weights = weights
        self._weight = np.array([weights.of(feeder.name) for feeder in self.feeders])[:, None]

    @property
    def reads_context(self) -> bool:
        """True where a feeder reads more than the pair's own candles."""
        return any(isinstance(feeder, LearnedFeeder) for feeder in self.feeders)

    @property
    def warmup_candles(self) -> int:
        """Rows at the start in which a feeder still abstains; the startup candles of a strategy."""
        return max(feeder.warmup_candles for feeder in self.feeders)

    def columns(self, candles: pd.DataFrame) -> pd.DataFrame:
        """Return the votes on every candle, with the index of `candles`.

        candles : closed candles, oldest first, as `require_candles` accepts them.

        For each side, `_long` and `_short`:
        - `votes`, `voters` : feeders that vote for the side, of those that do not abstain on it (int8);
        - `weight` : the weights of those that vote, together (float32);
        - `confidence` : their mean confidence, weighted (float32; NaN without a vote);
        - `tag` : the entry tag where `votes` or `weight` reach `min_votes`, else "". A state that lasts
          has a tag on every one of its candles; the bot's entry policy picks the first;
        - `score_<feeder>` : what each feeder said (float32; NaN where it abstains).

        Raises MarketError for candles that cannot be scored.
        """
        require_candles(candles)
        scores = self._scores(candles)
        columns: dict[str, Any] = {}
        for side in Side:
            sided = np.stack([one.side(side) for one in scores])
            columns.update(self._side_columns(side, sided))
        return pd.DataFrame(columns, index=candles.index)

    def _scores(self, candles: pd.DataFrame) -> list[Scores]:
        """Ask everybody; the features of those that learned are computed, and looked up, once."""
        tables: dict[int, FeatureArray] = {}
        scores = []
        for feeder in self.feeders:
            if not isinstance(feeder, LearnedFeeder):
                scores.append(feeder.score(candles))
                continue
            memory = feeder.features
            if id(memory) not in tables:
                tables[id(memory)] = memory.table(candles)
            scores.append(feeder.score_table(opened_ms(candles), tables[id(memory)]))
        return scores

    def detail(self, row: Mapping[Any, Any] | pd.Series) -> dict[str, Any]:
        """Return what every feeder said on one candle, as plain values for a trade's custom data.

        row : one row of what `columns` returned, with `date` where models shall be named; more columns
            do not matter. A feeder that abstained is None; one that was not asked, because the row is of an
            ensemble before this one, is left out.
        """
        opened = row.get("date")
        models = {
            feeder.name: feeder.model_at(opened)
            for feeder in self.feeders
            if isinstance(feeder, LearnedFeeder) and opened is not None
        }
        sides = {
            side.value: {
                "votes": int(row[f"votes_{side}"]),
                "voters": int(row[f"voters_{side}"]),
                "scores": {
                    feeder.name: _plain(row[said])
                    for feeder in self.feeders
                    if (said := f"score_{feeder.name}_{side}") in row
                },
            }
            for side in Side
        }
        return {**sides, "models": models} if models else sides

    def _side_columns(self, side: Side, scores: FloatArray) -> dict[str, Any]:
        """Return the columns of one side; scores : shape (n_feeders, n_candles)."""
        votes_for = scores >= VOTE_AT  # False for NaN
        votes = votes_for.sum(axis=0)
        voters = (~np.isnan(scores)).sum(axis=0)
        weight = np.where(votes_for, self._weight, 0.0).sum(axis=0)
        voted = np.where(votes_for, self._weight * scores, 0.0)
        confidence = np.divide(voted.sum(axis=0), weight, out=np.full(votes.shape, np.nan), where=weight > 0)
        return {
            f"votes_{side}": votes.astype(np.int8),
            f"voters_{side}": voters.astype(np.int8),
            f"weight_{side}": weight.astype(np.float32),
            f"confidence_{side}": confidence.astype(np.float32),
            f"tag_{side}": self._tags(side, votes, voters, weight, confidence, primary=voted.argmax(axis=0)),
            **{
                f"score_{feeder.name}_{side}": score.astype(np.float32)
                for feeder, score in zip(self.feeders, scores, strict=True)
            },
        }

    def _tags(
        self,
        side: Side,
        votes: npt.NDArray[np.int64],
        voters: npt.NDArray[np.int64],
        weight: FloatArray,
        confidence: FloatArray,
        *,
        primary: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.object_]:
        tags = np.full(votes.shape, "", dtype=object)
        enough = (votes >= self.min_votes) | (weight >= self.min_votes)
        for row in np.flatnonzero(enough & (weight > 0.0)):
            tags[row] = format_tag(
                EntryTag(
                    side=side,
                    votes=int(votes[row]),
                    voters=int(voters[row]),
                    confidence=float(confidence[row]),
                    feeder=self.feeders[primary[row]].name,
                )
            )
        return tags


def _plain(score: float) -> float | None:
    return None if math.isnan(score) else round(float(score), 4)


def vote_correlations(columns: pd.DataFrame, feeders: Sequence[str], side: Side) -> pd.DataFrame:
    """Return how alike feeders are: Pearson's correlation of their scores on the candles both scored.

    columns : what `Ensemble.columns` returned, of one pair or of several one below the other. Two feeders
    that always say the same are one witness; NaN where one of them never says anything else.
    """
    scores = pd.DataFrame({name: columns[f"score_{name}_{side}"].astype(np.float64) for name in feeders})
    return scores.corr()
