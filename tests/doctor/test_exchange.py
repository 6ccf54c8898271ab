from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freqfleet.doctor.exchange import answer_within, check_exchange, loopback_address
from freqfleet.doctor.findings import State
from freqfleet.exchange.loopback import LoopbackExchange
from freqfleet.exchange.overlay import offline_overlay
from freqfleet.settings import Settings
from synthetic_market import write_plain_market

HOST = "127.0.0.1"


@pytest.fixture
def nobody() -> tuple[str, int]:
    """An address where nothing listens."""
    with socket.socket() as bound:
        bound.bind((HOST, 0))
        return HOST, int(bound.getsockname()[1])


@pytest.fixture
def somebody() -> Iterator[tuple[str, int]]:
    """An address where something accepts connections."""
    with socket.create_server((HOST, 0)) as server:
        yield HOST, int(server.getsockname()[1])


def overlay_of(settings: Settings) -> Path:
    return settings.userdir / "config" / "offline.json"


def test_an_exchange_that_answers_is_ok(
    settings: Settings, somebody: tuple[str, int], nobody: tuple[str, int]
) -> None:
    overlay_of(settings).write_text(json.dumps(offline_overlay(nobody[1])), encoding="utf-8")

    (finding,) = check_exchange(settings, somebody)

    assert (finding.state, finding.text) == (State.OK, f"{HOST} answers")


def test_offline_the_loopback_exchange_is_enough(
    settings: Settings, nobody: tuple[str, int], tmp_path: Path
) -> None:
    with LoopbackExchange(write_plain_market(tmp_path / "market", days=1)) as exchange:
        overlay_of(settings).write_text(json.dumps(exchange.overlay()), encoding="utf-8")

        (finding,) = check_exchange(settings, nobody)

    assert finding.state is State.OK
    assert str(overlay_of(settings)) in finding.text


def test_neither_of_them_is_a_note_with_both_ways_out(settings: Settings, nobody: tuple[str, int]) -> None:
    overlay_of(settings).write_text(json.dumps(offline_overlay(nobody[1])), encoding="utf-8")

    (finding,) = check_exchange(settings, nobody)

    assert finding.state is State.NOTE
    assert "check the network" in finding.remedy
    assert "freqfleet exchange serve" in finding.remedy


def test_without_an_overlay_a_silent_exchange_fails(settings: Settings, nobody: tuple[str, int]) -> None:
    overlay_of(settings).unlink()

    (finding,) = check_exchange(settings, nobody)

    assert finding.state is State.FAIL
    assert "check the network" in finding.remedy


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\x00",
        b"[]",
        b"5",
        b'{"exchange": "x"}',
        b'{"exchange": {"ccxt_config": {"urls": {"api": {"fapiPublic": 5}}}}}',
        b'{"exchange": {"ccxt_config": {"urls": {"api": {"fapiPublic": "http://127.0.0.1:99999/x"}}}}}',
        b'{"exchange": {"ccxt_config": {"urls": {"api": {"fapiPublic": "http://[oops"}}}}}',
        b"[" * 100_000,
    ],
)
def test_an_overlay_that_is_none_is_a_line_and_no_crash(
    settings: Settings, content: bytes, somebody: tuple[str, int]
) -> None:
    overlay_of(settings).write_bytes(content)

    said, reachable = check_exchange(settings, somebody)

    assert loopback_address(overlay_of(settings)) is None
    assert said.state is State.NOTE
    assert "--overlay" in said.remedy
    assert reachable.state is State.OK


def test_the_shipped_overlay_points_at_the_port_that_serve_takes(settings: Settings) -> None:
    assert loopback_address(overlay_of(settings)) == (HOST, 8799)


def test_a_name_service_that_hangs_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, somebody: tuple[str, int]
) -> None:
    over = threading.Event()
    answer = socket.getaddrinfo

    def slow(host: str, *args: object, **kwargs: object) -> object:
        if host == "far.invalid":
            over.wait(30.0)
            raise socket.gaierror("no answer")
        return answer(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()

    answering = answer_within(0.3, [("far.invalid", 443), somebody])

    assert answering == {somebody}
    assert 0.2 < time.monotonic() - began < 2.0
    over.set()
