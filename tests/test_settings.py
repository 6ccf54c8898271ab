from __future__ import annotations

import os
from pathlib import Path

import pytest

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.managed_exits import ManagedExits
from freqfleet.domain.sides import Side
from freqfleet.errors import SettingsError
from freqfleet.settings import Settings, StoreSettings, load_settings


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch):
    for name in list(os.environ):
        if name.upper().startswith("FREQFLEET_"):
            monkeypatch.delenv(name)


@pytest.fixture
def userdir(tmp_path) -> Path:
    (tmp_path / "config").mkdir()
    return tmp_path


def fleet(userdir: Path, text: str) -> Settings:
    (userdir / "config" / "fleet.toml").write_text(text, encoding="utf-8")
    return load_settings(userdir)


def refusal_of(userdir: Path, text: str = "") -> str:
    with pytest.raises(SettingsError) as refusal:
        fleet(userdir, text)
    return str(refusal.value)


# -- defaults -----------------------------------------------------------------------------------------


def test_without_a_file_the_defaults_hold(userdir):
    settings = load_settings(userdir)

    assert settings.store.url == "sqlite:///user_data/learning.sqlite"
    assert list(settings.bots) == ["BOT1", "BOT2", "BOT3"]
    assert settings.bots["BOT3"].sides == (Side.LONG, Side.SHORT)
    assert settings.bots["BOT1"].sides == (Side.LONG,)
    assert settings.optimizer.time_limit_minutes == (60, 240, 720, 1440)


def test_the_default_exits_are_parameters(userdir):
    settings = fleet(userdir, "[defaults]\nstop_loss = -0.02\ntime_limit_minutes = 60")

    assert settings.defaults.parameters() == ExitParameters(
        stop_loss=-0.02, take_profit=0.03, time_limit_minutes=60
    )


def test_the_default_exits_may_follow_the_path(userdir):
    settings = fleet(userdir, "[defaults]\ntrailing_stop = 0.01\nbreak_even_after = 0.02")

    assert settings.defaults.parameters() == ManagedExits(
        stop_loss=-0.03,
        take_profit=0.03,
        trailing_stop_ratio=0.01,
        trailing_activation_ratio=0.015,
        break_even_after_ratio=0.02,
    )


def test_a_stop_that_would_trail_beyond_the_target_is_refused(userdir):
    with pytest.raises(SettingsError, match=r"trailing_activation_ratio=0\.04 is never reached"):
        fleet(userdir, "[defaults]\ntrailing_stop = 0.01\ntrailing_activation = 0.04")


def test_settings_cannot_be_changed_afterwards(userdir):
    settings = load_settings(userdir)

    with pytest.raises(ValueError, match="frozen"):
        settings.gate.fdr = 0.5  # type: ignore[misc]


def test_a_file_that_was_asked_for_must_be_there(userdir):
    with pytest.raises(SettingsError, match=r"no settings file .*mine\.toml"):
        load_settings(userdir, userdir / "mine.toml")


# -- the file -----------------------------------------------------------------------------------------


def test_a_partial_bot_keeps_the_defaults_of_the_keys_it_leaves_out(userdir):
    settings = fleet(userdir, "[bots.BOT1]\nweight = 2.5")

    assert settings.bots["BOT1"].weight == 2.5
    assert settings.bots["BOT1"].strategy == "BOT1LongStrategy"
    assert settings.bots["BOT2"] == load_settings(userdir).bots["BOT2"]


def test_a_bot_of_ones_own_needs_all_its_keys(userdir):
    message = refusal_of(userdir, "[bots.BOT9]\nweight = 2.5")

    assert "bots.BOT9.strategy is missing" in message


def test_a_bot_of_ones_own_joins_the_known_ones(userdir):
    settings = fleet(
        userdir,
        '[bots.scalper]\nstrategy = "Scalper"\ndb_url = "sqlite:///s.sqlite"\nside = "short"\ntrades = "S"',
    )

    assert list(settings.bots) == ["BOT1", "BOT2", "BOT3", "scalper"]
    assert settings.bots["scalper"].sides == (Side.SHORT,)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[store]\nurll = 'x'", "unknown key store.urll; did you mean url?"),
        ("[stroe]\nurl = 'x'", "unknown key stroe; did you mean store?"),
        ("[bots.BOT1]\nwieght = 2.0", "unknown key bots.BOT1.wieght; did you mean weight?"),
        (
            "[gate]\nzzz = 1",
            "known keys: claim_min_bps, e_publish, families, family_trades, fdr, folds, lattice, method, "
            "min_nonzero, pooled_alpha",
        ),
        ("userdir = 'x'", "unknown key userdir; give --userdir"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(userdir, text, shown):
    message = refusal_of(userdir, text)

    assert shown in message
    assert "fleet.toml" in message


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[gate]\nfdr = 5", "gate.fdr = 5"),
        ("[defaults]\nstop_loss = 0.03", "defaults.stop_loss = 0.03"),
        ("[runtime]\nleverage = 20.0", "runtime.leverage = 20.0"),
        ("[bots.BOT1]\nside = 'up'", "bots.BOT1.side = 'up'"),
        ("[market]\ntimeframe = '1h'", "market.timeframe = '1h'"),
        ("[optimizer]\nstop_loss = [-0.01, -0.05]", "the lower bound comes first"),
        ("[optimizer]\nstop_loss = [-0.9, -0.05]", "optimizer.stop_loss.0 = -0.9"),
        ("[optimizer]\ntime_limit_minutes = []", "optimizer.time_limit_minutes = []"),
        ("[optimizer]\ntime_limit_minutes = [1]", "optimizer.time_limit_minutes.0 = 1"),
        ("bots = 3", "bots = 3"),
        ("[bots]\nBOT1 = 3", "bots.BOT1 = 3"),
        ("store = 'sqlite:///x'", "store = 'sqlite:///x'"),
    ],
)
def test_a_bad_value_is_refused_and_shown(userdir, text, shown):
    assert shown in refusal_of(userdir, text)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("store", "timeout_seconds"),
        ("store", "deadline_seconds"),
        ("gate", "claim_min_bps"),
        ("bots.BOT1", "weight"),
        ("refresh", "max_age_hours"),
        ("runtime", "learner_silence_hours"),
    ],
)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_refused(userdir, section, key, value):
    said = refusal_of(userdir, f"[{section}]\n{key} = {value}")

    assert f"{section}.{key} = {value}: " in said


