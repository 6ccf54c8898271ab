"""One pair after the other, processes, a Dask cluster: the same decisions, the same studies."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deadlyfiles import DeadlyFiles, InterruptedFiles
from freqfleet.clock import FixedClock
from freqfleet.errors import InputError, UnreachableError
from freqfleet.learning.optimizer import Optimizer
from freqfleet.learning.run_record import FileRecord
from freqfleet.learning.workers import Cluster, InProcess, Processes
from freqfleet.market.candles import CandleFiles
from freqfleet.settings import DefaultSettings, GateSettings, OptimizerSettings, load_settings
from freqfleet.testing.candle_tables import write_candles
from freqfleet.testing.memory_store import MemoryStore
from replaycases import WAVE_CANDLES, after, waves

PAIRS = ("AAA/USDT:USDT", "BBB/USDT:USDT", "CCC/USDT:USDT", "DDD/USDT:USDT")
WAVES = 80
END = after(5 * WAVE_CANDLES * (WAVES + 2))
SETTINGS = load_settings(
    Path("nowhere"),
    optimizer=OptimizerSettings(time_limit_minutes=(240,), trials=25),
    defaults=DefaultSettings(time_limit_minutes=240),
    gate=GateSettings(method="holdout"),
)


def market(folder: Path) -> tuple[CandleFiles, MemoryStore]:
    """Four pairs whose peaks differ, so that each has its own best target."""
    files, store = CandleFiles(folder), MemoryStore()
    for number, pair in enumerate(PAIRS):
        candles, trades = waves([0.05 + 0.01 * number] * WAVES, pair=pair)
        write_candles(files.path(pair), candles)
        store.record_closed_trades([replace(one, trade_id=one.trade_id + 1000 * number) for one in trades])
    return files, store


def optimizer(files, store, workers, **options) -> Optimizer:
    return Optimizer(
        store=store,
        candles=files,
        settings=SETTINGS,
        clock=FixedClock(END),
        search=options.pop("search", "tpe"),
        workers=workers,
        **options,
    )


def studies(folder: Path) -> dict[str, list[tuple]]:
    """The trials of every journal, as Optuna itself reads them."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    found = {}
    for file in sorted(folder.glob("*.log")):
        storage = JournalStorage(JournalFileBackend(str(file)))
        (study,) = storage.get_all_studies()
        found[file.name] = [
            (one.number, one.params, one.value) for one in storage.get_all_trials(study._study_id)
        ]
    return found


def test_one_and_two_processes_give_the_same_decisions_and_the_same_studies(tmp_path):
    files, store = market(tmp_path / "data")
    runs, kept = [], []
    for number, workers in enumerate((InProcess(), Processes(2))):
        record = FileRecord(tmp_path / "optimizer", f"run-{number}")
        record.start({})
        runs.append(optimizer(files, store, workers, record=record, dry_run=True).run())
        record.close()
        kept.append(studies(tmp_path / "optimizer" / f"run-{number}"))

    assert runs[0].findings == runs[1].findings
    assert [outcome.pair for outcome in runs[1].outcomes] == list(PAIRS)
    assert len({one.decision.parameters.take_profit for one in runs[0].findings[::2]}) == len(PAIRS)
    assert kept[0] == kept[1]
    assert [len(trials) for trials in kept[0].values()] == [25] * len(PAIRS)


def test_the_gate_says_the_same_to_the_last_bit_whoever_is_first(tmp_path):
    class Backwards:
        def outcomes(self, work, tasks):
            return map(work.outcome, list(tasks)[::-1])

    files, store = market(tmp_path / "data")
    settings = SETTINGS.model_copy(update={"gate": GateSettings()})
    runs = [
        Optimizer(
            store=store, candles=files, settings=settings, clock=FixedClock(END), workers=one, dry_run=True
        ).run()
        for one in (InProcess(), Backwards())
    ]

    assert repr(runs[0].findings) == repr(runs[1].findings)  # NaN is not equal to itself
    for one, other in zip(*(run.gathering.certified for run in runs), strict=True):
        assert np.array_equal(one.posterior, other.posterior)
        assert repr(one.ruling) == repr(other.ruling)


def test_the_parent_publishes_each_pair_when_it_is_finished(tmp_path):
    files, store = market(tmp_path)
    seen = []

    optimizer(files, store, Processes(2)).run(
        None,
        lambda outcome: seen.append((outcome.pair, {one.key.pair for one in store.parameter_versions()})),
    )

    assert sorted(pair for pair, _ in seen) == list(PAIRS)
    for count, (pair, published) in enumerate(seen, start=1):
        assert pair in published
        assert len(published) == count  # none before its turn


def test_an_interrupt_reaches_the_parent_and_no_worker(tmp_path):
    files, store = market(tmp_path)

    interrupted = optimizer(InterruptedFiles(files), store, Processes(2), dry_run=True).run()

    assert interrupted.findings == optimizer(files, store, InProcess(), dry_run=True).run().findings


def test_what_workers_log_comes_home(tmp_path, caplog):
    files, store = market(tmp_path)

    with caplog.at_level(logging.INFO, logger="freqfleet"):
        optimizer(files, store, Processes(2), search="random").run(PAIRS[:2])

    text = caplog.text
    assert "AAA/USDT:USDT long: 80 trades (train: 55, test: 24), median entry ATR ratio 0.0" in text
    assert text.count("trial 25/25: ") == 2


def test_pair_without_candles_is_skipped_by_a_worker_as_by_the_parent(tmp_path):
    files, store = market(tmp_path)
    files.path(PAIRS[1]).unlink()

    runs = [
        optimizer(files, store, workers, dry_run=True).run(PAIRS) for workers in (InProcess(), Processes(2))
    ]

    assert runs[0].findings == runs[1].findings
    assert "no file" in runs[0].findings[2].decision.reason


def test_killed_worker_ends_the_run_with_the_remedy(tmp_path):
    files, store = market(tmp_path)

    with pytest.raises(UnreachableError, match=r"a worker process was killed.*--resume, and fewer --jobs"):
        optimizer(DeadlyFiles(files), store, Processes(2)).run()


def test_scheduler_nobody_answers_at_is_named():
    pytest.importorskip("distributed", reason="the extra freqfleet[cluster] is not installed")
    with pytest.raises(UnreachableError, match=r"no Dask scheduler at tcp://127.0.0.1:1"):
        list(Cluster("tcp://127.0.0.1:1", connect_seconds=1).outcomes(None, []))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)

    with pytest.raises(InputError, match=r"pip install 'freqfleet\[cluster\]'"):
        list(Cluster("tcp://127.0.0.1:1").outcomes(None, []))


def test_a_cluster_of_two_workers_gives_the_same_decisions(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra freqfleet[cluster] is not installed")
    files, store = market(tmp_path)
    alone = optimizer(files, store, InProcess(), dry_run=True).run()

    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address=None,
        silence_logs=logging.ERROR,
    ) as cluster:
        spread = optimizer(files, store, Cluster(cluster.scheduler_address), dry_run=True).run()

    assert spread.findings == alone.findings
    assert [outcome.pair for outcome in spread.outcomes] == list(PAIRS)


def test_a_cluster_without_workers_says_how_to_start_one():
    distributed = pytest.importorskip("distributed", reason="the extra freqfleet[cluster] is not installed")
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, host="127.0.0.1", dashboard_address=None, protocol="tcp"
        ) as cluster,
        pytest.raises(UnreachableError, match="has no workers; start one: dask worker tcp://"),
    ):
        list(Cluster(cluster.scheduler_address, connect_seconds=1).outcomes(None, []))
