"""Workers: where the pairs of a run are worked on, and how their outcomes come home.

The parent alone knows the store and publishes; workers are given a pair, its trades and what is in force,
and read the candles themselves. Outcomes come as they are finished. Neither how many workers there are nor
who is first changes an outcome: nothing is shared between pairs.
"""

from __future__ import annotations

import itertools
import logging
import logging.handlers
import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from freqfleet import __version__
from freqfleet.errors import InputError, UnreachableError
from freqfleet.learning.pair_work import PairOutcome, PairTask, PairWork

CONNECT_SECONDS = 10
# A worker that has finished a pair finds the next one waiting; more in flight would only hold memory.
TASKS_PER_WORKER = 2
PARENT_WATCH_SECONDS = 0.5

_OURS = "freqfleet"
_PROCESS = uuid.uuid4().hex


class Workers(Protocol):
    """Works on pairs."""

    def outcomes(self, work: PairWork, tasks: Iterable[PairTask]) -> Iterator[PairOutcome]:
        """Yield the outcome of every task, in any order; tasks are taken as they are needed."""
        ...


class InProcess:
    """One pair after the other, here."""

    def outcomes(self, work: PairWork, tasks: Iterable[PairTask]) -> Iterator[PairOutcome]:
        """Yield the outcomes in the order of the tasks."""
        return map(work.outcome, tasks)


@dataclass(frozen=True, slots=True)
class Processes:
    """`jobs` processes on this machine, each on one thread."""

    jobs: int

    def outcomes(self, work: PairWork, tasks: Iterable[PairTask]) -> Iterator[PairOutcome]:
        """Yield outcomes as they are finished; raises UnreachableError where a process is killed."""
        import joblib  # noqa: PLC0415  (only who asks for processes pays)
        from joblib.externals.loky.process_executor import TerminatedWorkerError  # noqa: PLC0415

        errand = _Errand(work, _PROCESS, logging.getLogger(_OURS).getEffectiveLevel(), parent=os.getpid())
        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(
                n_jobs=self.jobs,
                batch_size=1,
                pre_dispatch=TASKS_PER_WORKER * self.jobs,
                return_as="generator_unordered",
            )
            with _deaf_to_interrupts():
                results = parallel(joblib.delayed(errand)(task) for task in tasks)
        try:
            for result in results:
                yield result.home()
        except TerminatedWorkerError:
            raise UnreachableError(
                "a worker process was killed, perhaps for want of memory; finished pairs are kept: "
                "go on with --resume, and fewer --jobs"
            ) from None
        finally:
            results.close()


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a Dask scheduler; they need this package and the same candle files."""

    address: str
    connect_seconds: float = CONNECT_SECONDS

    def outcomes(self, work: PairWork, tasks: Iterable[PairTask]) -> Iterator[PairOutcome]:
        """Yield outcomes as they are finished.

        Raises InputError where Dask is missing here or freqfleet there, UnreachableError where the scheduler
        or its workers do not answer.
        """
        distributed = _distributed()
        try:
            client = distributed.Client(self.address, timeout=self.connect_seconds, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UnreachableError(f"no Dask scheduler at {self.address}: {error}") from None
        with client:
            slots = self._slots(client)
            errand = client.scatter(
                _Errand(work, _PROCESS, logging.getLogger(_OURS).getEffectiveLevel()),
                broadcast=True,
                hash=False,
            )
            waiting = iter(tasks)

            def submit(task: PairTask) -> Any:
                return client.submit(_run_errand, errand, task, pure=False)

            first = [submit(task) for task in itertools.islice(waiting, TASKS_PER_WORKER * slots)]
            done = distributed.as_completed(first, loop=client.loop)
            for future in done:
                try:
                    result = future.result()
                except (distributed.KilledWorker, distributed.CancelledError) as error:
                    raise UnreachableError(
                        f"a worker of {self.address} was lost ({error}); finished pairs are kept: "
                        "go on with --resume"
                    ) from None
                done.update([submit(task) for task in itertools.islice(waiting, 1)])
                yield result.home()

    def _slots(self, client: Any) -> int:
        """Return how many pairs the cluster works on at once."""
        try:
            client.wait_for_workers(1, timeout=self.connect_seconds)
            versions: dict[str, str] = client.run(_version)
        except TimeoutError:
            raise UnreachableError(
                f"the Dask scheduler at {self.address} has no workers; start one: dask worker {self.address}"
            ) from None
        except ModuleNotFoundError as error:
            raise InputError(
                f"the workers of {self.address} do not have {error.name}: "
                f"install freqfleet {__version__} there"
            ) from None
        others = {worker: version for worker, version in versions.items() if version != __version__}
        if others:
            raise InputError(
                f"workers of another freqfleet than {__version__} would decide otherwise: {others}"
            )
        threads: dict[str, int] = client.nthreads()
        return max(sum(threads.values()), 1)


@dataclass(frozen=True, slots=True)
class _Result:
    outcome: PairOutcome
    records: tuple[logging.LogRecord, ...]

    def home(self) -> PairOutcome:
        """Hand what the worker logged to the log of this process, and return the outcome."""
        for record in self.records:
            logging.getLogger(record.name).handle(record)
        return self.outcome


@dataclass(frozen=True, slots=True)
class _Errand:
    """What travels to a worker.

    process : where it came from. log_level : what is worth bringing home. parent : the id of the process
    without which the worker has nothing to live for; None for one that somebody else started.
    """

    work: PairWork
    process: str
    log_level: int
    parent: int | None = None

    def __call__(self, task: PairTask) -> _Result:
        if self.process == _PROCESS:  # a thread of the parent: its log is at home already
            return _Result(self.work.outcome(task), ())
        if self.parent is not None:
            _end_with(self.parent)
        with _captured(self.log_level) as records:
            outcome = self.work.outcome(task)
        return _Result(outcome, tuple(records))


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Start processes in here that Ctrl-C does not reach: the parent hears it, and ends them.

    A terminal interrupts every process of its group. One that is still importing would die with a traceback
    in the middle of what the parent says. That a signal is ignored is inherited; the parent ignores it for
    the moment that starting them takes. (A blocked one would be, too, but loky unblocks it on the way.)
    """
    if threading.current_thread() is not threading.main_thread():  # nobody else may set handlers
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@cache
def _end_with(parent: int) -> None:
    """End this process soon after its parent: one that was killed could not tell its workers to stop."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="freqfleet-parent-watch", daemon=True).start()


def _run_errand(errand: _Errand, task: PairTask) -> _Result:
    return errand(task)


def _version() -> str:
    return __version__


class _Capture(logging.handlers.QueueHandler):
    """Keeps records as text, which any process can read back."""

    def __init__(self) -> None:
        super().__init__(queue.SimpleQueue())
        self.records: list[logging.LogRecord] = []

        self._thread = threading.get_ident()

    def enqueue(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:  # a Dask worker may run other pairs beside this one
            self.records.append(record)


@contextmanager
def _captured(level: int) -> Iterator[list[logging.LogRecord]]:
    ours, capture = logging.getLogger(_OURS), _Capture()
    before = ours.level
    ours.addHandler(capture)
    ours.setLevel(level)
    try:
        yield capture.records
    finally:
        ours.removeHandler(capture)
        ours.setLevel(before)


def _distributed() -> Any:
    try:
        import distributed  # noqa: PLC0415  (an extra, and heavy)
    except ModuleNotFoundError:
        raise InputError("--scheduler needs Dask: pip install 'freqfleet[cluster]'") from None
    return distributed
