"""`freqfleet exchange serve`, as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from freqfleet.exchange.freqtrade_runs import clean_environment
from synthetic_market import write_plain_market

PROGRAM = [sys.executable, "-c", "from freqfleet.cli import main; main()"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_it_is_and_ends_with_a_summary(tmp_path: Path, number: signal.Signals) -> None:
    datadir = write_plain_market(tmp_path / "binance", days=4)
    overlay = tmp_path / "offline.json"
    args = [
        "exchange",
        "serve",
        "--datadir",
        str(datadir),
        "--port",
        "0",
        "--shift-to-now",
        "--overlay",
        str(overlay),
    ]
    with subprocess.Popen(
        [*PROGRAM, *args], stdout=subprocess.PIPE, text=True, env=clean_environment(), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        greeting = [process.stdout.readline() for _ in range(3)]
        url = greeting[0].split()[2].rstrip(":")

        with urllib.request.urlopen(f"{url}/fapi/v1/time", timeout=5) as response:
            assert "serverTime" in json.load(response)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert "2 pairs" in greeting[0]
    assert "moved by" in greeting[1]
    assert f"-c {overlay}" in greeting[2]
    urls = json.loads(overlay.read_text(encoding="utf-8"))["exchange"]["ccxt_config"]["urls"]["api"]
    assert urls["fapiPublic"] == f"{url}/fapi/v1"
    assert rest.splitlines() == ["requests: 1", "       1  answered  GET /fapi/v1/time"]


def test_a_folder_without_candles_ends_with_two_and_one_line(tmp_path: Path) -> None:
    done = serve("--datadir", str(tmp_path), "--port", "0", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stdout == ""
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_on_another_port_does_not_send_people_to_the_shipped_overlay(tmp_path: Path) -> None:
    datadir = write_plain_market(tmp_path / "binance", days=1)
    args = ["exchange", "serve", "--datadir", str(datadir), "--port", "0", "--pairs", "BTC/USDT:USDT"]
    with subprocess.Popen(
        [*PROGRAM, *args], stdout=subprocess.PIPE, text=True, env=clean_environment(), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        greeting = [process.stdout.readline() for _ in range(3)]
        process.terminate()
        process.communicate(timeout=60)

    assert "1 pairs" in greeting[0]
    assert "with --overlay FILE" in greeting[2]


def test_a_port_in_use_ends_with_3_and_says_which_and_what_else(tmp_path: Path) -> None:
    datadir = write_plain_market(tmp_path / "binance", days=1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        done = serve("--datadir", str(datadir), "--port", str(port), cwd=tmp_path)

    assert done.returncode == 3
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert f"port {port} on 127.0.0.1 is in use" in line
    assert "another port" in line


def test_an_overlay_that_cannot_be_written_ends_with_2_and_its_name(tmp_path: Path) -> None:
    datadir = write_plain_market(tmp_path / "binance", days=1)
    overlay = tmp_path / "nowhere" / "offline.json"

    done = serve("--datadir", str(datadir), "--port", "0", "--overlay", str(overlay), cwd=tmp_path)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"freqfleet: {overlay}: No such file or directory")


def serve(*options: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `exchange serve`, which is expected to end by itself."""
    return subprocess.run(
        [*PROGRAM, "exchange", "serve", *options],
        capture_output=True,
        text=True,
        env=clean_environment(),
        cwd=cwd,
        timeout=60,
        check=False,
    )
