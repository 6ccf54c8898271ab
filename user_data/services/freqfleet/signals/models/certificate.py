"""Certificates: where a model comes from and what it showed out of fold, in a JSON file beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from freqfleet.clock import iso, parse_time
from freqfleet.domain.sides import Side
from freqfleet.errors import FreqfleetError, ModelError, ModelMismatch

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadCertificate:
    """One side of a feeder.

    file, sha256 : the text model beside the certificate; None where the head abstains.
    abstains : why there is no model, for example one class only in the window; None where there is one.
    slope, intercept : probability = 1 / (1 + exp(-(slope * raw + intercept))), fitted out of fold.
    base_probability, vote_probability : what it says of a usual candle, and from where on it votes.
    metrics : out-of-fold numbers by name; an interval is a mapping of value, low, high.
    """

    file: str | None
    sha256: str | None
    abstains: str | None
    slope: float
    intercept: float
    base_probability: float
    vote_probability: float
    metrics: Mapping[str, Any]

    @property
    def paid(self) -> bool:
        """True where its votes earned something out of fold, after costs."""
        earned = (self.metrics.get("return_bps") or {}).get("value")
        return earned is not None and earned > 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: getattr(self, name) for name in HeadCertificate.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One feeder of one version.

    valid_from : the model may score candles that open from then on; its labels were all known before.
    train_from, train_to : the window its rows lie in; embargo_hours : distance kept between folds.
    features : in the order of the model's columns. feature_code : hash of the code that computes them.
    label : the barrier and the costs. min_atr_ratio : below it a target does not pay its costs.
    data_hash : of the candles that were read. libraries : versions by name.
    """

    feeder: str
    valid_from: datetime
    created_at: datetime
    train_from: datetime
    train_to: datetime
    embargo_hours: float
    features: tuple[str, ...]
    feature_code: str
    label: Mapping[str, Any]
    min_atr_ratio: float
    pairs: tuple[str, ...]
    skipped_pairs: Mapping[str, str]
    rows: int
    stride_candles: int
    seed: int
    data_hash: str
    libraries: Mapping[str, str]
    heads: Mapping[Side, HeadCertificate]

    def require_features(self, wanted: Sequence[str], file: Path) -> None:
        """Raise ModelMismatch unless the model was trained on exactly these features, in this order."""
        if tuple(wanted) == self.features:
            return
        missing = [name for name in wanted if name not in self.features]
        extra = [name for name in self.features if name not in wanted]
        if missing or extra:
            what = ", ".join([*(f"without {name}" for name in missing), *(f"with {name}" for name in extra)])
        else:
            what = "in another order"
        raise ModelMismatch(
            f"{file}: {self.feeder} was trained on other features ({what}); train it anew: "
            "freqfleet feeders train"
        )

    def to_json(self) -> str:
        """Return the text of the file; what is not a number (NaN) is written as null."""
        plain: dict[str, Any] = {"schema": SCHEMA}
        for name in Certificate.__slots__:
            value = getattr(self, name)
            if isinstance(value, datetime):
                value = iso(value)
            if name == "heads":
                value = {side.value: head.to_dict() for side, head in self.heads.items()}
            plain[name] = value
        return json.dumps(_without_nan(plain), indent=1, allow_nan=False) + "\n"


def read_certificate(file: Path) -> Certificate:
    """Read a certificate; raises ModelError with the file for one that is missing, cut off or unknown."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{file} is no certificate ({error}); train the version anew") from None
    if not isinstance(values, dict) or values.pop("schema", None) != SCHEMA:
        raise ModelError(f"{file} is not a certificate of schema {SCHEMA}; train the version anew")
    try:
        values["heads"] = {Side(side): HeadCertificate(**head) for side, head in values["heads"].items()}
        for name in ("valid_from", "created_at", "train_from", "train_to"):
            values[name] = parse_time(values[name])
        for name in ("features", "pairs"):
            values[name] = tuple(values[name])
        return Certificate(**values)
    except (KeyError, TypeError, ValueError, AttributeError, FreqfleetError) as error:
        raise ModelError(f"{file} is not whole ({error}); train the version anew") from None


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _without_nan(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
