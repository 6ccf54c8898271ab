"""TreeEnsemble: a LightGBM text model, scored by NumPy alone.

A bot scores small trees on many candles, or many trees on one candle. LightGBM walks a tree row by row;
with at most eight leaves it is cheaper to ask each of the seven questions of a tree of all rows at once
and to look the leaf up in a table of 2**7 answers. The sum runs over the trees in their order, in double
precision: scores equal those of LightGBM's own `predict(raw_score=True)` bit for bit, which a test holds.

The format is that of `Booster.model_to_string`, version 4:
https://lightgbm.readthedocs.io/en/latest/C-API.html (LGBM_BoosterSaveModelToString).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from freqfleet.errors import ModelError
from freqfleet.market.arrays import FloatArray

MAX_LEAVES = 8
_QUESTIONS = MAX_LEAVES - 1
_ANSWERS = 1 << _QUESTIONS
_CHUNK_ROWS = 16_384  # what a chunk touches fits into a core's second-level cache
_FEW_ROWS = 64
_NAN_GOES_LEFT_MASK = 2
_CATEGORICAL_MASK = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreeEnsemble:
    """The trees of one model; build it with `read_trees`.

    feature_names : in the order of the columns that `raw_scores` wants.
    feature, threshold, asks_above : shape (n_trees, 7). Question q of a tree is `x <= threshold`, or
        `x > threshold` where `asks_above`: which of the two is false for NaN decides where NaN goes.
        A tree with fewer leaves has questions whose answer its table ignores.
    values : float64 of shape (n_trees, 128), by the answers read as a binary number, question 0 first.
    """

    feature_names: tuple[str, ...]
    feature: npt.NDArray[np.intp]
    threshold: npt.NDArray[np.float32]
    asks_above: npt.NDArray[np.bool_]
    questions: npt.NDArray[np.intp]
    values: FloatArray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def has_splits(self) -> bool:
        """False for a model that says the same of every candle."""
        return bool((self.questions > 0).any())

    def raw_scores(self, features: npt.NDArray[np.float32]) -> FloatArray:
        """Return the sum of leaf values (log-odds), shape (n_rows,).

        features : float32 of shape (n_rows, n_features), columns as `feature_names`, NaN allowed;
            fastest where columns lie together in memory.
        """
        if features.shape[1] != len(self.feature_names):
            raise ModelError(
                f"the model reads {len(self.feature_names)} features, was given {features.shape[1]}"
            )
        if len(features) <= _FEW_ROWS:
            return self._by_row(features)
        scores = np.empty(len(features))
        for start in range(0, len(features), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            scores[rows] = self._by_column(np.asfortranarray(features[rows]))
        return scores

    def _by_row(self, features: npt.NDArray[np.float32]) -> FloatArray:
        """All questions of all trees at once: the work is a few calls, whatever the number of trees."""
        asked = features.T[self.feature]  # (n_trees, 7, n_rows)
        threshold = self.threshold[:, :, None]
        answers = np.where(self.asks_above[:, :, None], asked > threshold, asked <= threshold)
        powers = 1 << np.arange(_QUESTIONS)
        leaf = np.einsum("tqr,q->tr", answers, powers)
        found = np.take_along_axis(self.values, leaf, axis=1)
        total: FloatArray = np.add.accumulate(found, axis=0)[-1] if len(found) else np.zeros(len(features))
        return total

    def _by_column(self, features: npt.NDArray[np.float32]) -> FloatArray:
        """One question after the other, each of all rows of a chunk."""
        rows = len(features)
        total, leaf = np.zeros(rows), np.zeros(rows, dtype=np.uint8)
        answer, found = np.empty(rows, dtype=np.bool_), np.empty(rows)
        bits = answer.view(np.uint8)
        columns = [features[:, one] for one in range(features.shape[1])]
        feature, above = self.feature.tolist(), self.asks_above.tolist()
        questions = self.questions.tolist()
        for tree, values in enumerate(self.values):
            leaf.fill(0)
            for question in range(questions[tree] - 1, -1, -1):
                asks = np.greater if above[tree][question] else np.less_equal
                asks(columns[feature[tree][question]], self.threshold[tree, question], out=answer)
                np.add(leaf, leaf, out=leaf)
                np.bitwise_or(leaf, bits, out=leaf)
            np.take(values, leaf, out=found, mode="clip")
            np.add(total, found, out=total)
        return total


def read_trees(text: str, *, label: str) -> TreeEnsemble:
    """Read a LightGBM text model.

    label : what the text is, for messages, for example the file's path.

    Raises ModelError for half a model, for one that is not binary with numeric splits, and for trees of
    more than eight leaves.
    """
    head, *blocks = _sections(text, label)
    names = tuple(head.get("feature_names", "").split())
    if not names or not head.get("objective", "").startswith("binary"):
        raise ModelError(f"{label} is not a binary LightGBM model; train it with: freqfleet feeders train")
    declared = len(head.get("tree_sizes", "").split())
    if len(blocks) != declared:
        raise ModelError(f"{label} holds {len(blocks)} of {declared} trees; train the version anew")
    trees = [_Tree.read(block, f"{label}, tree {number}") for number, block in enumerate(blocks)]
    return TreeEnsemble(
        feature_names=names,
        feature=np.array([tree.feature for tree in trees], dtype=np.intp).reshape(-1, _QUESTIONS),
        threshold=np.array([tree.threshold for tree in trees], dtype=np.float32).reshape(-1, _QUESTIONS),
        asks_above=np.array([tree.asks_above for tree in trees], dtype=np.bool_).reshape(-1, _QUESTIONS),
        questions=np.array([tree.questions for tree in trees], dtype=np.intp),
        values=np.array([tree.values() for tree in trees], dtype=np.float64).reshape(-1, _ANSWERS),
    )


def _sections(text: str, label: str) -> Iterator[dict[str, str]]:
    """Yield the header's and then each tree's `key=value` lines; refuse a text that does not end."""
    body, end, _rest = text.partition("\nend of trees")
    if not end:
        raise ModelError(f"{label} breaks off before its last tree; train the version anew")
    for block in body.split("\nTree="):
        yield dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """One tree as questions; children below 0 are leaves, as LightGBM writes them."""

    feature: list[int]
    threshold: list[float]
    asks_above: list[bool]
    left: list[int]
    right: list[int]
    leaf_value: list[float]

    @property
    def questions(self) -> int:
        return len(self.left)

    @classmethod
    def read(cls, block: Mapping[str, str], label: str) -> _Tree:
        try:
            leaves = int(block["num_leaves"])
            leaf_value = _floats(block["leaf_value"])
            if leaves > MAX_LEAVES:
                raise ModelError(f"{label} has {leaves} leaves, at most {MAX_LEAVES} are scored")
            if int(block["num_cat"]):
                raise ModelError(f"{label} splits on a category; only numbers are scored")
            if leaves == 1:
                padding = [0] * _QUESTIONS
                return cls(
                    feature=padding, threshold=[0.0] * _QUESTIONS, asks_above=[False] * _QUESTIONS,
                    left=[], right=[], leaf_value=leaf_value[:1],
                )  # fmt: skip
            feature, kinds = _ints(block["split_feature"]), _ints(block["decision_type"])
            exact, left, right = (
                _floats(block["threshold"]), _ints(block["left_child"]), _ints(block["right_child"])
            )  # fmt: skip
        except (KeyError, ValueError) as error:
            raise ModelError(f"{label} cannot be read ({error}); train the version anew") from None
        if not len(feature) == len(kinds) == len(exact) == len(left) == len(right) == leaves - 1:
            raise ModelError(f"{label} is not whole; train the version anew")
        missing = _QUESTIONS - len(left)
        return cls(
            feature=feature + [0] * missing,
            threshold=[_rounded_down(one) for one in exact] + [0.0] * missing,
            asks_above=[_nan_goes_left(kind, at, label) for kind, at in zip(kinds, exact, strict=True)]
            + [False] * missing,
            left=left,
            right=right,
            leaf_value=leaf_value,
        )

    def values(self) -> FloatArray:
        """Return the leaf value for each of the 128 combinations of answers."""
        answers = np.arange(_ANSWERS)

        def below(node: int) -> FloatArray:
            if node < 0:
                return np.full(_ANSWERS, self.leaf_value[~node])
            goes_left = (answers >> node & 1 == 1) != self.asks_above[node]
            return np.where(goes_left, below(self.left[node]), below(self.right[node]))

        return below(0 if self.left else -1)


def _nan_goes_left(kind: int, threshold: float, label: str) -> bool:
    """Return where a NaN goes: by its default, or, where training saw none, as a 0 would."""
    if kind & _CATEGORICAL_MASK:
        raise ModelError(f"{label} splits on a category; only numbers are scored")
    missing = kind >> 2 & 3
    if missing == 0:
        return threshold >= 0.0
    if missing == 1:
        raise ModelError(f"{label} takes 0 for missing; train it without zero_as_missing")
    return bool(kind & _NAN_GOES_LEFT_MASK)


def _rounded_down(threshold: float) -> float:
    """Return the largest float32 not above `threshold`: float32 features fall on the same side of both."""
    near = np.float32(threshold)
    return float(near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf)))


def _ints(text: str) -> list[int]:
    return [int(one) for one in text.split()]


def _floats(text: str) -> list[float]:
    return [float(one) for one in text.split()]
