"""Are the bots' own files right: freqtrade configs, strategies, databases, accounts?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from freqtrade.configuration.config_validation import validate_config_schema
from freqtrade.configuration.load_config import load_from_files
from freqtrade.exceptions import FreqtradeException
from jsonschema import ValidationError

from freqfleet.doctor.findings import Finding, fail, note, ok
from freqfleet.errors import InputError, UnreachableError
from freqfleet.settings import BotSettings, Settings
from freqfleet.trades.freqtrade_db import FreqtradeDatabase

_WANTED = {"trading_mode": "futures", "margin_mode": "isolated", "timeframe": "5m"}


def config_file(settings: Settings, bot: str) -> Path:
    """Return where a bot's freqtrade config is by convention: config/bot1.json for BOT1."""
    return settings.userdir / "config" / f"{bot.lower()}.json"


def check_bots(settings: Settings) -> Iterator[Finding]:
    """Check every configured bot, then what the bots share by mistake."""
    configs: dict[str, Mapping[str, Any]] = {}
    for bot, bot_settings in settings.bots.items():
        file = config_file(settings, bot)
        config, finding = _read_config(bot, file)
        yield finding
        if config is not None:
            configs[bot] = config
            yield from _check_config(bot, file, config, bot_settings)
        yield _check_strategy(settings, bot, bot_settings)
        yield _check_database(settings, bot, bot_settings)
    yield from _check_shared(configs)


def _read_config(bot: str, file: Path) -> tuple[Mapping[str, Any] | None, Finding]:
    subject = f"{bot} config"
    if not file.is_file():
        return None, fail(subject, f"{file} is missing", "`freqfleet init` puts one there")
    try:
        config = load_from_files([str(file)])
        validate_config_schema(dict(config))
    except (FreqtradeException, ValidationError) as error:
        first = str(error).strip().splitlines()[0]
        return None, fail(subject, f"{file}: {first}", "freqtrade would refuse it too; correct that line")
    return config, ok(subject, str(file))


def _check_config(
    bot: str, file: Path, config: Mapping[str, Any], bot_settings: BotSettings
) -> Iterator[Finding]:
    subject = f"{bot} config"
    for key, wanted in _WANTED.items():
        if config.get(key, wanted) != wanted:
            yield fail(subject, f"{key} is {config[key]!r}", f'set "{key}": "{wanted}" in {file}')
    strategy = config.get("strategy")
    if strategy is not None and strategy != bot_settings.strategy:
        yield fail(
            subject,
            f"strategy is {strategy!r}, fleet.toml says {bot_settings.strategy!r}",
            f"make {file} and [bots.{bot}] agree",
        )
    if not config.get("dry_run", True):
        yield note(subject, "dry_run is false: this bot trades real money")


def _check_strategy(settings: Settings, bot: str, bot_settings: BotSettings) -> Finding:
    subject = f"{bot} strategy"
    folder = settings.userdir / "strategies"
    wanted = f"class {bot_settings.strategy}("
    for file in sorted(folder.glob("*.py")) if folder.is_dir() else []:
        if wanted in file.read_text(encoding="utf-8", errors="replace"):
            return ok(subject, f"{bot_settings.strategy} in {file}")
    return fail(subject, f"no {bot_settings.strategy} in {folder}", "`freqfleet init` puts it there")


def _check_database(settings: Settings, bot: str, bot_settings: BotSettings) -> Finding:
    subject = f"{bot} database"
    try:
        database = FreqtradeDatabase(settings.database_url(bot_settings.db_url), bot=bot)
        return ok(subject, f"{database.description}: {len(database.inventory().trade_ids)} closed trades")
    except InputError as error:
        return note(subject, str(error), "it appears when the bot has run; or set db_url in fleet.toml")
    except UnreachableError as error:
        return fail(subject, str(error), "start the database server, or correct db_url in fleet.toml")


def _check_shared(configs: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Two bots on one database or one futures account mix their trades (freqtrade owns its account)."""
    databases: defaultdict[str, list[str]] = defaultdict(list)
    accounts: defaultdict[str, list[str]] = defaultdict(list)
    for bot, config in configs.items():
        if config.get("db_url"):
            databases[str(config["db_url"])].append(bot)
        key = config.get("exchange", {}).get("key")
        if key:
            accounts[str(key)].append(bot)
    for bots in databases.values():
        if len(bots) > 1:
            yield fail("databases", f"{', '.join(bots)} share one db_url", "give every bot its own db_url")
    for bots in accounts.values():
        if len(bots) > 1:
            yield fail(
                "accounts",
                f"{', '.join(bots)} share one API key: positions of one pair would net and mix",
                "one sub-account with its own key for every bot",
            )
