"""Running freqtrade as the command it is: a fresh userdir, a clean environment, and what came out.

Used by acceptance tests and by the demo. Nothing here imports freqtrade.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from freqfleet.errors import TradeSourceError, UnreachableError

# These would change a run from outside: settings of freqtrade and ours, and proxies that ccxt obeys.
_FOREIGN_PREFIXES = ("FREQTRADE__", "FREQFLEET_", "PYTEST_")
_FOREIGN = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_STOP_SECONDS = 30.0

# What freqtrade makes in a userdir (`create_userdata_dir`); a test compares.
FOLDERS = (
    "backtest_results", "data", "hyperopts", "hyperopt_results", "logs", "notebooks", "plot", "strategies",
    "freqaimodels",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A run that has ended. freqtrade logs to stderr and prints its tables to stdout."""

    args: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str
    seconds: float

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of both outputs, for a message."""
        shown = [*self.stdout.splitlines()[-lines:], *self.stderr.splitlines()[-lines:]]
        return "\n".join((f"freqtrade {' '.join(self.args)} ended with {self.returncode}", *shown))


def make_userdir(
    folder: Path,
    *,
    strategies: Mapping[str, str] | Path | None = None,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Make `folder` a fresh freqtrade userdir and return it.

    strategies : source texts by file name, or a folder whose `*.py` are copied.
    configs : freqtrade configs by file name, written to `config/`.
    """
    make_folders(folder)
    (folder / "config").mkdir(exist_ok=True)
    if isinstance(strategies, Path):
        for file in sorted(strategies.glob("*.py")):
            shutil.copy2(file, folder / "strategies" / file.name)
    else:
        for name, source in (strategies or {}).items():
            (folder / "strategies" / name).write_text(source, encoding="utf-8")
    for name, config in (configs or {}).items():
        (folder / "config" / name).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return folder


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without what would steer freqtrade; one thread for its arrays."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name not in _FOREIGN
    }
    # freqtrade wraps its log at the width of a terminal, and a wrapped line cannot be searched.
    wide = {"COLUMNS": "1000"}
    return {**kept, **wide, "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1", "NO_COLOR": "1", **extra}


def freqtrade_command(args: Sequence[str], userdir: Path) -> list[str]:
    """Return the command line of a freqtrade verb with its userdir, run by this Python."""
    return [sys.executable, "-m", "freqtrade", *args, "--userdir", str(userdir)]


def run_freqtrade(
    args: Sequence[str],
    userdir: Path,
    *,
    prefix: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout_seconds: float = 300.0,
) -> Completed:
    """Run `freqtrade ARGS --userdir USERDIR` in the userdir's parent folder and wait for its end.

    prefix : what stands before the command, for example `nice`.
    env : added to the clean environment.

    Any return code is returned. Raises UnreachableError where it does not end in time; it is killed then.
    """
    make_folders(userdir)
    return run_command(
        [*prefix, *freqtrade_command(args, userdir)],
        cwd=userdir.parent,
        env=env,
        timeout_seconds=timeout_seconds,
        args=args,
    )


def make_folders(userdir: Path) -> None:
    """Make the folders that freqtrade makes at its start: of several that start at once, all but one fail."""
    for name in FOLDERS:
        (userdir / name).mkdir(parents=True, exist_ok=True)


def run_command(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout_seconds: float = 300.0,
    args: Sequence[str] | None = None,
) -> Completed:
    """Run any command the way `run_freqtrade` does; `args` is what the result calls it by."""
    began = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 - the caller's own command, no shell
            command,
            cwd=cwd,
            env=clean_environment(**(env or {})),
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        seen = (error.stderr or b"")[-2000:]
        text = seen.decode(errors="replace") if isinstance(seen, bytes) else seen
        raise UnreachableError(
            f"{' '.join(command)} did not end within {timeout_seconds:.0f} s; its last words:\n{text}"
        ) from None
    return Completed(
        args=tuple(command if args is None else args),
        returncode=done.returncode,
        stdout=done.stdout,
        stderr=done.stderr,
        seconds=time.monotonic() - began,
    )


class RunningFreqtrade:
    """A freqtrade that runs until it is stopped, for `trade`; its log goes to a file.

        with RunningFreqtrade(["trade", ...], userdir) as bot:
            bot.wait_until(lambda: closed_trades(db) > 0, timeout_seconds=60)
        bot.returncode

    Leaving the block sends SIGTERM, and SIGKILL where that has no effect.
    """

    def __init__(self, args: Sequence[str], userdir: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.args = tuple(args)
        self.log_file = userdir / "logs" / "freqtrade.log"
        self._userdir = userdir
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None
        self.returncode: int | None = None
        self.killed = False

    def __enter__(self) -> Self:
        make_folders(self._userdir)
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the caller's own command, no shell
                freqtrade_command(self.args, self._userdir),
                cwd=self._userdir.parent,
                env=clean_environment(**(self._env or {})),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def wait_until(self, reached: Callable[[], bool], *, timeout_seconds: float, every: float = 0.5) -> float:
        """Ask `reached` again and again; return the seconds it took.

        Raises UnreachableError with the end of the log where the bot ends first or time runs out.
        """
        assert self._process is not None, "wait_until belongs inside the with block"
        began = time.monotonic()
        while not reached():
            spent = time.monotonic() - began
            if self._process.poll() is not None:
                raise UnreachableError(
                    f"freqtrade ended with {self._process.returncode} after {spent:.0f} s:\n{self.tail()}"
                )
            if spent > timeout_seconds:
                raise UnreachableError(f"not reached within {timeout_seconds:.0f} s:\n{self.tail()}")
            time.sleep(every)
        return time.monotonic() - began

    def stop(self) -> int:
        """End the bot with SIGTERM, as an init system does, and return its return code."""
        assert self._process is not None, "stop belongs inside the with block"
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.killed = True
                self._process.kill()
        self.returncode = self._process.wait()
        return self.returncode

    def log(self) -> str:
        """Return everything the bot has said."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def tail(self, lines: int = 30) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log().splitlines()[-lines:])


def newest_backtest(userdir: Path) -> dict[str, Any]:
    """Return the newest backtest result of a userdir, as freqtrade exported it.

    Keys `strategy` (results by strategy name, each with its `trades`) and `strategy_comparison`.
    Raises TradeSourceError where there is none.
    """
    folder = userdir / "backtest_results"
    pointer = folder / ".last_result.json"
    if not pointer.is_file():
        raise TradeSourceError(f"no backtest result in {folder}; run freqtrade backtesting --export trades")
    file = folder / json.loads(pointer.read_text(encoding="utf-8"))["latest_backtest"]
    if not zipfile.is_zipfile(file):
        raise TradeSourceError(
            f"{file} is no zip file, as freqtrade writes since 2025; run the backtest again"
        )
    with zipfile.ZipFile(file) as archive:
        result = json.loads(archive.read(f"{file.stem}.json"))
    if not isinstance(result, dict):
        raise TradeSourceError(f"{file} holds no backtest result")
    return result


def backtest_trades(userdir: Path, strategy: str) -> list[dict[str, Any]]:
    """Return the trades of one strategy in the newest backtest result.

    Raises TradeSourceError where there is no result of it.
    """
    strategies = newest_backtest(userdir)["strategy"]
    if strategy not in strategies:
        known = ", ".join(strategies)
        raise TradeSourceError(f"the newest backtest of {userdir} is of {known}, not of {strategy}")
    return list(strategies[strategy]["trades"])
