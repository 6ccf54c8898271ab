"""Every error of ours, drawn.

    FreqfleetError
    +-- InputError              a value given by a person is wrong; the message shows it and the remedy
    |   +-- SettingsError       fleet.toml or an environment variable
    |   +-- MarketError         candles that cannot be used as they are
    |   +-- TradeSourceError    a database or export that is not freqtrade's
    |   +-- ParameterError      parameters outside the bounds of the domain
    |   +-- ModelError          a feeder's model or its certificate cannot be used
    |       +-- ModelMismatch   it was trained on other features
    +-- UnreachableError        something needed cannot be reached; try again later
        +-- StoreError          the learning store
        |   +-- StoreUnavailable    down, locked, unreadable: bots keep the last good book
        |   |   +-- StoreNotMade    there is none yet, as before the first `freqfleet sync`
        |   |   +-- StoreReplaced   its file was moved away under an open store: open it again
        |   |   +-- StoreDamaged    its file is corrupt: moved aside by the next writer, and built anew
        |   +-- StoreIncompatible   the schema is newer than this program
        +-- ExchangeError       the loopback exchange or its port

A command ends with 2 for an InputError and with 3 for an UnreachableError (contracts: exit codes).
"""

from __future__ import annotations


class FreqfleetError(Exception):
    """Anything this package raises on purpose; its text is meant for the person at the keyboard."""

    exit_code = 1


class InputError(FreqfleetError):
    """A value that a person gave is wrong. The command stops before it changes anything."""

    exit_code = 2


class SettingsError(InputError):
    """A setting is unknown, half-specified or out of bounds."""


class MarketError(InputError):
    """Candles are missing or broken. One pair is skipped with this reason; the others go on."""


class TradeSourceError(InputError):
    """A trade database or a backtest export cannot be read as freqtrade's."""


class ParameterError(InputError):
    """Exit parameters lie outside the bounds of the domain; they are neither stored nor used."""


class ModelError(InputError):
    """A feeder's model or certificate is missing, damaged or of another kind; the feeder abstains."""


class ModelMismatch(ModelError):
    """A model was trained on another feature list; its scores would mean nothing."""


class UnreachableError(FreqfleetError):
    """Something that is needed does not answer. Nothing was lost; the same call may work later."""

    exit_code = 3


class StoreError(UnreachableError):
    """The learning store failed."""


class StoreUnavailable(StoreError):
    """The store does not answer. Bots keep their last good parameter book; writers try again.

    retry_after_seconds : how long the server asked to be left alone; None where it did not say.
    """

    def __init__(self, text: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class StoreNotMade(StoreUnavailable):
    """There is no store where it belongs. Before the first `freqfleet sync` that is as it should be."""


class StoreReplaced(StoreUnavailable):
    """The file that a store has open is no longer the one at its place. Opened anew, it is the right one."""


class StoreDamaged(StoreUnavailable):
    """The file of the store is corrupt. No retry helps: it has to be replaced or built anew."""


class StoreIncompatible(StoreError):
    """The store was written by a newer freqfleet. Nothing is touched; upgrade this program."""


class ExchangeError(UnreachableError):
    """The loopback exchange cannot be started or reached."""
