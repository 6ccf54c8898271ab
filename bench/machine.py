"""Where a benchmark ran: machine, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.contest import PEER_PYTHON
from bench.measure import ROOT

PACKAGES = ("freqfleet", "freqtrade", "numpy", "pandas", "pyarrow", "numba", "optuna")
PEER_PACKAGES = ("vectorbt", "backtesting", "numpy", "pandas", "numba")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the numbers belong to. date : as it was given. load : of the machine when it began."""

    date: str
    commit: str
    machine: str
    load: str
    versions: str
    market: str

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield name and text of everything, for a list."""
        yield "date", self.date
        yield "commit", self.commit
        yield "machine", self.machine
        yield "load average when it began", self.load
        yield "versions", self.versions
        yield "load", self.market


def surroundings(date: str, market: str) -> Surroundings:
    """Return where this process runs."""
    return Surroundings(
        date=date,
        commit=measured_commit(ROOT),
        machine=f"{_processor()}, {os.cpu_count()} cores, {_memory()}, {platform.system()}",
        load=" ".join(f"{one:.1f}" for one in os.getloadavg()),
        versions=f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        market=market,
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def peer_versions() -> str:
    """Return what the venv of the peers holds."""
    if not PEER_PYTHON.is_file():
        return "not set up"
    code = (
        "from importlib.metadata import version; "
        f"print(', '.join(f'{{one}} {{version(one)}}' for one in {PEER_PACKAGES!r}))"
    )
    return _said(str(PEER_PYTHON), "-c", code) or "not known"


def measured_commit(root: Path) -> str:
    """Return the commit of the repository at `root`, and whether code was changed since."""
    commit = _said("git", "-C", str(root), "rev-parse", "--short=12", "HEAD")
    if not commit:
        return "not known"
    # pages that a run writes part by part change nothing that is measured
    changed = _said("git", "-C", str(root), "status", "--porcelain", "-uno", "--", ":/", ":(top,exclude)docs")
    return f"{commit}, with changes" if changed else commit


def _said(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands, no shell
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return "memory not known"
    return f"{total / 2**30:.0f} GiB"
