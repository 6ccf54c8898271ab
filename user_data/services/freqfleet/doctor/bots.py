"""Are the bots' own files right: freqtrade configs, strategies, databases, accounts?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy.exc import ArgumentError

from freqfleet.doctor.configs import MEMORY, account_marks, check_config, database_url, place_of, read_config
from freqfleet.doctor.findings import Finding, fail, failed, note, ok
from freqfleet.doctor.leverage import check_leverage
from freqfleet.errors import FreqfleetError
from freqfleet.settings import BotSettings, Settings
from freqfleet.trades.freqtrade_db import FreqtradeDatabase


def config_file(settings: Settings, bot: str) -> Path:
    """Return where a bot's freqtrade config is by convention: config/bot1.json for BOT1."""
    return settings.userdir / "config" / f"{bot.lower()}.json"


def check_bots(settings: Settings) -> Iterator[Finding]:
    """Check every configured bot, then what the bots share by mistake."""
    configs: dict[str, Mapping[str, Any]] = {}
    for bot, bot_settings in settings.bots.items():
        file = config_file(settings, bot)
        config, finding = read_config(bot, file)
        yield finding
        if config is not None:
            configs[bot] = config
            yield from check_config(settings, bot, file, config, bot_settings)
            yield from check_leverage(settings, bot, file, config)
        yield _check_strategy(settings, bot, bot_settings)
        yield _check_database(settings, bot, bot_settings)
    yield from _check_shared(configs)


def _check_strategy(settings: Settings, bot: str, bot_settings: BotSettings) -> Finding:
    subject = f"{bot} strategy"
    folder = settings.userdir / "strategies"
    wanted = re.compile(rf"^class {re.escape(bot_settings.strategy)}\b", re.MULTILINE)
    for file in sorted(folder.glob("*.py")):
        try:
            source = file.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            return fail(subject, f"{file} cannot be read: {error.strerror}", "move it away or correct it")
        if wanted.search(source):
            return ok(subject, f"{bot_settings.strategy} in {file}")
    return fail(
        subject,
        f"no class {bot_settings.strategy} in {folder}",
        f"`freqfleet init --userdir {settings.userdir}` puts ours there, or correct [bots.{bot}] strategy",
    )


def _check_database(settings: Settings, bot: str, bot_settings: BotSettings) -> Finding:
    subject = f"{bot} database"
    try:
        url = settings.database_url(bot_settings.db_url)
        database = FreqtradeDatabase(url, bot=bot)
        if url.startswith("sqlite:///") and not Path(database.description).exists():
            return note(subject, f"no {database.description} yet", "start the bot once, or correct db_url")
        return ok(subject, f"{database.description}: {len(database.inventory().trade_ids)} closed trades")
    except FreqfleetError as error:
        return failed(subject, error, remedy=f"correct [bots.{bot}] db_url in fleet.toml")


def _check_shared(configs: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Two bots on one database or one futures account mix their trades (freqtrade owns its account)."""
    databases: defaultdict[str, list[str]] = defaultdict(list)
    accounts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for bot, config in configs.items():
        with suppress(ArgumentError):  # said by the check of the config
            databases[place_of(database_url(config))].append(bot)
        for account in account_marks(config):
            accounts[account].append(bot)
    databases.pop(MEMORY, None)  # each has its own
    for place, bots in databases.items():
        if len(bots) > 1:
            yield fail(
                "databases",
                f"{', '.join(bots)} write their trades to the same {place}",
                "give every bot a db_url of its own, in its config and in fleet.toml",
            )
    for together in sorted({tuple(bots) for bots in accounts.values() if len(bots) > 1}):
        yield fail(
            "accounts",
            f"{', '.join(together)} trade on one futures account: freqtrade takes every position of its "
            "account for its own, so positions of one pair net, and orders, funding and liquidation mix",
            "give every bot a sub-account of its own, with a key of its own",
        )
