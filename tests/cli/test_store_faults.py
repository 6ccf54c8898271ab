"""What a newcomer reads when the store cannot work: the doctor's line and the verb that meets the fault.

One row a fault, each provoked on a real file or server. What else a server of InfluxDB answers (401 to 503,
hanging, trickling) stands in tests/doctor/test_store_files.py, disks without room or without writing in
tests/store/test_real_disks.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import TRADE_BUCKETS, installed
from freqfleet.clock import FixedClock
from freqfleet.doctor.findings import State
from freqfleet.doctor.store_files import check_store_files
from freqfleet.doctor.surroundings import check_store
from freqfleet.settings import load_settings
from freqfleet.store.sql import SqlStore
from freqfleet.testing.bot_database import write_bot_database
from freqfleet.testing.servers import InfluxProcess, PostgresProcess, free_port, influx_server
from freqfleet.testing.spoiled_file import spoil_table
from freqfleet.testing.trades import closed_trade, version
from freqfleet.wiring import saved_book

Run = Callable[..., tuple[int, str, str]]
NOON = FixedClock(datetime(2025, 11, 2, 12, tzinfo=UTC))
SECRET = "planted-swordfish-0123"
BUCKETS = (*TRADE_BUCKETS.values(), "OPTUNA_PARAMS", "bot3_learning")


@pytest.fixture
def meets(run: Run, userdir: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Provoke a fault by its URL: the doctor and `sync` say the same, on one line, with the remedy."""

    def check(url: str, secret: str | None, code: int, said: str, remedy: str) -> None:
        monkeypatch.setenv("FREQFLEET_STORE__URL", url)
        monkeypatch.setenv("FREQFLEET_STORE__TIMEOUT_SECONDS", "5")
        if secret is not None:
            monkeypatch.setenv("FREQFLEET_STORE__TOKEN", secret)

        (finding,) = check_store(load_settings(userdir), NOON)
        ended, out, err = run("sync")

        assert finding.state is State.FAIL
        assert said in finding.text
        assert remedy in finding.remedy
        assert (ended, out) == (code, "")
        assert err.startswith("freqfleet: ")
        assert said in err
        assert remedy in err.partition("; ")[2]
        assert err.count("\n") == 1
        assert "Traceback" not in err
        assert "swordfish" not in finding.text + finding.remedy + err

    return check


@pytest.mark.parametrize(
    ("url", "said", "remedy"),
    [
        (
            "redis://here",
            "no learning store speaks 'redis'",
            "sqlite:///user_data/learning.sqlite, postgresql",
        ),
        ("learning.sqlite", "no learning store speaks 'learning.sqlite'", "influxdb://host:8086"),
        ("", "no learning store speaks ''", "sqlite:///"),
        (f"fleet:{SECRET}@h/x", "no learning store speaks '…@h/x'", "postgresql+psycopg://user@host"),
        (f"postgresql:/fleet:{SECRET}@h/x", "speaks '…@h/x'", "postgresql+psycopg://user@host"),
        ("sqlite+aiosqlite:///x", "the driver 'aiosqlite'", "write sqlite:///"),
        ("sqlite+pysqlite:///x", "the driver 'pysqlite'", "write sqlite:///"),
        (f"influxdb://fleet/{SECRET}@h", "no path is expected, was '…@h'", "write influxdb://host:8086"),
        ("sqlite:///user_data/x.sqlite?timeout=soon", "takes no options, was timeout", "write sqlite:///"),
        ("influxdb://h:8086?write=v3", "write='v3'", "write=v1 or write=v2"),
        ("influxdb://h:8086?prefix=a%20b", "must be letters, digits, _ - or .", "give another one"),
        ("sqlite:///:memory:", "a store in memory forgets", "write sqlite:///"),
        (f"postgresql://fleet:{SECRET}@h/x", "holds a password", "set FREQFLEET_STORE__TOKEN"),
        (
            f"postgresql+psycopg://fleet:{SECRET}@h:port/x",
            "'…@h:port/x' is not",
            "postgresql+psycopg://user@",
        ),
        ("postgresql+psycopg2://fleet@h/x", "the driver 'psycopg2'", "write postgresql+psycopg://"),
        ("influxdb://h:8086/BOT1_trades", "no path is expected", "write influxdb://host:8086"),
        ("influxdb://h:8086?write=v2", "needs the organisation", "add &org=NAME"),
        (f"influxdb://h:8086?token={SECRET}", "unknown option 'token'", "known: write, org, prefix"),
    ],
)
def test_a_wrong_url(meets: Callable[..., None], url: str, said: str, remedy: str):
    meets(url, None, 2, said, remedy)


