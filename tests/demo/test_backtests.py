from __future__ import annotations

from freqfleet.demo.backtests import own_settings


def test_bots_get_the_settings_of_the_environment_as_this_process_has_them() -> None:
    environment = {
        "FREQFLEET_RUNTIME__LEVERAGE": "2",
        "freqfleet_defaults__stop_loss": "-0.02",
        "FREQFLEET_BOTS__BOT3__SIDE": "long",
        "PATH": "/bin",
    }

    assert own_settings(environment) == {
        "FREQFLEET_RUNTIME__LEVERAGE": "2",
        "freqfleet_defaults__stop_loss": "-0.02",
        "FREQFLEET_BOTS__BOT3__SIDE": "long",
    }


def test_where_things_are_and_what_a_phase_trades_on_is_the_demos_to_say() -> None:
    taken = {
        "FREQFLEET_STORE__URL": "sqlite:////mine.sqlite",
        "FREQFLEET_STORE": "{}",
        "FREQFLEET_MARKET__DATADIR": "/mine",
        "freqfleet_runtime__parameters": "defaults",
    }

    assert own_settings(taken) == {}
