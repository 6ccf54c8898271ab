import json

import pytest

from freqfleet.errors import MarketError
from freqfleet.market.leverage_tiers import LeverageTier, freqtrade_tiers_file, load_leverage_tiers

PAIR = "BTC/USDT:USDT"


def row(start, ratio=0.004, amount=0.0):
    return {"minNotional": start, "maintenanceMarginRate": ratio, "info": {"cum": amount}}


def tiers_file(tmp_path, content):
    file = tmp_path / "tiers.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def test_freqtrade_still_ships_the_tiers_where_they_are_looked_for():
    """Fails when a new freqtrade moves or reshapes the file: liquidation would be unknown everywhere."""
    assert freqtrade_tiers_file().is_file()

    shipped = load_leverage_tiers()

    assert len(shipped.by_pair) > 500
    for pair in (PAIR, "ETH/USDT:USDT", "SOL/USDT:USDT"):
        tiers = shipped.of(pair)
        assert tiers is not None
        assert 0.0 < tiers[0].maintenance_ratio < 0.05
        assert tiers[-1].maintenance_ratio > tiers[0].maintenance_ratio
        assert tiers[-1].maintenance_amount_quote > 0.0


def test_tiers_are_read_in_the_words_of_freqfleet(tmp_path):
    file = tiers_file(tmp_path, {PAIR: [row(0.0), row(300_000.0, 0.005, 300.0)]})

    assert load_leverage_tiers(file).of(PAIR) == (
        LeverageTier(notional_from_quote=0.0, maintenance_ratio=0.004, maintenance_amount_quote=0.0),
        LeverageTier(notional_from_quote=300_000.0, maintenance_ratio=0.005, maintenance_amount_quote=300.0),
    )


def test_pair_that_the_file_does_not_know_has_no_tiers(tmp_path):
    assert load_leverage_tiers(tiers_file(tmp_path, {PAIR: [row(0.0)]})).of("NEW/USDT:USDT") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ([], "an object of pairs, was list"),
        ({PAIR: [{"minNotional": 0.0}]}, f"tiers of {PAIR} cannot be read .*maintenanceMarginRate"),
        ({PAIR: []}, f"tiers of {PAIR} must begin at 0"),
        ({PAIR: [row(5.0)]}, r"must begin at 0 and rise, were \[5.0\]"),
        ({PAIR: [row(0.0), row(9.0), row(4.0)]}, r"were \[0.0, 9.0, 4.0\]"),
    ],
)
def test_file_of_another_form_is_refused_with_what_it_holds(tmp_path, content, message):
    with pytest.raises(MarketError, match=message):
        load_leverage_tiers(tiers_file(tmp_path, content))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(MarketError, match=r"cannot read leverage tiers .*absent\.json: No such file"):
        load_leverage_tiers(tmp_path / "absent.json")
