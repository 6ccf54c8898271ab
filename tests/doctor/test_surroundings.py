from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freqfleet.clock import FixedClock
from freqfleet.doctor.findings import State
from freqfleet.doctor.surroundings import check_candles, check_clock, check_settings, check_store
from freqfleet.settings import Settings, StoreSettings
from freqfleet.store.sql import SqlStore
from freqfleet.testing.trades import closed_trade, version
from influx_answers import NOTHING, V3_PING, Answer, answering
from synthetic_market import write_plain_market

NOON = FixedClock(datetime(2025, 11, 2, 12, tzinfo=UTC))


def test_settings_say_their_file(settings: Settings) -> None:
    (finding,) = check_settings(settings)

    assert (finding.state, finding.text) == (State.OK, str(settings.userdir / "config" / "fleet.toml"))


def test_missing_settings_are_the_defaults_and_said(settings: Settings) -> None:
    (settings.userdir / "config" / "fleet.toml").unlink()

    (finding,) = check_settings(settings)

    assert finding.state is State.NOTE
    assert "the defaults hold" in finding.text


def test_candles_are_counted_by_pair(settings: Settings) -> None:
    write_plain_market(settings.datadir, days=1)

    (finding,) = check_candles(settings)

    assert finding.state is State.OK
    assert finding.text.startswith("2 pairs at ")


@pytest.mark.parametrize("made", ["nothing", "folder", "file"])
def test_no_candles_fail_with_one_remedy(settings: Settings, made: str) -> None:
    if made == "folder":
        settings.datadir.mkdir(parents=True)
    elif made == "file":
        settings.datadir.parent.mkdir()
        settings.datadir.write_text("", encoding="utf-8")

    (finding,) = check_candles(settings)

    assert finding.state is State.FAIL
    assert str(settings.datadir) in finding.text
    assert finding.remedy.count("freqtrade download-data") == 1
    assert "download-data" not in finding.text


def test_a_store_that_was_never_made_is_a_note_and_is_not_made(settings: Settings) -> None:
    (finding,) = check_store(settings, NOON)

    assert finding.state is State.NOTE
    assert "freqfleet sync" in finding.remedy
    assert not (settings.userdir / "learning.sqlite").exists()


def test_a_store_that_cannot_be_made_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = StoreSettings(url=f"sqlite:///{settings.userdir}/no/such/learning.sqlite")
    (no_folder,) = check_store(settings.model_copy(update={"store": elsewhere}), NOON)
    monkeypatch.setattr(
        "os.access", lambda place, _mode: Path(place) != settings.userdir
    )  # root may write all
    (read_only,) = check_store(settings, NOON)

    assert (no_folder.state, read_only.state) == (State.FAIL, State.FAIL)
    assert no_folder.text.endswith(f"there is no folder {settings.userdir}/no/such")
    assert read_only.text.endswith(f"{settings.userdir} cannot be written")
    assert "remount the disk for writing" in read_only.remedy


def test_a_store_says_what_it_holds_and_how_old_that_is(settings: Settings) -> None:
    store = SqlStore(f"sqlite:///{settings.userdir / 'learning.sqlite'}")
    store.record_closed_trades([closed_trade(closed_at=datetime(2025, 11, 2, 9, tzinfo=UTC))])
    store.close()

    (finding,) = check_store(settings, NOON)

    assert finding.state is State.OK
    assert finding.text.endswith("1 trades, 0 versions, newest closed 3.0 h ago")


