"""freqtrade hands the trade itself, not a copy, to callbacks that only read it."""

from freqtrade.strategy.strategy_wrapper import strategy_safe_wrapper

from freqfleet.runtime.host_copies import only_reads_the_trade
from freqfleet.runtime.strategy import FleetStrategy
from freqfleet.testing.host import FakeTrade


class Callbacks:
    def copied(self, *, trade: FakeTrade) -> FakeTrade:
        return trade

    @only_reads_the_trade
    def handed_over(self, *, trade: FakeTrade) -> FakeTrade:
        return trade


def test_a_marked_callback_gets_the_trade_and_another_gets_a_copy() -> None:
    trade = FakeTrade()

    assert strategy_safe_wrapper(Callbacks().handed_over)(trade=trade) is trade
    assert strategy_safe_wrapper(Callbacks().copied)(trade=trade) is not trade


def test_every_per_candle_callback_is_marked_and_the_one_that_writes_is_not() -> None:
    marked = {
        name
        for name in vars(FleetStrategy)
        if getattr(getattr(FleetStrategy, name), "__qualname__", "").startswith("IStrategy.")
    }

    assert marked == {"custom_exit", "custom_stoploss", "custom_roi"}
