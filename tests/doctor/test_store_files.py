from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.doctor.findings import Finding, State
from freqfleet.doctor.store_files import check_store_files
from freqfleet.doctor.surroundings import check_store
from freqfleet.settings import Settings, StoreSettings
from freqfleet.store.heartbeat import HEARTBEATS, beat
from freqfleet.store.outbox_file import OUTBOXES, OutboxFile
from freqfleet.store.sql import SqlStore
from freqfleet.testing.fault_proxy import FaultProxy, Mode, fault_proxy
from freqfleet.testing.servers import PostgresProcess
from freqfleet.testing.trades import closed_trade, version
from freqfleet.wiring import saved_book

NOON = datetime(2025, 11, 2, 12, tzinfo=UTC)


def findings(settings: Settings, *, hours: float = 0.0) -> list[tuple[str, State, str]]:
    found = check_store_files(settings, FixedClock(NOON + timedelta(hours=hours)))
    return [(one.subject, one.state, one.text) for one in found]


def test_nothing_there_is_nothing_to_say(settings: Settings):
    assert findings(settings) == []


def test_an_outbox_says_what_waits_and_fails_when_it_waits_for_long(settings: Settings):
    outbox = OutboxFile(settings.path(OUTBOXES) / "BOT1.sqlite", clock=FixedClock(NOON))
    outbox.append([closed_trade(trade_id=1), closed_trade(trade_id=2)])

    assert findings(settings, hours=0.5) == [
        ("outbox BOT1", State.NOTE, "2 letters wait, the oldest for 30 min")
    ]
    assert findings(settings, hours=2) == [
        ("outbox BOT1", State.FAIL, "2 letters wait, the oldest for 2.0 h")
    ]
    outbox.delivered(outbox.oldest(10))
    assert findings(settings) == [("outbox BOT1", State.OK, "nothing waits")]
    outbox.close()


def test_dead_letters_are_counted_with_the_last_reason(settings: Settings):
    outbox = OutboxFile(settings.path(OUTBOXES) / "BOT1.sqlite", clock=FixedClock(NOON))
    outbox.append([closed_trade(exit_reason="a\x00b")])
    outbox.close()

    first, second = findings(settings)

    assert first[1:2] == (State.NOTE,)
    assert first[2].startswith("1 dead letters, the last: BOT1 trade 1 BTC/USDT:USDT: exit_reason holds")
    assert second == ("outbox BOT1", State.OK, "nothing waits")


def test_a_damaged_outbox_and_a_damaged_book_are_said(settings: Settings):
    for folder, name in (
        (settings.path(OUTBOXES), "BOT1.sqlite"),
        (settings.userdir / "last_books", "BOT1.json"),
    ):
        folder.mkdir()
        (folder / name).write_text("rubbish" * 1000)

    assert [(subject, state) for subject, state, _ in findings(settings)] == [
        ("outbox BOT1", State.FAIL),
        ("book BOT1", State.NOTE),
    ]


def test_a_saved_book_says_its_age_and_when_it_is_too_old_to_trade_on(settings: Settings):
    saved_book(settings, "BOT1").save([version()], NOON)

    assert findings(settings, hours=3) == [
        ("book BOT1", State.OK, "1 versions, read from the store 3.0 h ago")
    ]
    assert findings(settings, hours=49)[0][1] is State.NOTE


def test_a_silent_service_fails(settings: Settings):
    beat(settings.path(HEARTBEATS), "sync", NOON, 300.0, "BOT1 +1")

    assert findings(settings) == [("service sync", State.OK, "0 s ago: BOT1 +1")]
    assert findings(settings, hours=1) == [("service sync", State.FAIL, "silent for 60 min: BOT1 +1")]


def test_the_dead_man_timer_is_judged_by_the_newest_heartbeat_of_a_learner(settings: Settings):
    armed = settings.model_copy(
        update={"runtime": settings.runtime.model_copy(update={"learner_silence_hours": 30.0})}
    )
    assert [one[:2] for one in findings(armed)] == [("dead-man timer", State.NOTE)]

    beat(settings.path(HEARTBEATS), "optimize", NOON, None, "learned from 80 trades")
    beat(settings.path(HEARTBEATS), "sync", NOON + timedelta(hours=30), 300.0, "BOT1 +1")

    in_time = "the last heartbeat, of optimize, was 29.0 h ago, allowed are 30 h"
    assert ("dead-man timer", State.OK, in_time) in findings(armed, hours=29)
    too_late = "the last heartbeat, of optimize, was 31.0 h ago, allowed are 30 h"
    assert ("dead-man timer", State.FAIL, too_late) in findings(armed, hours=31)
    assert ("service optimize", State.OK, "31.0 h ago: learned from 80 trades") in findings(armed, hours=31)
    assert "dead-man timer" not in [one[0] for one in findings(settings, hours=31)]


