"""InfluxStore on a real InfluxDB 1: the contract, and what only this body can do wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from influxdb_client import Point, WritePrecision
from pydantic import SecretStr

from conftest import TRADE_BUCKETS, installed
from freqfleet.domain.sides import Side
from freqfleet.errors import StoreUnavailable
from freqfleet.store.influx import InfluxStore
from freqfleet.store.influx_lines import line
from freqfleet.store.influx_server import InfluxServer
from freqfleet.store.influx_url import parse_influx_url
from freqfleet.store.promise import LearningStore, WriteReceipt
from freqfleet.testing.servers import InfluxProcess, influx_server
from freqfleet.testing.store_contract import StoreContract
from freqfleet.testing.trades import closed_trade, version


class TestInfluxStore(StoreContract):
    @pytest.fixture
    def store(self, influx_url: str) -> Iterator[LearningStore]:
        self._url = influx_url
        self._stores = [InfluxStore(influx_url, trade_buckets=TRADE_BUCKETS)]
        yield self._stores[0]
        for one in self._stores:
            one.close()

    def reopened(self, store: LearningStore) -> LearningStore:
        store.close()
        self._stores.append(InfluxStore(self._url, trade_buckets=TRADE_BUCKETS))
        return self._stores[-1]


NOON = datetime(2025, 11, 1, 12, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


@pytest.fixture
def store(influx_url: str) -> Iterator[InfluxStore]:
    opened = InfluxStore(influx_url, trade_buckets=TRADE_BUCKETS)
    yield opened
    opened.close()


# Points: none is lost, none is doubled


def test_trades_that_close_together_are_all_kept(store: InfluxStore):
    together = [closed_trade(trade_id=number) for number in range(2_000)]

    store.record_closed_trades(together)

    assert len(store.closed_trades()) == 2_000
    assert store.health().trades == 2_000


def test_a_trade_that_goes_back_to_what_it_was_is_what_it_was(store: InfluxStore):
    receipts = [
        store.record_closed_trades([closed_trade(profit_quote=profit)]) for profit in (1.0, 2.0, 1.0, 1.0)
    ]

    assert [(one.accepted, one.amended, one.duplicate) for one in receipts] == [
        (1, 0, 0),
        (0, 1, 0),
        (0, 1, 0),
        (0, 0, 1),
    ]
    assert [one.profit_quote for one in store.closed_trades()] == [1.0]
    assert store.health().trades == 1


@pytest.mark.parametrize(
    "moved",
    [
        {"closed_at": NOON + timedelta(days=1)},
        {"closed_at": NOON - timedelta(hours=1)},
        {"pair": "ETH/USDT:USDT"},
        {"side": Side.SHORT},
        {"leverage": 9.0},
    ],
)
def test_a_trade_that_moved_is_not_seen_where_it_was(store: InfluxStore, moved: dict[str, object]):
    store.record_closed_trades([closed_trade()])
    receipt = store.record_closed_trades([closed_trade(**moved)])

    around_noon = {"closed_from": NOON, "closed_to": NOON + timedelta(seconds=1), "pairs": ["BTC/USDT:USDT"]}
    expected = [] if "closed_at" in moved or "pair" in moved else [closed_trade(**moved)]
    assert receipt == WriteReceipt(amended=1)
    assert store.closed_trades(**around_noon) == expected
    assert store.closed_trades() == [closed_trade(**moved)]
    assert store.last_recorded_close("BOT1") == closed_trade(**moved).closed_at
    assert [one.trades for one in store.day_digests("BOT1")] == [1]


def test_every_number_is_a_float(influx: InfluxProcess, influx_url: str, store: InfluxStore):
    store.record_closed_trades([closed_trade(), closed_trade(trade_id=2, leverage=5.0)])
    store.publish_parameters([version(), version(pair=None)])
    prefix = influx_url.partition("prefix=")[2]

    for bucket in ("BOT1_trades", "OPTUNA_PARAMS"):
        kinds = influx.query(f'SHOW FIELD KEYS ON "{prefix}{bucket}"')
        assert "float" in kinds
        assert "integer" not in kinds
        assert "boolean" not in kinds


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=WORDS, tag=st.none() | WORDS, number=st.integers(1, 2**53))
def test_any_text_and_number_comes_back_as_it_was(
    store: InfluxStore, reason: str, tag: str | None, number: int
):
    trade = closed_trade(trade_id=number, exit_reason=reason, enter_tag=tag, profit_quote=1 / number)

    store.record_closed_trades([trade])

    assert trade in store.closed_trades()


@given(text=WORDS, value=st.floats(allow_nan=False, allow_infinity=False))
def test_lines_are_those_of_the_client_library(text: str, value: float):
    tag = "".join(one for one in text if one.isprintable() and one != "\\") or "none"
    point = Point("m").tag("a", tag).field("f", value).field("s", text).time(5, WritePrecision.NS)
    # The library writes 1.0 as 1 in another form than repr; both are the same number.
    theirs = point.to_line_protocol().replace(
        f"f={Point('m').field('f', value).to_line_protocol()[4:]}", "f=N"
    )

    assert line("m", {"a": tag}, {"f": value, "s": text}, 5).replace(f"f={value!r}", "f=N") == theirs


# Bad input


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bot": "BOT 9"}, "no bucket for 'BOT 9'"),
        ({"exit_reason": "x" * 70_000}, "exit_reason holds 70,000 bytes"),
        ({"trade_id": 2**60}, "keeps whole numbers up to 2^53"),
    ],
)
def test_what_influxdb_cannot_hold_is_rejected_and_the_rest_is_stored(
    store: InfluxStore, change: dict[str, object], said: str
):
    receipt = store.record_closed_trades([closed_trade(**change), closed_trade()])

    assert (receipt.accepted, len(receipt.rejected)) == (1, 1)
    assert said in receipt.rejected[0]


@pytest.mark.parametrize("bot", ["a b", "a,b=c", "quo'te", 'dou"ble', "x' OR 1=1; DROP DATABASE x --", "é€"])
def test_names_with_spaces_commas_and_quotes_are_only_names(influx_url: str, bot: str):
    store = InfluxStore(influx_url, trade_buckets={bot: "BOT1_trades", "BOT1": "BOT1_trades"})
    store.record_closed_trades([closed_trade(bot=bot), closed_trade()])

    found = store.closed_trades(bots=[bot])
    close = store.last_recorded_close(bot)
    store.close()

    assert found == [closed_trade(bot=bot)]
    assert close == NOON


@pytest.mark.parametrize("bot", ["back\\slash", "line\nbreak", "tab\t"])
def test_a_name_no_tag_can_hold_is_rejected(influx_url: str, bot: str):
    store = InfluxStore(influx_url, trade_buckets={bot: "BOT1_trades"})
    receipt = store.record_closed_trades([closed_trade(bot=bot)])
    store.close()

    assert "cannot be a tag of InfluxDB" in receipt.rejected[0]


def test_the_servers_clock_hides_nothing(store: InfluxStore):
    ahead = datetime(2190, 1, 1, tzinfo=UTC)
    store.record_closed_trades([closed_trade(closed_at=ahead)])
    store.publish_parameters([version(recorded_at=ahead)])

    assert [one.closed_at for one in store.closed_trades()] == [ahead]
    assert store.last_recorded_close("BOT1") == ahead
    assert store.parameter_versions() == [version(recorded_at=ahead)]
    assert store.parameters_in_force(NOON) == []
    assert store.parameters_in_force(ahead) == [version(recorded_at=ahead)]


def test_a_missing_database_says_the_command_that_creates_it(influx: InfluxProcess):
    store = InfluxStore(f"{influx.url}?prefix=nowhere_", trade_buckets=TRADE_BUCKETS)
    said = []
    for ask in (store.closed_trades, lambda: store.publish_parameters([version()])):
        with pytest.raises(StoreUnavailable) as raised:
            ask()
        said.append(str(raised.value))
    store.close()

    assert "influx -execute 'CREATE DATABASE \"nowhere_BOT1_trades\"'" in said[0]
    assert "influx -execute 'CREATE DATABASE \"nowhere_OPTUNA_PARAMS\"'" in said[1]


def test_a_field_of_another_type_rejects_that_line_and_stores_the_rest(
    influx: InfluxProcess, influx_url: str, store: InfluxStore
):
    prefix = influx_url.partition("prefix=")[2]
    foreign = InfluxServer(parse_influx_url(influx_url), None, 5.0)
    foreign.write(f"{prefix}BOT1_trades", ["closed_trade votes=3i 1761998400000000000"])
    foreign.close()

    receipt = store.record_closed_trades([closed_trade(trade_id=1), closed_trade(trade_id=2, votes=None)])

    assert (receipt.accepted, len(receipt.rejected)) == (1, 1)
    assert "BOT1 trade 1" in receipt.rejected[0]
    assert "field type conflict" in receipt.rejected[0]
    assert [one.trade_id for one in store.closed_trades()] == [2]


def test_what_the_server_reports_is_in_health(store: InfluxStore):
    capabilities = store.health().capabilities

    assert capabilities is not None
    assert capabilities.server.startswith("InfluxDB 1.")
    assert capabilities.query_window is None
    assert capabilities.deterministic_overwrite
    assert not capabilities.transactional
    assert capabilities.clock_offset_seconds is not None
    assert abs(capabilities.clock_offset_seconds) < 5.0


# A server of one's own: users, hanging, restarts


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxProcess]:
    """An InfluxDB with users: `fleet` writes and reads, `panel` only reads."""
    own = influx_server(tmp_path_factory.mktemp("guarded"), HTTP_AUTH_ENABLED="true")
    with installed(own) as server:
        server.query("CREATE USER boss WITH PASSWORD 'boss-9' WITH ALL PRIVILEGES")
        basic = "Basic Ym9zczpib3NzLTk="
        for user, privilege in (("fleet", "ALL"), ("panel", "READ")):
            server.query(f"CREATE USER {user} WITH PASSWORD '{user}-swordfish'", basic)
            for bucket in (*TRADE_BUCKETS.values(), "OPTUNA_PARAMS", "bot3_learning"):
                server.query(f'CREATE DATABASE "{bucket}"', basic)
                server.query(f'GRANT {privilege} ON "{bucket}" TO {user}', basic)
        yield server


def of_user(server: InfluxProcess, user: str, password: str | None, **more: float) -> InfluxStore:
    secret = None if password is None else SecretStr(password)
    url = server.url.replace("//", f"//{user}@")
    return InfluxStore(url, trade_buckets=TRADE_BUCKETS, secret=secret, **more)


def test_the_right_user_works_and_a_reader_may_read_only(guarded: InfluxProcess):
    fleet, panel = of_user(guarded, "fleet", "fleet-swordfish"), of_user(guarded, "panel", "panel-swordfish")

    assert fleet.record_closed_trades([closed_trade()]) == WriteReceipt(accepted=1)
    assert panel.closed_trades() == [closed_trade()]
    with pytest.raises(StoreUnavailable, match="set FREQFLEET_STORE__TOKEN"):
        panel.record_closed_trades([closed_trade(trade_id=2)])
    fleet.close()
    panel.close()


@pytest.mark.parametrize("password", ["wrong-swordfish", None])
def test_wrong_credentials_say_what_to_set_and_not_what_was_sent(
    guarded: InfluxProcess, password: str | None
):
    store = of_user(guarded, "fleet", password)

    for ask in (store.closed_trades, lambda: store.record_closed_trades([closed_trade()])):
        with pytest.raises(
            StoreUnavailable, match="refuses the credentials; set FREQFLEET_STORE__TOKEN"
        ) as raised:
            ask()
        assert "swordfish" not in str(raised.value)
    store.close()


def test_a_server_that_hangs_is_left_at_the_deadline_and_works_again_afterwards(guarded: InfluxProcess):
    store = of_user(guarded, "fleet", "fleet-swordfish", timeout_seconds=0.5)
    store.closed_trades()
    guarded.pause()
    try:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.5 s"):
            store.record_closed_trades([closed_trade(trade_id=77)])
        waited = time.monotonic() - began
    finally:
        guarded.resume()

    again = store.record_closed_trades([closed_trade(trade_id=77)])
    store.close()

    assert waited < 1.5
    assert again.accepted + again.duplicate == 1


def test_a_server_that_was_killed_has_what_it_acknowledged(guarded: InfluxProcess):
    store = of_user(guarded, "fleet", "fleet-swordfish")
    store.record_closed_trades([closed_trade(trade_id=number) for number in range(100, 150)])

    guarded.kill()
    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.closed_trades()
    guarded.start()
    found = {one.trade_id for one in store.closed_trades()}
    store.close()

    assert found >= set(range(100, 150))


# Several programs


WRITER = """
import sys
from freqfleet.store.influx import InfluxStore
from freqfleet.testing.trades import closed_trade, version
url, bot = sys.argv[1:]
store = InfluxStore(url, trade_buckets={"BOT1": "BOT1_trades", "BOT2": "BOT2_trades"})
for number in range(25):
    store.record_closed_trades([closed_trade(bot=bot, trade_id=number)])
    store.record_closed_trades([closed_trade(bot=bot, trade_id=number)])
    store.publish_parameters([version(run_id=str(number))])
