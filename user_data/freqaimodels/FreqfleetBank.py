"""FreqfleetBank: FreqAI asks the feeder bank, which `freqfleet feeders train` makes. It trains nothing."""

from typing import Any

# FreqAI imports this before each training, and takes a failure for a training that failed: no trade,
# exit code 0. Imported here, it ends the run.
import freqtrade.freqai.tensorboard  # noqa: F401
import numpy as np
import pandas as pd
from freqtrade.freqai.base_models.BaseClassifierModel import BaseClassifierModel

from freqfleet.runtime.freqai_door import BankDoor
from freqfleet.wiring import open_bank_door


class FreqfleetBank(BaseClassifierModel):
    """A FreqAI model whose predictions are the bank's votes. A bank that cannot be used ends the run."""

    door: BankDoor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.door = open_bank_door(kwargs["config"])

    def train(self, unfiltered_df: pd.DataFrame, pair: str, dk: Any, **_: Any) -> Any:
        """Return which models will speak; FreqAI keeps that in the place of a model of its own."""
        dk.data_dictionary["train_features"] = unfiltered_df[dk.training_features_list].iloc[:0]
        dk.data_dictionary["train_dates"] = unfiltered_df["date"]
        return self.fit({}, dk)

    def fit(self, data_dictionary: dict[str, Any], dk: Any, **_: Any) -> Any:
        """Return the names of the versions in the bank."""
        return self.door.versions()

    def predict(self, unfiltered_df: pd.DataFrame, dk: Any, **_: Any) -> tuple[pd.DataFrame, np.ndarray]:
        """Return what the bank said of each candle, and 0 where nobody spoke."""
        predictions, spoken = self.door.predict(unfiltered_df, dk.label_list)
        dk.do_predict = spoken
        return predictions, spoken