def test_a_clock_in_the_past_is_told_by_what_the_store_holds(settings: Settings) -> None:
    store = SqlStore(f"sqlite:///{settings.userdir / 'learning.sqlite'}")
    store.record_closed_trades([closed_trade(closed_at=datetime(2025, 11, 2, 15, tzinfo=UTC))])
    store.publish_parameters([version(recorded_at=datetime(2025, 11, 3, tzinfo=UTC))])
    store.close()

    kept, trade, recorded = check_store(settings, NOON)
    later = list(check_store(settings, FixedClock(datetime(2025, 11, 3, 1, tzinfo=UTC))))

    assert kept.text.endswith("newest closed at 2025-11-02T15:00:00Z, which is yet to come")
    assert (trade.subject, trade.state, recorded.state) == ("clock", State.FAIL, State.FAIL)
    assert (
        "says 2025-11-02T12:00:00Z, but the store holds a trade that closed at 2025-11-02T15:00" in trade.text
    )
    assert "a version that was recorded at 2025-11-03T00:00:00Z" in recorded.text
    assert "NTP" in trade.remedy
    assert [one.state for one in later] == [State.OK]


def test_an_empty_store_has_no_age(settings: Settings) -> None:
    SqlStore(f"sqlite:///{settings.userdir / 'learning.sqlite'}").close()

    (finding,) = check_store(settings, NOON)

    assert finding.text.endswith("0 trades, 0 versions, no trades")


def test_a_store_file_that_is_none_fails_and_stays_as_it_is(settings: Settings) -> None:
    file = settings.userdir / "learning.sqlite"
    file.write_bytes(b"not a database" * 100)

    (finding,) = check_store(settings, NOON)

    assert finding.state is State.FAIL
    assert "not an SQLite database" in finding.text
    assert finding.remedy
    assert file.read_bytes() == b"not a database" * 100


def test_a_folder_in_the_place_of_the_store_fails(settings: Settings, userdir: Path) -> None:
    (userdir / "learning.sqlite").mkdir()

    (finding,) = check_store(settings, NOON)

    assert finding.state is State.FAIL


def test_a_store_that_nothing_speaks_fails_with_the_known_ones(settings: Settings) -> None:
    elsewhere = settings.model_copy(update={"store": StoreSettings(url="redis://here")})

    (finding,) = check_store(elsewhere, NOON)

    assert finding.state is State.FAIL
    assert "sqlite:///" in finding.remedy


def test_the_clock_says_its_time() -> None:
    (finding,) = check_clock(NOON)

    assert finding.text == "2025-11-02T12:00:00Z"


def test_rows_outside_the_bounds_are_counted_and_named(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "edited.sqlite"
    store = SqlStore(f"sqlite:///{file}")
    store.publish_parameters([version(), version(run_id="run-2")])
    store.close()
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE parameter_versions SET parameters = replace(parameters, '-0.02', '0.0')")
    connection.close()
    edited = settings.model_copy(update={"store": StoreSettings(url=f"sqlite:///{file}")})

    whole, rows = check_store(edited, NOON)

    assert (whole.state, rows.state) == (State.OK, State.NOTE)
    assert rows.text.startswith("2 rows are not used; version ")
    assert "stop_loss must lie in -0.3..-0.0025, was 0.0" in rows.text


def test_a_server_that_answers_short_windows_only_is_noted(settings: Settings) -> None:
    over_all = Answer(
        500, {}, "query error: External error: Query would exceed file limit of 432 parquet files"
    )
    ping = V3_PING
    # Of health: the counts and newest points of five buckets, then the question over all times.
    answers = [NOTHING] * 10 + [over_all] + [NOTHING]
    with answering(ping=ping, query=answers) as server:
        store = StoreSettings(url=server.url())
        findings = list(check_store(settings.model_copy(update={"store": store}), NOON))

    notes = [one for one in findings if one.state is State.NOTE]
    assert any("answers at most 72 h at once" in one.text for one in notes)


def test_a_store_on_a_server_is_named_with_its_size(settings: Settings, influx_url: str) -> None:
    store = StoreSettings(url=influx_url)

    findings = list(check_store(settings.model_copy(update={"store": store}), NOON))

    assert [one.state for one in findings] == [State.OK]
    assert "InfluxDB at http://127.0.0.1:" in findings[0].text
