"""HeadModel: one side of a trained feeder, from features to a confidence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from freqfleet.errors import ModelError
from freqfleet.market.arrays import FloatArray
from freqfleet.signals.feeder import VOTE_AT
from freqfleet.signals.models.certificate import Certificate, HeadCertificate
from freqfleet.signals.models.trees import TreeEnsemble, read_trees


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeadModel:
    """Trees and what calibrates them."""

    trees: TreeEnsemble
    certificate: HeadCertificate

    def confidence(self, features: npt.NDArray[np.float32]) -> FloatArray:
        """Return 0 for a usual candle, VOTE_AT where a vote begins, at most 1; shape (n_rows,).

        A vote begins at a probability that was rare out of fold, so heads whose labels have different
        base rates are equally talkative, and a confidence says how far above the usual this candle is.
        """
        one = self.certificate
        chance = probability(self.trees.raw_scores(features), one.slope, one.intercept)
        lift = (chance - one.base_probability) / (one.vote_probability - one.base_probability)
        return np.clip(VOTE_AT * lift, 0.0, 1.0)


def probability(raw: FloatArray, slope: float, intercept: float) -> FloatArray:
    """Return calibrated probabilities (Platt): the logistic function of `slope * raw + intercept`."""
    chance: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(slope * raw + intercept, -500.0, 500.0)))
    return chance


def load_head(certificate: Certificate, head: HeadCertificate, folder: Path) -> HeadModel | None:
    """Read a head's model; None where the head abstains.

    Raises ModelError with the file for one that is missing, cut off, or not the one that was certified.
    """
    if head.file is None:
        return None
    file = folder / head.file
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file}: {error.strerror}; train the version anew") from None
    if hashlib.sha256(content).hexdigest() != head.sha256:
        raise ModelError(
            f"{file} is not the model of its certificate ({len(content)} bytes); it was cut off or changed: "
            "train the version anew"
        )
    trees = read_trees(content.decode("utf-8"), label=str(file))
    if trees.feature_names != certificate.features:
        raise ModelError(f"{file} names other features than its certificate; train the version anew")
    if not head.vote_probability > head.base_probability:
        raise ModelError(f"{file}: its certificate gives no probability to vote at; train the version anew")
    return HeadModel(trees=trees, certificate=head)
