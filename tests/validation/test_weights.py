import pytest

from freqfleet.errors import InputError
from freqfleet.market.trade_columns import NO_TRADES, TradeColumns
from freqfleet.replay.metrics import effective_trades
from freqfleet.validation.weights import trade_weights
from replaycases import closed_trade

WEIGHTS = {"BOT1": 1.0, "BOT2": 1.0, "BOT3": 3.0}


def fleet(**counts: int):
    return TradeColumns.of(
        closed_trade(number, bot=bot) for bot, count in counts.items() for number in range(count)
    )


def test_share_gives_each_bot_its_part_of_the_total_whatever_its_count():
    trades = fleet(BOT1=80, BOT3=20)

    weights = trade_weights(trades, WEIGHTS, "share")

    assert weights.sum() == pytest.approx(100.0)
    assert weights[80:].sum() / weights.sum() == pytest.approx(0.75)
    assert len(set(weights[:80])) == 1


def test_literal_weighs_every_single_trade():
    weights = trade_weights(fleet(BOT1=50, BOT2=50, BOT3=100), WEIGHTS, "literal")

    assert weights[-1] / weights[0] == pytest.approx(3.0)
    # Seed 000's own example: 400 weighted samples say as much as 160 equal trades.
    assert effective_trades(weights) == pytest.approx(160.0)


def test_a_small_bot_with_a_large_share_costs_effective_trades():
    weights = trade_weights(fleet(BOT1=80, BOT3=20), WEIGHTS, "share")

    assert effective_trades(weights) == pytest.approx(1.0 / (0.25**2 / 80 + 0.75**2 / 20))


def test_one_bot_alone_has_equal_weights():
    assert trade_weights(fleet(BOT3=4), WEIGHTS, "share").tolist() == [1.0] * 4


def test_no_trades_have_no_weights():
    assert trade_weights(NO_TRADES, WEIGHTS, "share").shape == (0,)


def test_unknown_bot_is_named():
    with pytest.raises(InputError, match="no weight for 'BOT9'; the bots are BOT1, BOT2, BOT3"):
        trade_weights(fleet(BOT9=1), WEIGHTS, "share")


def test_weight_of_zero_is_refused_with_its_value():
    with pytest.raises(InputError, match=r"BOT1 must be above 0, was 0\.0"):
        trade_weights(fleet(BOT1=1), {"BOT1": 0.0}, "literal")