def test_a_damaged_store_file_and_one_moved_aside_are_said(settings: Settings):
    file = settings.userdir / "learning.sqlite"
    SqlStore(f"sqlite:///{file}").close()
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\x07" * (len(whole) - 4096))
    file.with_name("learning.sqlite.damaged-20251101T000000Z").touch()

    damaged, aside = findings(settings)

    assert damaged[:2] == ("store file", State.FAIL)
    assert aside[:2] == ("store file", State.NOTE)


FAULTS = {
    "down": (lambda proxy: proxy.set(Mode.DOWN), "does not answer", "check [store] url and that it runs"),
    "hanging": (lambda proxy: proxy.set(Mode.HANG), "no answer within 1 s", "check [store] url"),
    "trickling": (lambda proxy: proxy.set(Mode.TRICKLE), "no answer within 1 s", "check [store] url"),
    "401": (lambda proxy: proxy.answer(401), "refuses the credentials", "FREQFLEET_STORE__TOKEN"),
    "404": (lambda proxy: proxy.answer(404), "HTTP 404", "check that the server is an InfluxDB"),
    "429": (lambda proxy: proxy.answer(429, headers="Retry-After: 7\r\n"), "HTTP 429", "try again in 7 s"),
    "500": (lambda proxy: proxy.answer(500), "HTTP 500", "nothing to correct here, try again"),
    "503": (lambda proxy: proxy.answer(503), "HTTP 503", "nothing to correct here, try again"),
    "cut": (lambda proxy: proxy.set(Mode.CUT), "does not answer", "check [store] url and that it runs"),
    "another page": (lambda proxy: proxy.answer(200, body="<p>"), "is no InfluxDB", "check [store] url"),
}


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    with fault_proxy(request.getfixturevalue("influx").port) as proxy:
        yield proxy


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_a_server_is_one_line_with_a_remedy(settings: Settings, proxy: FaultProxy, fault: str):
    begin, said, to_do = FAULTS[fault]
    begin(proxy)
    store = StoreSettings(url=f"influxdb://127.0.0.1:{proxy.port}", timeout_seconds=1.0, deadline_seconds=1.5)

    (finding,) = check_store(settings.model_copy(update={"store": store}), FixedClock(NOON))

    assert finding.state is State.FAIL
    assert said in finding.text + finding.remedy
    assert finding.remedy
    assert to_do in finding.remedy
    assert_one_line(finding)


def assert_one_line(finding: Finding) -> None:
    assert "\n" not in finding.text + finding.remedy


POSTGRES_FAULTS = {
    "down": (Mode.DOWN, "does not answer: ", "the network"),
    "hanging": (Mode.HANG, "does not answer: connection timeout expired", "check that the server runs"),
    "trickling": (Mode.TRICKLE, "does not answer: connection timeout expired", "check that the server runs"),
    "cut": (Mode.CUT, "does not answer: ", "the network"),
}


@pytest.mark.parametrize("fault", POSTGRES_FAULTS)
def test_each_fault_on_the_way_to_postgresql_is_one_line_with_a_remedy(
    settings: Settings, postgres: PostgresProcess, fault: str
):
    mode, said, to_do = POSTGRES_FAULTS[fault]
    with fault_proxy(postgres.port) as proxy:
        proxy.set(mode)
        url = f"postgresql+psycopg://fleet@127.0.0.1:{proxy.port}/postgres"
        store = StoreSettings(url=url, timeout_seconds=1.0, deadline_seconds=8.0)

        (finding,) = check_store(settings.model_copy(update={"store": store}), FixedClock(NOON))

    assert finding.state is State.FAIL
    assert said in finding.text
    assert to_do in finding.remedy
    assert_one_line(finding)


def test_a_file_that_is_no_store_is_not_promised_to_be_mended(settings: Settings):
    (settings.userdir / "learning.sqlite").write_text("dear diary " * 100, encoding="utf-8")

    (finding,) = check_store_files(settings, FixedClock(NOON))

    assert "it is not an SQLite database" in finding.text
    assert "sync" not in finding.remedy


def test_a_wrong_url_leaves_the_other_lines_alone(settings: Settings):
    saved_book(settings, "BOT1").save([version()], NOON)
    beat(settings.path(HEARTBEATS), "sync", NOON, 300.0, "BOT1 +1")
    wrong = settings.model_copy(update={"store": StoreSettings(url="learning.sqlite")})

    assert [one[0] for one in findings(wrong)] == ["service sync"]


def test_a_disk_without_room_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("freqfleet.doctor.store_files.LEAST_FREE_BYTES", 2**80)

    ((subject, state, text),) = findings(settings)

    assert (subject, state) == ("disk", State.FAIL)
    assert "MB left at" in text


def test_a_folder_that_cannot_be_written_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    file = settings.userdir / "learning.sqlite"
    SqlStore(f"sqlite:///{file}").close()
    monkeypatch.setattr("os.access", lambda place, _mode: Path(place) != file.parent)  # root may write all

    ((subject, state, text),) = findings(settings)

    assert (subject, state, text) == ("store file", State.FAIL, f"{file.parent} cannot be written")
