"""The shipped bot configs: freqtrade accepts them, and they say the same as fleet.toml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from freqfleet.exchange.overlay import offline_overlay
from freqfleet.settings import load_settings

CONFIG = Path(__file__).parents[2] / "user_data" / "config"
BOTS = ("BOT1", "BOT2", "BOT3")


def config(bot: str) -> dict[str, Any]:
    loaded = json.loads((CONFIG / f"{bot.lower()}.json").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize("bot", BOTS)
@pytest.mark.parametrize("offline", [False, True], ids=["plain", "offline"])
def test_freqtrade_accepts_the_config(bot: str, offline: bool) -> None:
    from freqtrade.configuration import validate_config_consistency
    from freqtrade.enums import RunMode
    from freqtrade.misc import deep_merge_dicts

    of_strategy = {"stoploss": -0.1, "minimal_roi": {"0": 1.0}}
    loaded: dict[str, Any] = {"runmode": RunMode.DRY_RUN, **of_strategy, **config(bot)}
    merged = deep_merge_dicts(offline_overlay(), loaded) if offline else loaded

    validate_config_consistency(merged)

    assert merged["exchange"]["pair_whitelist"] == config(bot)["exchange"]["pair_whitelist"]


@pytest.mark.parametrize("bot", BOTS)
def test_a_bot_is_the_one_of_the_settings(bot: str, tmp_path: Path) -> None:
    settings = load_settings(tmp_path).bots[bot]

    loaded = config(bot)

    assert (loaded["bot_name"], loaded["strategy"], loaded["db_url"]) == (
        bot,
        settings.strategy,
        settings.db_url,
    )


@pytest.mark.parametrize("bot", BOTS)
def test_a_bot_starts_dry_and_without_keys(bot: str) -> None:
    loaded = config(bot)

    assert loaded["dry_run"] is True
    assert (loaded["exchange"]["key"], loaded["exchange"]["secret"]) == ("", "")
    assert (loaded["trading_mode"], loaded["margin_mode"], loaded["timeframe"]) == (
        "futures",
        "isolated",
        "5m",
    )


def test_bots_have_databases_of_their_own_and_the_same_pairs() -> None:
    loaded = [config(bot) for bot in BOTS]

    assert len({each["db_url"] for each in loaded}) == len(BOTS)
    assert len({tuple(each["exchange"]["pair_whitelist"]) for each in loaded}) == 1


def test_every_pair_has_leverage_in_freqtrade_s_own_tiers() -> None:
    import freqtrade.exchange

    file = Path(freqtrade.exchange.__file__).parent / "binance_leverage_tiers.json"
    tiers = json.loads(file.read_text(encoding="utf-8"))

    # A pair that is missing there would silently trade without leverage in a dry run.
    assert [pair for pair in config("BOT1")["exchange"]["pair_whitelist"] if pair not in tiers] == []
