import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freqfleet.errors import InputError
from freqfleet.validation.paper_account import PaperAccount, Standing, stake_share

BET = {"edge": 0.01, "variance": 0.0004, "worst_loss": 0.06}


def after(days, differences, account=None, start=0, **given):
    account = account or PaperAccount()
    for day in range(start, start + days):
        account = account.booked(day, np.array(differences), **{**BET, **given})
    return account


def test_ten_days_pass_without_a_bet():
    assert after(10, [0.05]).pending == ()
    assert len(after(11, [0.05]).pending) == 1


def test_bet_settles_two_days_later():
    account = after(11, [0.02])

    assert account.settled(11).wealth == 1.0
    assert account.settled(12).wealth == pytest.approx(1.0 + 0.02 * stake_share(0.01, 0.0004, 2.0, 0.06))


def test_stake_is_half_kelly_capped_by_the_worst_loss_of_what_is_open():
    assert stake_share(0.0001, 0.04, 1.0, 0.06) == pytest.approx(0.00125)
    assert stake_share(0.01, 0.0004, 4.0, 0.06) == pytest.approx(0.8 / 0.24)
    assert stake_share(-0.01, 0.0004, 1.0, 0.06) == 0.0
    assert stake_share(0.01, 0.0, 1.0, 0.06) == 0.0


def test_candidate_that_is_the_incumbent_changes_nothing():
    assert after(40, [0.0, 0.0]).settled(99).wealth == 1.0


def test_lasting_gains_reach_the_bar_and_losses_never_go_below_zero():
    assert after(60, [0.02]).settled(99).wealth > 20.0
    assert 0.0 <= after(60, [-0.09]).settled(99).wealth < 0.05


def test_day_cannot_be_booked_twice():
    with pytest.raises(InputError, match="day 4 was booked already, the last one is 4"):
        after(1, [0.01], account=after(5, [0.01]), start=4)


def test_outcome_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="must be a number, was nan"):
        after(1, [np.nan])


def test_account_and_record_survive_json():
    account = after(13, [0.02, -0.01])
    standing = Standing(candidate=account, mirrored=after(3, [0.0]), changed_day=7)

    assert Standing.from_row(json.loads(json.dumps(standing.to_row()))) == standing
    assert Standing.from_row(json.loads(json.dumps(Standing().to_row()))) == Standing()


@pytest.mark.parametrize("wealth", [-0.1, float("nan"), float("inf")])
def test_row_with_an_impossible_wealth_is_refused(wealth):
    with pytest.raises(InputError, match="the wealth of a paper account"):
        PaperAccount.from_row({**PaperAccount().to_row(), "wealth": wealth})


def test_one_change_a_week():
    rich = Standing(candidate=PaperAccount(wealth=25.0))

    assert rich.publishes(100, 20.0)
    changed = rich.published(100)
    assert changed.candidate.wealth == 1.0
    assert changed.mirrored == PaperAccount()
    again = Standing(candidate=PaperAccount(wealth=25.0), mirrored=changed.mirrored, changed_day=100)
    assert not again.publishes(106, 20.0)
    assert again.publishes(107, 20.0)


def test_default_comes_back_when_its_own_account_reaches_the_bar():
    losing = Standing(mirrored=PaperAccount(wealth=20.0), changed_day=100)

    assert not losing.retracts(106, 20.0)
    assert losing.retracts(107, 20.0)
    assert losing.retracted(107) == Standing(changed_day=107)
    assert not Standing(changed_day=0).retracts(107, 20.0)


@settings(deadline=None)  # a busy machine is no defect
@given(
    days=st.lists(st.lists(st.sampled_from([-0.06, -0.02, 0.0, 0.02, 0.06]), max_size=4), max_size=40),
    cut=st.integers(0, 40),
)
def test_storing_the_account_on_any_day_changes_no_later_day(days, cut):
    straight, stored = PaperAccount(), PaperAccount()
    for day, differences in enumerate(days):
        if day == cut:
            stored = PaperAccount.from_row(json.loads(json.dumps(stored.to_row())))
        straight = straight.booked(day, np.array(differences), **BET)
        stored = stored.booked(day, np.array(differences), **BET)

    assert stored == straight
    assert stored.settled(99).wealth >= 0.0


def test_fair_bets_gain_nothing_on_average():
    rng = np.random.default_rng(3)
    ends = []
    for _ in range(400):
        account = PaperAccount()
        for day in range(60):
            account = account.booked(day, rng.choice([-0.02, 0.02], 2), **BET)
        ends.append(account.settled(99).wealth)

    assert np.mean(ends) == pytest.approx(1.0, abs=4 * np.std(ends) / 20)
    assert np.mean(np.array(ends) >= 20.0) <= 0.05
