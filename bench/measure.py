"""What a process costs: CPU seconds, wall seconds, memory."""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
_PACKAGES = ROOT / "user_data" / "services"
# These would change a run from outside.
_FOREIGN_PREFIXES = ("FREQTRADE__", "FREQFLEET_", "PYTEST_")
# One thread for every library that would start its own: CPU seconds of idle threads are nobody's work.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class BenchError(Exception):
    """A benchmark could not be taken; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one command took, its own children included. stdout : what it printed."""

    cpu_seconds: float
    wall_seconds: float
    stdout: str


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of a measured process: this checkout's packages, one thread, nothing foreign.

    Modules are compiled once, as in any installation, into a folder beside those of the measurement.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
    kept = {name: value for name, value in kept.items() if name != "PYTHONDONTWRITEBYTECODE"}
    given = [one for one in (os.environ.get("PYTHONPATH"),) if one]
    path = os.pathsep.join([str(ROOT), str(_PACKAGES), *given])
    return {
        **kept,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "PYTHONPATH": path,
        "PYTHONPYCACHEPREFIX": str(_bytecode()),
        "NO_COLOR": "1",
        **extra,
    }


@cache
def _bytecode() -> Path:
    """Return a folder for compiled modules that goes when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="freqfleet-bytecode-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def run(command: Sequence[str], *, env: Mapping[str, str], cwd: Path, allowed: Sequence[int] = (0,)) -> Cost:
    """Run a command to its end and return what it cost.

    Raises BenchError with its last words where it ends with a code that is not allowed.
    """
    out, err = cwd / "stdout.txt", cwd / "stderr.txt"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            command, env=dict(env), cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in allowed:
        last = err.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        raise BenchError(f"{' '.join(command)} ended with {process.returncode}:\n" + "\n".join(last))
    return Cost(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        wall_seconds=wall,
        stdout=out.read_text(encoding="utf-8", errors="replace"),
    )


def median_cost(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several runs, and what the last one printed."""
    return Cost(
        cpu_seconds=median(one.cpu_seconds for one in costs),
        wall_seconds=median(one.wall_seconds for one in costs),
        stdout=costs[-1].stdout,
    )


def children_cpu_seconds() -> float:
    """Return the CPU seconds of the children of this process that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def peak_memory_mb(pid: int | str = "self") -> float | None:
    """Return the most memory a living process has held (RSS, in MiB); None where only Linux would say.

    Not `ru_maxrss`: on Linux a process inherits that number from the one that started it.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        if pid != "self":
            return None
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    line = next((one for one in status.splitlines() if one.startswith("VmHWM:")), None)
    return None if line is None else int(line.split()[1]) / 1024.0
