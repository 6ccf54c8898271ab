from __future__ import annotations

import pytest

from freqfleet.domain.pairs import checked_pair, did_you_mean
from freqfleet.errors import InputError


@pytest.mark.parametrize("pair", ["BTC/USDT:USDT", "1000SHIB/USDT:USDT", "H/USDT:USDT", "BTC/USDT"])
def test_a_symbol_of_freqtrade_is_a_pair(pair):
    assert checked_pair(pair) == pair


@pytest.mark.parametrize(
    "pair",
    [
        "",
        "BTC",
        "BTCUSDT",
        "btc/usdt:usdt",
        "BTC/USDT:USDT ",
        "BTC/USDT:USDT\n",
        "BTC_USDT_USDT",
        "../../etc/passwd",
        "BTC/../USDT:USDT",
        "BTC/USDT:USDT'; DROP TABLE trades; --",
        'BTC/USDT:USDT" or "a"="a',
        "BTC/USDT:USDT,bot=BOT1",  # a second tag in a line of InfluxDB
        "BTC\\/USDT:USDT",
        "BTC/USDT:USDT\x00",
        "ＢＴＣ/USDT:USDT",  # letters that only look like ours
        "<b>BTC</b>/USDT:USDT",
        "A" * 21 + "/USDT:USDT",
    ],
)
def test_anything_else_is_refused_and_shown(pair):
    with pytest.raises(InputError) as refusal:
        checked_pair(pair)

    assert repr(pair) in str(refusal.value)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (["BTC/USDT:USDT", "SOL/USDT:USDT"], "did you mean SOL/USDT:USDT?"),
        (["A/B", "C/D"], "known: A/B, C/D"),
        (
            [f"{letter}/B" for letter in "ABCDEFGHIJ"],
            "known: A/B, B/B, C/B, D/B, E/B, F/B, G/B, H/B and 2 more",
        ),
        ([], "no pair is known"),
    ],
)
def test_a_misspelt_pair_is_answered_with_the_nearest_or_some(known, said):
    assert did_you_mean("SLO/USDT:USDT", known) == said
