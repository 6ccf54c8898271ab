"""What goes over the wire to generations 2 and 3, whose servers no package installs.

Requests and answers are those of the reference pages: InfluxDB 2 "1.x compatibility API" and "/api/v2/write",
InfluxDB 3 Core "v1 compatibility APIs" and "/ping".
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from freqfleet.errors import SettingsError, StoreError, StoreIncompatible, StoreUnavailable
from freqfleet.store.influx import InfluxStore
from freqfleet.store.influx_points import TRADE_SELECT
from freqfleet.testing.trades import closed_trade, version
from influx_answers import NOTHING, STORED, V2_PING, V3_PING, Answer, Server, answering, series

SECRET = "planted-swordfish-0123"
BUCKETS = {"BOT1": "BOT1_trades"}


_opened: list[InfluxStore] = []


@pytest.fixture(autouse=True)
def _closed_afterwards() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


def influx(
    url: str, buckets: dict[str, str] = BUCKETS, *, secret: str | None = None, **more: float
) -> InfluxStore:
    given = None if secret is None else SecretStr(secret)
    _opened.append(InfluxStore(url, trade_buckets=buckets, secret=given, **more))
    return _opened[-1]


def opened(server: Server, options: str = "", *, seconds: float = 5.0) -> InfluxStore:
    return influx(server.url(options), secret=SECRET, timeout_seconds=seconds)


# The requests


def test_generation_2_is_written_through_its_compatibility_api_with_a_token():
    with answering(ping=V2_PING, query=NOTHING, write=STORED) as server:
        receipt = opened(server).record_closed_trades([closed_trade()])

    written = server.of("/write")[0]
    assert receipt.accepted == 1
    assert (written.method, written.arguments) == ("POST", {"db": "BOT1_trades", "precision": "ns"})
    assert written.headers["authorization"] == f"Token {SECRET}"
    head, fields, time_ns = written.body.split(" ", 2)[0], written.body, written.body.rsplit(" ", 1)[1]
    assert head == r"closed_trade,bot=BOT1,direction=long,leverage_bin=2.0-3.5,pair=BTC/USDT:USDT"
    assert "trade_id=1.0" in fields
    assert "votes=3.0" in fields
    assert int(time_ns) // 1_000_000 == int(datetime(2025, 11, 1, 12, tzinfo=UTC).timestamp() * 1000)


def test_a_user_of_generation_1_is_sent_as_basic_auth():
    with answering(query=NOTHING, write=STORED) as server:
        url = server.url().replace("//", "//fleet@")
        store = influx(url, secret=SECRET)
        store.record_closed_trades([closed_trade()])

    assert server.asked[0].headers["authorization"] == "Basic ZmxlZXQ6cGxhbnRlZC1zd29yZGZpc2gtMDEyMw=="


def test_every_query_is_a_get_as_generation_3_documents_it():
    with answering(ping=V3_PING, query=NOTHING) as server:
        store = opened(server)
        store.closed_trades(bots=["BOT1"], pairs=["BTC/USDT:USDT"])
        store.parameters_in_force(datetime(2025, 11, 1, tzinfo=UTC))

    asked = server.of("/query")
    assert {one.method for one in asked} == {"GET"}
    assert {one.arguments["epoch"] for one in asked} == {"ns"}
    assert [one.arguments["db"] for one in asked] == ["BOT1_trades", "OPTUNA_PARAMS", "bot3_learning"]
    assert all("SLIMIT" not in one.arguments["q"] for one in asked)
    assert "(\"pair\" = 'BTC/USDT:USDT')" in asked[0].arguments["q"]


def test_write_v2_uses_the_v2_api_with_org_bucket_and_token():
    with answering(query=NOTHING, api_v2_write=STORED) as server:
        receipt = opened(server, "?write=v2&org=fleet").record_closed_trades([closed_trade()])

    written = server.of("/api/v2/write")[0]
    assert receipt.accepted == 1
    assert written.arguments == {"org": "fleet", "bucket": "BOT1_trades", "precision": "ns"}
    assert written.headers["authorization"] == f"Token {SECRET}"
    assert written.body.startswith("closed_trade,bot=BOT1,")
    assert server.of("/write") == []


def test_a_filter_cannot_leave_its_literal():
    hostile = 'x\' OR 1=1; DROP DATABASE "BOT1_trades" --\\'
    with answering(query=NOTHING) as server:
        store = influx(server.url(), {hostile: "BOT1_trades"})
        store.closed_trades(bots=[hostile])

    asked = server.of("/query")[0].arguments["q"]
    assert asked.count(";") == 1
    assert "'x\\' OR 1=1; DROP DATABASE \"BOT1_trades\" --\\\\'" in asked


# The answers


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("options", ["", "?write=v2&org=fleet"])
def test_refused_credentials_say_which_variable_to_set(status: int, options: str):
    refusal = Answer(status, {}, '{"code":"unauthorized","message":"unauthorized access"}')
    with (
        answering(query=NOTHING, write=refusal, api_v2_write=refusal) as server,
        pytest.raises(StoreUnavailable, match="set FREQFLEET_STORE__TOKEN"),
    ):
        opened(server, options).record_closed_trades([closed_trade()])


def test_a_missing_bucket_of_generation_2_says_the_commands_that_create_it():
    refusal = Answer(404, {}, '{"code":"not found","message":"no dbrp mapping found"}')
    with answering(ping=V2_PING, query=refusal) as server, pytest.raises(StoreUnavailable) as raised:
        opened(server).closed_trades()

    assert "influx bucket create --name BOT1_trades" in str(raised.value)
    assert "influx v1 dbrp create --db BOT1_trades" in str(raised.value)


def test_a_missing_database_of_generation_3_says_the_command_that_creates_it():
    refusal = Answer(404, {}, '{"error":"database not found: BOT1_trades"}')
    with answering(ping=V3_PING, query=refusal) as server, pytest.raises(StoreUnavailable) as raised:
        opened(server).closed_trades()

    assert "influxdb3 create database BOT1_trades" in str(raised.value)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("options", ["", "?write=v2&org=fleet"])
def test_a_busy_server_says_when_to_come_back(status: int, options: str):
    busy = Answer(status, {"Retry-After": "7"}, '{"message":"too many requests"}')
    with (
        answering(query=NOTHING, write=busy, api_v2_write=busy) as server,
        pytest.raises(StoreUnavailable) as raised,
    ):
        opened(server, options).record_closed_trades([closed_trade()])

    assert raised.value.retry_after_seconds == 7.0


@pytest.mark.parametrize("options", ["", "?write=v2&org=fleet"])
def test_of_a_batch_only_the_line_the_server_refuses_is_rejected(options: str):
    bad = Answer(422, {}, '{"message":"failure writing points: partial write: points beyond retention"}')
    path = "api_v2_write" if options else "write"
    with answering(query=NOTHING, **{path: [bad, STORED, bad, STORED, bad]}) as server:
        receipt = opened(server, options).record_closed_trades(
            [closed_trade(trade_id=number) for number in (1, 2, 3, 4)]
        )

    # 4 refused; 1 and 2 stored; 3 and 4 refused; 3 stored; 4 alone is the one.
    assert (receipt.accepted, len(receipt.rejected)) == (3, 1)
    assert receipt.rejected[0].startswith("BOT1 trade 4 BTC/USDT:USDT: ")
    assert "points beyond retention" in receipt.rejected[0]


def test_a_bucket_that_a_token_may_not_use_is_named_with_what_helps():
    refusal = Answer(403, {}, '{"code":"forbidden","message":"insufficient permissions for write"}')
    with (
        answering(ping=V2_PING, query=NOTHING, write=refusal) as server,
        pytest.raises(StoreUnavailable) as raised,
    ):
        opened(server).record_closed_trades([closed_trade()])

    what, _, remedy = str(raised.value).partition("; ")
    assert what.endswith("refuses the use of BOT1_trades: insufficient permissions for write")
    assert "influx bucket create --name BOT1_trades" in remedy
    assert "a token with its read and write permission" in remedy


def test_of_a_long_query_that_is_not_allowed_only_the_missing_right_is_said():
    text = (
        f"error authorizing query: fleet not authorized to execute statement 'SELECT {'x, ' * 200}y FROM z'"
    )
    refusal = Answer(403, {}, json.dumps({"error": f"{text}, requires READ on BOT1_trades"}))
    with answering(query=refusal) as server, pytest.raises(StoreUnavailable) as raised:
        opened(server).closed_trades()

    assert "refuses the use of BOT1_trades: requires READ on BOT1_trades; create it" in str(raised.value)


# What 3 says of a query over too many files comes as plain text with status 500 (query_planner.rs, http.rs).
OVER_THE_LIMIT = (
    "query error: error while planning query: External error: Query would exceed file limit of 432 parquet "
    "files. Please specify a smaller time range for your query."
)


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(500, {}, OVER_THE_LIMIT),
        Answer(
            200, {}, '{"results":[{"statement_id":0,"error":"Query would exceed file limit of 432 files"}]}'
        ),
    ],
)
def test_the_window_of_core_is_refused_in_words_not_answered_in_part(refusal: Answer):
    with answering(ping=V3_PING, query=refusal) as server, pytest.raises(StoreError) as raised:
        opened(server).closed_trades(closed_from=datetime(2025, 8, 1, tzinfo=UTC))

    assert "file limit of 432" in str(raised.value)
    assert "InfluxDB 3 Core answers about 72 h" in str(raised.value)
    assert not isinstance(raised.value, StoreUnavailable)


@pytest.mark.parametrize(("limited", "window"), [(True, timedelta(hours=72)), (False, None)])
def test_the_window_of_core_is_probed_and_reported(limited: bool, window: timedelta | None):
    over_all = Answer(500, {}, OVER_THE_LIMIT)
    answers = [NOTHING] * 5 + [over_all if limited else NOTHING]  # counts and newest first, then the probe
    with answering(ping=V3_PING, query=[NOTHING, *answers]) as server:
        capabilities = opened(server).health().capabilities

    assert capabilities is not None
    assert capabilities.query_window == window
    assert capabilities.server == "InfluxDB 3.5.0 Core"
    assert (capabilities.deterministic_overwrite, capabilities.transactional) == (False, False)


def test_any_other_500_is_no_window():
    broken = Answer(500, {}, "query error: internal error")
    answers = [NOTHING] * 5 + [broken]  # counts and newest first, then the probe
    with (
        answering(ping=V3_PING, query=[NOTHING, *answers]) as server,
        pytest.raises(StoreUnavailable, match="cannot work now"),
    ):
        opened(server).health()


def test_the_reason_of_a_refused_line_is_the_one_that_3_gives_beside_its_error():
    bad = Answer(
        400,
        {},
        '{"error":"partial write of line protocol occurred","data":[{"original_line":"closed_trade,bot=B…",'
        '"line_number":1,"error_message":"invalid column type for column \'fee\', expected float"}]}',
    )
    with answering(ping=V3_PING, query=NOTHING, write=bad) as server:
        receipt = opened(server).record_closed_trades([closed_trade()])

    assert receipt.accepted == 0
    assert "occurred: invalid column type for column 'fee'" in receipt.rejected[0]


@pytest.mark.parametrize("options", ["", "?write=v2&org=fleet"])
def test_a_server_at_its_limit_refuses_no_line_for_good(options: str):
    full = Answer(422, {}, '{"error":"Adding a new database would exceed limit of 5 databases","data":null}')
    with (
        answering(ping=V3_PING, query=NOTHING, write=full, api_v2_write=full) as server,
        pytest.raises(StoreUnavailable, match=r"at a limit of its own: .*5 databases; raise it"),
    ):
        opened(server, options).record_closed_trades([closed_trade()])


@pytest.mark.parametrize("answer", [Answer(200, {}, "<html>sign in</html>"), Answer(400, {}, "no such page")])
def test_what_stands_between_refuses_no_trade_for_good(answer: Answer):
    with answering(ping=V3_PING, query=answer) as server, pytest.raises(StoreUnavailable):
        opened(server).record_closed_trades([closed_trade()])


def test_an_answer_without_the_tags_it_was_grouped_by_is_refused():
    columns = ["time", "version_id"]
    ungrouped = series(columns, [1_761_998_400_000_000_001, "abc"], name="optimized_parameters")
    with (
        answering(ping=V3_PING, query=ungrouped) as server,
        pytest.raises(StoreUnavailable, match="names no tags; upgrade the server"),
    ):
        opened(server).parameters_in_force(datetime(2025, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize("place", ["result", "series"])
def test_an_answer_that_was_cut_short_is_refused(place: str):
    whole = '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time"],"values":[]}]}]}'
    cut = whole.replace('"statement_id":0', '"statement_id":0,"partial":true')
    if place == "series":
        cut = whole.replace('"name"', '"partial":true,"name"')
    with answering(query=Answer(200, {}, cut)) as server, pytest.raises(StoreError, match="max-row-limit"):
        opened(server).closed_trades()


def test_points_of_a_newer_program_are_refused():
    columns = ["time", *TRADE_SELECT]
    row = [1_761_998_400_000_000_001, *([None] * len(TRADE_SELECT))]
    row[columns.index("schema")] = 2
    row[columns.index("revision")] = 0
    with (
        answering(query=series(columns, row)) as server,
        pytest.raises(StoreIncompatible, match="schema 2, written by a newer freqfleet"),
    ):
        opened(server).closed_trades()


def test_points_of_another_program_in_the_bucket_are_left_alone():
    columns = ["time", *TRADE_SELECT]
    foreign = [1_761_998_400_000_000_001, *([None] * len(TRADE_SELECT))]
    foreign[columns.index("leverage")] = 3
    with answering(query=series(columns, foreign)) as server:
        assert opened(server).closed_trades() == []


def test_something_else_that_answers_is_no_influxdb():
    with (
        answering(ping=Answer(200, {}, "hello")) as server,
        pytest.raises(StoreUnavailable, match="no InfluxDB"),
    ):
        opened(server).health()


# Time


@pytest.mark.parametrize("options", ["", "?write=v2&org=fleet"])
def test_a_server_that_answers_a_byte_at_a_time_is_left_at_the_deadline(options: str):
    trickle = Answer(503, {}, "x" * 400, seconds_per_byte=0.02)
    with answering(query=NOTHING, write=trickle, api_v2_write=trickle) as server:
        store = opened(server, options, seconds=0.4)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.4 s"):
            store.record_closed_trades([closed_trade()])

    assert time.monotonic() - began < 2.0


def test_nobody_there_is_said_at_once():
    store = influx("influxdb://127.0.0.1:9", timeout_seconds=1.0)

    with pytest.raises(StoreUnavailable, match=r"does not answer: .*check \[store\] url"):
        store.closed_trades()


# Secrets


def test_the_secret_is_in_one_header_and_nowhere_else(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    refusal = Answer(401, {}, '{"message":"unauthorized"}')
    said: list[str] = []
    with answering(ping=V2_PING, query=NOTHING, write=refusal, api_v2_write=refusal) as server:
        for options in ("", "?write=v2&org=fleet"):
            store = opened(server, options)
            said += [repr(store), repr(vars(store)), store.description]
            with pytest.raises(StoreUnavailable) as raised:
                store.record_closed_trades([closed_trade()])
            said.append(repr(raised.value))

    assert all(SECRET not in one for one in said)
    assert SECRET not in caplog.text
    assert all(SECRET not in one.line and SECRET not in one.body for one in server.asked)
    assert all(SECRET in one.headers["authorization"] for one in server.asked)


def test_a_secret_over_an_open_network_is_warned_about(caplog: pytest.LogCaptureFixture):
    influx("influxdb://db.example:8086", secret=SECRET)
    influx("influxdbs://db.example:8086", secret=SECRET)

    assert len([one for one in caplog.records if "unencrypted" in one.getMessage()]) == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("influxdb://user:swordfish@host:8086", "holds a password"),
        ("influxdb://host:8086?token=swordfish", "unknown option 'token'"),
        ("influxdb://host:8086/db", "no path is expected"),
        ("influxdb://host:banana", "is no address"),
        ("influxdb://", "names no InfluxDB server"),
        ("influxdb://host?write=v3", "neither v1 nor v2"),
        ("influxdb://host?write=v2", "needs the organisation"),
        ("influxdb://host?prefix=a b", "must be letters"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_a_secret(url: str, said: str):
    with pytest.raises(SettingsError, match=said) as raised:
        influx(url)

    assert "swordfish" not in str(raised.value)


def test_write_v2_without_a_token_is_refused():
    with pytest.raises(SettingsError, match="needs a token"):
        influx("influxdb://host?write=v2&org=x")


def test_a_version_goes_out_under_the_names_dashboards_know():
    with answering(query=NOTHING, write=STORED) as server:
        opened(server).publish_parameters([version(), version(leverage_bin=None, pair=None)])

    written = server.of("/write")[0]
    assert written.arguments["db"] == "OPTUNA_PARAMS"
    first, second = written.body.splitlines()
    assert first.startswith(
        "optimized_parameters,direction=long,leverage_bin=none,pair=BTC/USDT:USDT stop_loss=-0.02,"
    )
    assert "take_profit=0.045," in first
    assert second.startswith(first.split(",pair=")[0] + ",pair=none ")
