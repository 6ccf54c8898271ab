"""The doctor's look at leverage: room to liquidation, tiers, a stoploss that would come first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from freqfleet.doctor.findings import Finding, State
from freqfleet.doctor.leverage import check_leverage
from freqfleet.settings import load_settings

FILE = Path("bot1.json")


def found(tmp_path: Path, pairs: tuple[str, ...] = ("BTC/USDT:USDT",), **config: Any) -> list[Finding]:
    whole = {"exchange": {"pair_whitelist": list(pairs)}, "stake_amount": 100, **config}
    return list(check_leverage(load_settings(tmp_path), "BOT1", FILE, whole))


def test_room_to_liquidation_is_said(tmp_path: Path) -> None:
    (finding,) = found(tmp_path)

    assert finding.state is State.OK
    assert finding.text == "3x leaves the default stop 25% inside liquidation on 1 pairs"


def test_a_stop_that_no_leverage_of_the_setting_allows_is_said_by_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREQFLEET_RUNTIME__LEVERAGE", "10")
    monkeypatch.setenv("FREQFLEET_DEFAULTS__STOP_LOSS", "-0.15")

    (finding,) = found(tmp_path)

    assert finding.state is State.NOTE
    assert "BTC/USDT:USDT: 4.99x instead of 10x" in finding.text
    assert "the stop of 15 % must lie inside liquidation by 25%" in finding.text


def test_pairs_without_tiers_are_named(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, ("NEW/USDT:USDT", "BTC/USDT:USDT"))

    assert finding.state is State.NOTE
    assert "do not know NEW/USDT:USDT: 1x there" in finding.text


@pytest.mark.parametrize(("stoploss", "fails"), [(-0.10, True), (-0.80, False), (-0.99, False)])
def test_a_stoploss_of_the_config_that_would_come_first_fails(
    tmp_path: Path, stoploss: float, fails: bool
) -> None:
    states = [one.state for one in found(tmp_path, stoploss=stoploss)]

    assert (State.FAIL in states) is fails


def test_real_money_without_breakers_is_said(tmp_path: Path) -> None:
    texts = [one.text for one in found(tmp_path, dry_run=False)]

    assert any("circuit breakers are off" in text for text in texts)
