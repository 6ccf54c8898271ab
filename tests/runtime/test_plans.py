"""A position keeps the plan it was opened with."""

from datetime import timedelta

from freqfleet.domain.exit_plan import ExitPlan
from freqfleet.domain.exits import ExitParameters, ExitSource
from freqfleet.runtime.plans import PLAN_KEY, SIGNAL_KEY, PlanLedger
from freqfleet.testing.host import OPENED, FakeTrade

FIRST = ExitPlan(
    parameters=ExitParameters(stop_loss=-0.02, take_profit=0.04, time_limit_minutes=240),
    source=ExitSource.OPTUNA,
    version="aaaaaaaaaaaa",
    atr_ratio=0.004,
)
LATER = ExitPlan(
    parameters=ExitParameters(stop_loss=-0.05, take_profit=0.10),
    source=ExitSource.BIN,
    version="b",
    atr_ratio=None,
)


def test_a_frozen_plan_is_not_changed_by_what_is_in_force_later() -> None:
    ledger = PlanLedger(persistent=True)
    trade = FakeTrade()
    ledger.freeze(trade, FIRST, {"trend": 0.7})

    assert ledger.plan_of(trade, lambda: LATER) == FIRST
    assert trade.custom[SIGNAL_KEY] == {"trend": 0.7}


def test_a_restarted_bot_finds_the_plan_on_the_trade() -> None:
    trade = FakeTrade()
    PlanLedger(persistent=True).freeze(trade, FIRST, None)

    restarted = PlanLedger(persistent=True)

    assert restarted.plan_of(trade, lambda: LATER) == FIRST
    assert restarted.missing_plans == 0


def test_a_trade_without_plan_gets_what_was_in_force_and_is_counted() -> None:
    ledger = PlanLedger(persistent=True)

    assert ledger.plan_of(FakeTrade(), lambda: LATER) == LATER
    assert ledger.plan_of(FakeTrade(), lambda: FIRST) == LATER
    assert ledger.missing_plans == 1


def test_a_plan_that_cannot_be_read_is_replaced_and_counted() -> None:
    trade = FakeTrade(custom={PLAN_KEY: {**FIRST.to_dict(), "parameters": {"stop_loss": 0.0}}})
    ledger = PlanLedger(persistent=True)

    assert ledger.plan_of(trade, lambda: LATER) == LATER
    assert ledger.missing_plans == 1


def test_ids_that_restart_do_not_hand_over_an_old_plan() -> None:
    ledger = PlanLedger(persistent=False)
    ledger.freeze(FakeTrade(id=1), FIRST, None)

    again = FakeTrade(id=1, open_date_utc=OPENED + timedelta(minutes=5))

    assert ledger.plan_of(again, lambda: LATER) == LATER


def test_a_backtest_writes_no_custom_data() -> None:
    trade = FakeTrade()
    PlanLedger(persistent=False).freeze(trade, FIRST, {"trend": 0.7})

    assert trade.custom == {}