@pytest.mark.parametrize("secret", ["my-token", "  ", "pass\nword"])
def test_a_secret_that_is_none(meets: Callable[..., None], secret: str):
    meets("influxdb://127.0.0.1:1", secret, 2, "the store's secret", "")


# SQLite


@pytest.mark.parametrize(
    ("prepared", "said", "remedy"),
    [
        ("folder", "is a folder", "give [store] url a file"),
        ("diary", "it is not an SQLite database", "give [store] url another file"),
        ("bot", "is not a learning store, it holds the tables", "give [store] url a file of its own"),
        ("nowhere", "no folder", "make it, or correct"),
    ],
)
def test_a_file_that_is_no_store(
    meets: Callable[..., None], userdir: Path, prepared: str, said: str, remedy: str
):
    file = userdir / "x.sqlite"
    if prepared == "folder":
        file.mkdir()
    elif prepared == "diary":
        file.write_text("dear diary " * 100, encoding="utf-8")
    elif prepared == "bot":
        write_bot_database(file)
    else:
        file = userdir / "no" / "such" / "x.sqlite"

    meets(f"sqlite:///{file}", None, 3, said, remedy)


def test_a_damaged_file_is_named_by_the_doctor_and_mended_by_sync(run: Run, userdir: Path):
    file = userdir / "learning.sqlite"
    SqlStore(f"sqlite:///{file}").close()
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\x07" * (len(whole) - 4096))

    (finding,) = check_store(load_settings(userdir), NOON)
    _, _, listed = run("params", "list")
    _, _, err = run("sync")

    assert finding.text.endswith("it is damaged")
    assert finding.remedy.startswith("run `freqfleet sync`, which moves it aside")
    assert "it is damaged; run `freqfleet sync`" in listed
    assert "it is damaged; moved to " not in listed
    assert list(userdir.glob("learning.sqlite.damaged-*")) != []
    assert "Traceback" not in err


@pytest.mark.parametrize("verb", [["sync"], ["sync", "--reconcile"]])
@pytest.mark.parametrize("table", ["closed_trades", "bin_records"])  # the second is none of sync's
def test_damage_deep_in_a_file_is_named_by_the_doctor_and_mended_by_sync(
    run: Run, userdir: Path, caplog: pytest.LogCaptureFixture, table: str, verb: list[str]
):
    write_bot_database(userdir / "bot1.sqlite", [closed_trade()])
    saved_book(load_settings(userdir), "BOT1").save([version()], NOON.at)
    run("sync")
    file = userdir / "learning.sqlite"
    spoil_table(file, table)

    finding, *_ = check_store_files(load_settings(userdir), NOON)
    code, out, _ = run(*verb)

    assert finding.state is State.FAIL
    assert "it is damaged" in finding.text
    assert finding.remedy.startswith("run `freqfleet sync`, which moves it aside")
    assert (code, caplog.text.count("; moved to ")) == (0, 1)
    assert "BOT1" in out
    with closing(SqlStore(f"sqlite:///{file}")) as store:
        assert [one.trade_id for one in store.closed_trades()] == [1]
        assert store.parameter_versions() == [version()]
    assert len(list(userdir.glob("learning.sqlite.damaged-*Z"))) == 1


# PostgreSQL


@pytest.fixture(scope="module")
def offices(postgres: PostgresProcess) -> PostgresProcess:
    """A server with a database and roles of which each lacks something."""
    for statement in (
        "CREATE DATABASE office",
        "CREATE DATABASE archive",
        "ALTER DATABASE archive SET default_transaction_read_only = on",
        "CREATE ROLE clerk LOGIN PASSWORD 'clerk-swordfish'",
        "CREATE ROLE crowd LOGIN PASSWORD 'crowd-swordfish' CONNECTION LIMIT 0",
        "CREATE ROLE barred LOGIN PASSWORD 'barred-swordfish'",
        "CREATE ROLE asleep PASSWORD 'asleep-swordfish'",
    ):
        postgres.sql(statement)
    return postgres


