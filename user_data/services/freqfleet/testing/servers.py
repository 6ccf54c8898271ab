"""Real servers for tests: PostgreSQL and InfluxDB 1, on loopback, with folders and ports of their own.

Where they are not installed, ServerMissing says how to get them.
"""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

_START_SECONDS = 20.0
_NO_MACHINE_CONFIG = "/dev/null"
# Who may come in, by the first line that fits: the superuser as he is, everybody else with a password.
# `ghost` is for tests of a role that nobody created, `barred` of one that the server lets in from nowhere.
_POSTGRES_ACCESS = """\
local all fleet trust
host all fleet,ghost 127.0.0.1/32 trust
host all barred 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""


class ServerMissing(Exception):
    """A server is not installed, or does not start; the text says what to do."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass(slots=True)
class InfluxProcess:
    """A running InfluxDB 1. `environment` are its settings, beside folders and port."""

    folder: Path
    program: str
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The store's URL, without a prefix."""
        return f"influxdb://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, or start it again after `kill` or `stop`; returns when it answers."""
        settings = {
            "META_DIR": str(self.folder / "meta"),
            "DATA_DIR": str(self.folder / "data"),
            "DATA_WAL_DIR": str(self.folder / "wal"),
            "HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
            "BIND_ADDRESS": f"127.0.0.1:{free_port()}",
            "REPORTING_DISABLED": "true",
            "MONITOR_STORE_ENABLED": "false",
            "DATA_QUERY_LOG_ENABLED": "false",
            "HTTP_LOG_ENABLED": "false",
            **self.environment,
        }
        with (self.folder / "influxd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "run", "-config", _NO_MACHINE_CONFIG],
                env={**os.environ, **{f"INFLUXDB_{name}": value for name, value in settings.items()}},
                stdout=log,
                stderr=log,
            )
        _wait_until(self._answers, lambda: (self.folder / "influxd.log").read_text(errors="replace"))

    def query(self, text: str, authorization: str | None = None) -> str:
        """Run a statement of an administrator's; returns the answer's text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if authorization is not None:
            headers["Authorization"] = authorization
        connection.request("POST", "/query", urlencode({"q": text}), headers)
        answer = connection.getresponse().read().decode()
        connection.close()
        assert '"error"' not in answer, answer
        return answer

    def kill(self) -> None:
        """SIGKILL: nothing is flushed that was not flushed before."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            connection.request("GET", "/ping")
            status = connection.getresponse().status
            connection.close()
            return status == 204
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None


@dataclass(slots=True)
class PostgresProcess:
    """A running PostgreSQL with one superuser, `fleet`, who needs no password; other roles need theirs."""

    folder: Path
    programs: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Return the store's URL on a database."""
        return f"postgresql+psycopg://fleet@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Make its data folder."""
        user = _unprivileged()
        if user is not None:
            shutil.chown(self.folder, user)
        self._run("initdb", "-D", str(self._data), "-U", "fleet", "--auth=trust", "-E", "UTF8", "--no-sync")
        (self._data / "pg_hba.conf").write_text(_POSTGRES_ACCESS, encoding="utf-8")

    def start(self) -> None:
        """Start it, or start it again after `kill` or `stop`; returns when it answers."""
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_as_unprivileged(),
                    str(self.programs / "postgres"),
                    *("-D", str(self._data), "-p", str(self.port), "-h", "127.0.0.1"),
                    *("-k", str(self.folder), "-c", "shared_buffers=32MB"),
                ],
                stdout=log,
                stderr=log,
            )
        _wait_until(self._answers, lambda: (self.folder / "postgres.log").read_text(errors="replace"))

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self.sql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the superuser."""
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(f"host=127.0.0.1 port={self.port} user=fleet dbname={database}") as connection:
            connection.autocommit = True
            connection.execute(statement)

    def kill(self) -> None:
        """SIGKILL to the whole server, as a power cut would."""
        if self._process is not None:
            self._signal_all(signal.SIGKILL)
            self._wait()

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._signal_all(signal.SIGINT)
            self._wait()

    def pause(self) -> None:
        """Let it hang: it takes connections and answers nothing."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal_all(signal.SIGCONT)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _signal_all(self, which: signal.Signals) -> None:
        """Signal the postmaster and its children; `setpriv` becomes the postmaster itself."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = [int(one) for one in children.read_text().split()] if which is not signal.SIGINT else []
        for pid in (self._process.pid, *pids):
            with suppress(ProcessLookupError):
                os.kill(pid, which)

    def _wait(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*_as_unprivileged(), str(self.programs / program), *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _answers(self) -> bool:
        done = subprocess.run(
            [str(self.programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
        )
        return done.returncode == 0


@contextmanager
def influx_server(folder: Path, **environment: str) -> Iterator[InfluxProcess]:
    """Run an InfluxDB 1 in an empty folder; `environment` in its own spelling, HTTP_AUTH_ENABLED="true"."""
    program = shutil.which("influxd")
    if program is None:
        raise ServerMissing("InfluxDB 1 is not installed: apt-get install --no-install-recommends influxdb")
    server = InfluxProcess(folder, program, environment)
    try:
        server.start()
        yield server
    finally:
        server.kill()  # what it holds is thrown away: no reason to wait until it is all on the disk


@contextmanager
def postgres_server() -> Iterator[PostgresProcess]:
    """Run a PostgreSQL in a temporary folder; as another user where this one is root, which it refuses.

    The folder is not one of pytest's: those are closed to every other user.
    """
    programs = _postgres_programs()
    if programs is None:
        raise ServerMissing("PostgreSQL is not installed: apt-get install --no-install-recommends postgresql")
    if os.getuid() == 0 and (_unprivileged() is None or shutil.which("setpriv") is None):
        raise ServerMissing("PostgreSQL does not run as root, and there is no other user to run it as")
    with tempfile.TemporaryDirectory(prefix="freqfleet-postgres-", ignore_cleanup_errors=True) as folder:
        server = PostgresProcess(Path(folder), programs)
        try:
            server.initialise()
            server.start()
            yield server
        finally:
            server.kill()  # what it holds is thrown away: no reason to wait until it is all on the disk


def _postgres_programs() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: float(one.parent.parent.name)
    )
    return debian[-1].parent if debian else None


def _unprivileged() -> str | None:
    """Return a user to run PostgreSQL as, None where we are not root or there is none."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return None


def _as_unprivileged() -> list[str]:
    user = _unprivileged()
    if user is None:
        return []
    entry = pwd.getpwnam(user)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]


def _wait_until(answers: Callable[[], bool], log: Callable[[], str]) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    while not answers():
        if time.monotonic() > ends_at:
            raise ServerMissing(f"the server did not start:\n{log()[-2000:]}")
        time.sleep(0.05)