def test_a_file_that_is_no_toml_is_refused_by_name(userdir):
    assert "fleet.toml is not TOML" in refusal_of(userdir, "[store")


def test_a_secret_in_the_file_is_refused_and_not_repeated(userdir):
    message = refusal_of(userdir, '[store]\ntoken = "hunter2"')

    assert "FREQFLEET_STORE__TOKEN" in message
    assert "hunter2" not in message


# -- the environment ----------------------------------------------------------------------------------


def test_the_environment_wins_over_the_file_key_by_key(userdir, monkeypatch):
    monkeypatch.setenv("FREQFLEET_STORE__URL", "sqlite:///env.sqlite")

    settings = fleet(userdir, '[store]\nurl = "sqlite:///file.sqlite"\ntimeout_seconds = 3.0')

    assert settings.store.url == "sqlite:///env.sqlite"
    assert settings.store.timeout_seconds == 3.0


def test_the_environment_reaches_one_key_of_one_bot(userdir, monkeypatch):
    monkeypatch.setenv("FREQFLEET_BOTS__BOT3__WEIGHT", "7")

    settings = fleet(userdir, '[bots.BOT3]\ntrades = "mine"\nweight = 2.0')

    assert list(settings.bots) == ["BOT1", "BOT2", "BOT3"]
    assert settings.bots["BOT3"].weight == 7.0
    assert settings.bots["BOT3"].trades == "mine"


def test_lists_in_the_environment_are_json(userdir, monkeypatch):
    monkeypatch.setenv("FREQFLEET_OPTIMIZER__STOP_LOSS", "[-0.04, -0.02]")

    assert load_settings(userdir).optimizer.stop_loss == (-0.04, -0.02)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("FREQFLEET_GATE__FDR", "few", "FREQFLEET_GATE__FDR: gate.fdr = 'few'"),
        ("FREQFLEET_STORE__URLL", "x", "FREQFLEET_STORE__URLL: unknown key store.urll; did you mean url?"),
        ("FREQFLEET_STROE__URL", "x", "FREQFLEET_STROE__URL; settings are written FREQFLEET_STORE__"),
        ("FREQFLEET_STORE_URL", "x", "FREQFLEET_STORE_URL; settings are written FREQFLEET_STORE__"),
        ("FREQFLEET_USERDIR", "x", "FREQFLEET_USERDIR is not a setting; give --userdir"),
        ("FREQFLEET_STORE", "no json", 'field "store"'),
    ],
)
def test_a_variable_that_is_wrong_is_refused_by_its_name(userdir, monkeypatch, name, value, shown):
    monkeypatch.setenv(name, value)

    assert shown in refusal_of(userdir)


def test_variables_that_are_no_settings_are_left_alone(userdir, monkeypatch):
    monkeypatch.setenv("FREQFLEET_SHARED", "/somewhere")

    assert load_settings(userdir) == load_settings(userdir)


def test_a_token_is_never_shown(userdir, monkeypatch):
    monkeypatch.setenv("FREQFLEET_STORE__TOKEN", "hunter2")

    settings = load_settings(userdir)

    assert settings.store.token is not None
    assert settings.store.token.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


# -- where things are ---------------------------------------------------------------------------------


def test_user_data_means_the_userdir_in_use(userdir):
    settings = load_settings(userdir)

    assert settings.datadir == userdir / "data" / "binance"
    assert settings.path(Path("user_data/config/fleet.toml")) == userdir / "config" / "fleet.toml"
    assert settings.path(Path("elsewhere/user_data")) == Path("elsewhere/user_data")
    assert settings.path(Path("/user_data/x")) == Path("/user_data/x")


def test_a_relative_sqlite_file_lies_in_the_userdir_in_use(userdir):
    settings = load_settings(userdir)

    assert settings.database_url("sqlite:///user_data/bot1.sqlite") == f"sqlite:///{userdir}/bot1.sqlite"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////var/lib/bot1.sqlite",
        "sqlite:///other.sqlite",
        "sqlite://",
        "postgresql+psycopg://db/user_data",
    ],
)
def test_other_databases_are_where_they_say(userdir, url):
    assert load_settings(userdir).database_url(url) == url


def test_overrides_win_over_everything(userdir, monkeypatch):
    monkeypatch.setenv("FREQFLEET_STORE__URL", "sqlite:///env.sqlite")

    settings = load_settings(userdir, store=StoreSettings(url="sqlite:///override.sqlite"))

    assert settings.store.url == "sqlite:///override.sqlite"
