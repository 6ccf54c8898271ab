import json
from pathlib import Path

import pytest

from freqfleet.errors import SettingsError
from freqfleet.learning.seed_config import SeedConfig, read_seed_config
from freqfleet.settings import load_settings

# The file as seed 000 prints it.
SEED_000 = {
    "optimization": {"days_back": 90, "n_trials": 100, "train_test_split": 0.7},
    "pairs": {"use_config_whitelist": True, "whitelist": [], "blacklist": []},
    "multi_bot": {"enabled": True, "bot3_weight": 3.0, "bot1_weight": 1.0, "bot2_weight": 1.0},
    "logging": {"level": "INFO", "file": "user_data/logs/optuna_optimizer.log"},
}
SETTINGS = load_settings(Path("nowhere"))
PAIRS = ("BTC/USDT:USDT", "ETH/USDT:USDT")


def read(tmp_path, values) -> SeedConfig:
    file = tmp_path / "optuna_config.json"
    file.write_text(values if isinstance(values, str) else json.dumps(values))
    return read_seed_config(file)


def test_file_of_seed_000_says_what_our_defaults_say(tmp_path):
    config = read(tmp_path, SEED_000)

    assert config.over(SETTINGS) == SETTINGS
    assert config.choose(PAIRS) == PAIRS
    assert config.logging.file == Path("user_data/logs/optuna_optimizer.log")


def test_values_of_the_file_reach_the_settings(tmp_path):
    config = read(
        tmp_path,
        {
            "optimization": {"days_back": 30, "n_trials": 7, "train_test_split": 0.5},
            "multi_bot": {"bot3_weight": 5.0},
        },
    )

    settings = config.over(SETTINGS)

    assert settings.optimizer == SETTINGS.optimizer.model_copy(
        update={"days_back": 30, "trials": 7, "train_share": 0.5}
    )
    assert {name: bot.weight for name, bot in settings.bots.items()} == {
        "BOT1": 1.0,
        "BOT2": 1.0,
        "BOT3": 5.0,
    }


def test_what_the_file_leaves_out_stays_as_it_is(tmp_path):
    assert read(tmp_path, {}).over(SETTINGS) == SETTINGS


def test_without_multi_bot_the_executing_bot_alone_is_learned_from(tmp_path):
    settings = read(tmp_path, {"multi_bot": {"enabled": False}}).over(SETTINGS)

    assert list(settings.bots) == ["BOT3"]


def test_whitelist_and_blacklist_choose_the_pairs(tmp_path):
    listed = {"use_config_whitelist": False, "whitelist": ["SOL/USDT:USDT", "BTC/USDT:USDT"]}

    assert read(tmp_path, {"pairs": listed}).choose(PAIRS) == ("SOL/USDT:USDT", "BTC/USDT:USDT")
    assert read(tmp_path, {"pairs": {"blacklist": ["BTC/USDT:USDT"]}}).choose(PAIRS) == ("ETH/USDT:USDT",)


def test_no_pair_left_is_refused_with_the_lists(tmp_path):
    with pytest.raises(SettingsError, match=r"no pair is left: use_config_whitelist = false, whitelist \[\]"):
        read(tmp_path, {"pairs": {"use_config_whitelist": False}}).choose(PAIRS)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimisation": {}}, "unknown key optimisation; did you mean optimization?"),
        ({"pairs": {"whitlist": []}}, r"unknown key pairs\.whitlist; did you mean whitelist?"),
        ({"multi_bot": {"zzz": 1}}, r"unknown key multi_bot\.zzz; known keys: bot1_weight, bot2_weight"),
        ({"optimization": {"n_trials": 0}}, r"optimization\.n_trials = 0: "),
        ({"multi_bot": {"bot1_weight": 0.0}}, r"multi_bot\.bot1_weight = 0\.0: "),
        ("[1]", "should be a valid dictionary"),
        ("{", "is not JSON"),
    ],
)
def test_wrong_file_is_refused_with_the_key_and_the_remedy(tmp_path, values, message):
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, values)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot read .*gone\.json: No such file"):
        read_seed_config(tmp_path / "gone.json")


def test_weight_of_a_bot_that_is_not_there_is_refused(tmp_path):
    only_bot3 = SETTINGS.model_copy(update={"bots": {"BOT3": SETTINGS.bots["BOT3"]}})

    with pytest.raises(SettingsError, match=r"bot1_weight = 2\.0: fleet\.toml has no \[bots\.BOT1\]"):
        read(tmp_path, {"multi_bot": {"bot1_weight": 2.0}}).over(only_bot3)