POSTGRES_FAULTS = {
    "wrong password": ("clerk", "wrong-swordfish", "office", "refuses the credentials", "password of clerk"),
    "no password": ("clerk", None, "office", "refuses the credentials", "set FREQFLEET_STORE__TOKEN"),
    "no such role": ("ghost", None, "office", 'does not let ghost in: role "ghost"', "createuser"),
    "may not log in": ("asleep", "asleep-swordfish", "office", "does not let asleep in", "createuser"),
    "shut out": ("barred", "barred-swordfish", "office", "does not let barred in", "pg_hba.conf"),
    "no such database": ("fleet", None, "gone", "has no such database", "createdb --owner fleet gone"),
    "no rights": (
        "clerk",
        "clerk-swordfish",
        "office",
        "refuses this to the role: permission denied for schema",
        "grant it",
    ),
    "read only": ("fleet", None, "archive", "cannot be written", "the primary server"),
    "too many": ("crowd", "crowd-swordfish", "office", "takes no more connections", "the role's limit"),
}


@pytest.mark.parametrize("fault", POSTGRES_FAULTS)
def test_a_fault_of_postgresql(meets: Callable[..., None], offices: PostgresProcess, fault: str):
    role, secret, database, said, remedy = POSTGRES_FAULTS[fault]

    meets(offices.url(database).replace("fleet@", f"{role}@"), secret, 3, said, remedy)


def test_a_port_where_no_postgresql_is(meets: Callable[..., None]):
    url = f"postgresql+psycopg://fleet@127.0.0.1:{free_port()}/learning"

    meets(url, SECRET, 3, "does not answer: Connection refused", "check that the server runs")


# InfluxDB


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxProcess]:
    """An InfluxDB with users: `fleet` may use the buckets, `panel` may only read them."""
    with installed(influx_server(tmp_path_factory.mktemp("guarded"), HTTP_AUTH_ENABLED="true")) as server:
        server.query("CREATE USER boss WITH PASSWORD 'boss-9' WITH ALL PRIVILEGES")
        basic = "Basic Ym9zczpib3NzLTk="
        for user, privilege in (("fleet", "ALL"), ("panel", "READ")):
            server.query(f"CREATE USER {user} WITH PASSWORD '{user}-swordfish'", basic)
            for bucket in BUCKETS:
                server.query(f'CREATE DATABASE "{bucket}"', basic)
                server.query(f'GRANT {privilege} ON "{bucket}" TO {user}', basic)
        yield server


INFLUX_FAULTS = {
    "wrong password": ("fleet", "wrong-swordfish", "", "refuses the credentials", "set FREQFLEET_"),
    "no password": ("fleet", None, "", "refuses the credentials", "set FREQFLEET_STORE__TOKEN"),
    "a token, no user": (None, SECRET, "", "refuses the credentials", "password of the user in [store] url"),
    "missing or not granted": (
        "fleet", "fleet-swordfish", "?prefix=gone_",
        "refuses the use of gone_BOT1_trades: requires READ on gone_BOT1_trades",
        "CREATE DATABASE \"gone_BOT1_trades\"'), let this secret use it (GRANT ALL ON \"gone_BOT1_trades\"",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", INFLUX_FAULTS)
def test_a_fault_of_influxdb(meets: Callable[..., None], guarded: InfluxProcess, fault: str):
    user, secret, options, said, remedy = INFLUX_FAULTS[fault]
    url = guarded.url.replace("//", f"//{user}@") if user is not None else guarded.url

    meets(url + options, secret, 3, said, remedy)


def test_a_missing_database_of_influxdb(meets: Callable[..., None], influx: InfluxProcess):
    meets(
        f"{influx.url}?prefix=gone_", None, 3,
        "there is no bucket or database gone_BOT1_trades",
        "influx -execute 'CREATE DATABASE \"gone_BOT1_trades\"'",
    )  # fmt: skip


def test_a_server_that_is_no_influxdb(meets: Callable[..., None], postgres: PostgresProcess):
    meets(
        f"influxdb://127.0.0.1:{postgres.port}",
        SECRET,
        3,
        "does not answer: Server disc",
        "check [store] url",
    )
