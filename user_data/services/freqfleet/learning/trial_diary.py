"""TrialDiary: the trials of one pair and side, kept in an Optuna study while the search goes on.

A sampler draws its proposals from its seed and from what it was told, so a search that was killed goes on
exactly where it was: the same proposals come again, and what they earned is read instead of measured. The
study lies in a journal file of its own, or in a database that several machines reach; any Optuna
dashboard opens both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.pairs import checked_pair
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, UnreachableError
from freqfleet.learning.importance import trial_distributions
from freqfleet.learning.search import NO_DIARY, Diary
from freqfleet.learning.search_space import SearchSpace

IDENTITY = "freqfleet"


class Diaries(Protocol):
    """Where the diaries of one run are; goes to worker processes, so it holds no open file."""

    def open(self, pair: str, side: Side, space: SearchSpace, identity: Mapping[str, Any]) -> Diary:
        """Return the diary of one search.

        identity : what the search is made of; plain values.

        Raises InputError where the diary belongs to a search that was made of something else.
        """
        ...


class NoDiaries:
    """Nothing is kept."""

    def open(self, pair: str, side: Side, space: SearchSpace, identity: Mapping[str, Any]) -> Diary:
        """Return a diary that forgets."""
        return NO_DIARY


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDiaries:
    """One journal file per pair and side in `folder`: workers never wait for one another."""

    study: str
    folder: Path

    def open(self, pair: str, side: Side, space: SearchSpace, identity: Mapping[str, Any]) -> Diary:
        """Return the diary in its file, which is made where there is none."""
        from optuna.storages import JournalStorage  # noqa: PLC0415  (Optuna is heavy)

        from freqfleet.learning.journal_file import SoleWriterFile  # noqa: PLC0415

        name = checked_pair(pair).replace("/", "_").replace(":", "_")
        file = self.folder / f"{name}-{side.value}.log"
        with _storage_faults(str(file)):
            storage = JournalStorage(SoleWriterFile(file))
            return _TrialDiary(storage, f"{self.study} {pair} {side.value}", space, identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDiaries:
    """One study per pair and side in a database, for example `postgresql+psycopg://…`."""

    study: str
    url: str

    def open(self, pair: str, side: Side, space: SearchSpace, identity: Mapping[str, Any]) -> Diary:
        """Return the diary in the database; raises UnreachableError where it does not answer."""
        with _storage_faults(shown_url(self.url)):
            storage = study_database(self.url)
            return _TrialDiary(storage, f"{self.study} {pair} {side.value}", space, identity)


class _TrialDiary:
    def __init__(self, storage: Any, name: str, space: SearchSpace, identity: Mapping[str, Any]) -> None:
        import optuna  # noqa: PLC0415

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._name = name
        self._distributions = trial_distributions(space)
        self._study = optuna.create_study(
            storage=storage,
            study_name=name,
            direction="maximize",
            load_if_exists=True,
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        now = json.loads(json.dumps(identity))
        known = self._study.user_attrs.get(IDENTITY)
        if known is None:
            self._study.set_user_attr(IDENTITY, now)
        refuse_other_study(name, known if known is not None else now, now)
        self._known = [(one.params, one.value) for one in self._study.get_trials(deepcopy=False)]
        self._next = 0

    def recall(self, parameters: Sequence[ExitParameters]) -> list[float] | None:
        """Return the recorded values of a whole batch, else None."""
        batch = self._known[self._next : self._next + len(parameters)]
        for number, ((params, _), asked) in enumerate(zip(batch, parameters, strict=False), self._next):
            if params != self._params(asked):
                raise InputError(
                    f"study {self._name!r}: trial {number} was {params}, now {self._params(asked)} is asked: "
                    "it was made by another version of freqfleet or Optuna; start again without --resume"
                )
        if len(batch) < len(parameters):
            return None
        self._next += len(parameters)
        return [float("nan") if value is None else value for _, value in batch]

    def keep(self, parameters: Sequence[ExitParameters], values: Sequence[float]) -> None:
        """Add what the study does not hold yet: a kill may have cut a batch in two."""
        import optuna  # noqa: PLC0415

        here = max(len(self._known) - self._next, 0)
        for asked, value in list(zip(parameters, values, strict=True))[here:]:
            failed = math.isnan(value)
            trial = optuna.trial.create_trial(
                state=optuna.trial.TrialState.FAIL if failed else optuna.trial.TrialState.COMPLETE,
                value=None if failed else value,
                params=self._params(asked),
                distributions=self._distributions,
            )
            self._study.add_trial(trial)
        self._next += len(parameters)

    def _params(self, parameters: ExitParameters) -> dict[str, Any]:
        return {name: getattr(parameters, name) for name in self._distributions}


def refuse_other_study(name: str, known: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError, showing both, where a study was made of something else than it is asked for now."""
    differing = [
        one for one in (*known, *(key for key in now if key not in known)) if known.get(one) != now.get(one)
    ]
    if differing:
        both = "; ".join(f"{one} was {known.get(one)}, is {now.get(one)}" for one in differing)
        raise InputError(
            f"study {name!r} is another search: {both}. Ask for what it was made of, or start a new one "
            "with --study NAME and without --resume"
        )


def study_database(url: str) -> Any:
    """Return Optuna's storage behind an SQLAlchemy URL, one per process.

    Raises InputError for a URL that nothing here speaks, UnreachableError where nobody answers.
    """
    with _storage_faults(shown_url(url)):
        return _database(url)


def leave_study_database(storage: Any) -> None:
    """End the connections of this process to a storage; the next question opens one again."""
    storage.remove_session()
    storage.engine.dispose()


@lru_cache(maxsize=1)
def _database(url: str) -> Any:
    from optuna.storages import RDBStorage  # noqa: PLC0415

    return RDBStorage(url, engine_kwargs={"pool_pre_ping": True})


def shown_url(url: str) -> str:
    """Return a database URL without its password; raises InputError for what is no URL."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        raise InputError(
            "--study-storage is no database URL; write postgresql+psycopg://HOST/DATABASE (password: "
            "PGPASSWORD or ~/.pgpass)"
        ) from None


@contextmanager
def _storage_faults(place: str) -> Iterator[None]:
    """Turn what a storage raises into our errors, with its place and without its secrets."""
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError  # noqa: PLC0415

    try:
        yield
    except ImportError as error:
        cause = error.__cause__ or error
        package = getattr(cause, "name", None) or "its driver"
        raise InputError(f"{place} needs the package {package}: pip install 'freqfleet[postgres]'") from None
    except NoSuchModuleError as error:
        raise InputError(f"{place}: {error}; write postgresql+psycopg://HOST/DATABASE") from None
    except SQLAlchemyError as error:
        first = str(getattr(error, "orig", None) or error).strip().splitlines()
        raise UnreachableError(
            f"study storage {place} does not answer: {first[0] if first else error!r}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"cannot use {place}: {error}; start again without --resume") from None