store.close()
"""


def test_several_programs_that_write_the_same_store_it_once(influx_url: str, store: InfluxStore):
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, influx_url, bot], stderr=subprocess.PIPE, text=True)
        for bot in ("BOT1", "BOT1", "BOT2")
    ]
    try:
        errors = [program.communicate(timeout=60)[1] for program in running]
    finally:
        for program in running:
            program.kill()

    assert [program.returncode for program in running] == [0, 0, 0], errors
    assert len(store.closed_trades()) == 50
    assert len(store.parameter_versions()) == 25
    assert store.health().trades == 50


def test_the_queries_of_the_dashboard_have_answers(influx_url: str, store: InfluxStore):
    store.record_closed_trades([closed_trade()])
    store.publish_parameters([version()])
    file = Path(__file__).parents[2] / "docs" / "grafana" / "freqfleet-influxdb.json"
    prefix = influx_url.partition("prefix=")[2]
    server = InfluxServer(parse_influx_url(influx_url), None, 5.0)

    asked = 0
    for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
        bucket = "BOT1_trades" if panel["datasource"]["uid"] == "${trades}" else "OPTUNA_PARAMS"
        for target in panel["targets"]:
            text = target["query"].replace("$timeFilter", "time > '2025-01-01' AND time < '2026-01-01'")
            assert server.query(prefix + bucket, text)[0].rows, panel["title"]
            asked += 1
    server.close()

    assert asked == 4
