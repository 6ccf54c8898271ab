"""A machine without a server says how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import REQUIRE, installed
from freqfleet.testing.servers import ServerMissing, influx_server


@pytest.fixture
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("_bare")
def test_a_server_that_is_not_installed_comes_with_the_command_that_installs_it(tmp_path: Path):
    with pytest.raises(ServerMissing, match="apt-get install --no-install-recommends influxdb"):
        influx_server(tmp_path).__enter__()


@pytest.mark.usefixtures("_bare")
@pytest.mark.parametrize(
    ("required", "outcome"), [(None, pytest.skip.Exception), ("1", pytest.fail.Exception)]
)
def test_a_test_without_its_server_is_skipped_and_fails_where_servers_are_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, required: str | None, outcome: type[BaseException]
):
    monkeypatch.delenv(REQUIRE, raising=False)
    if required is not None:
        monkeypatch.setenv(REQUIRE, required)

    with pytest.raises(outcome, match="InfluxDB 1 is not installed"), installed(influx_server(tmp_path)):
        pass
