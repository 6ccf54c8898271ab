"""A bot's freqtrade config: can freqtrade read it, and does it say what the fleet needs?

Nothing here shows a value of the file that could be a key or a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

from freqtrade.config_schema.config_schema import CONF_SCHEMA, SCHEMA_MINIMAL_REQUIRED
from freqtrade.configuration.config_validation import FreqtradeValidator
from freqtrade.configuration.load_config import load_from_files
from freqtrade.constants import DEFAULT_DB_DRYRUN_URL, DEFAULT_DB_PROD_URL
from freqtrade.exceptions import FreqtradeException
from jsonschema import Draft4Validator, ValidationError
from jsonschema.exceptions import best_match
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from freqfleet.doctor.findings import Finding, fail, failed, note, ok
from freqfleet.errors import SettingsError
from freqfleet.settings import BotSettings, Settings
from freqfleet.trades.read_only import describe
from freqfleet.wiring import check_exits_are_asked

MEMORY = "memory"
_REFUSED = "freqtrade refuses it too; correct it"
_SYNTAX = "write one JSON object as freqtrade reads it: comments and trailing commas are fine"


def read_config(bot: str, file: Path) -> tuple[dict[str, Any] | None, Finding]:
    """Return a bot's config as freqtrade completes it, None where it cannot be used, and what was found."""
    subject = f"{bot} config"
    if not file.is_file():
        userdir = file.parent.parent
        return None, fail(subject, f"no file {file}", f"`freqfleet init --userdir {userdir}` puts one there")
    try:
        config = load_from_files([str(file)])
    except (FreqtradeException, OSError, UnicodeDecodeError) as error:
        return None, fail(subject, f"{file}: {_first_line(error, file)}", _REFUSED)
    except (AttributeError, TypeError, RecursionError):  # freqtrade takes for granted that it is an object
        return None, fail(subject, f"{file} does not hold one JSON object", _SYNTAX)
    flaw = _completed(config)
    if flaw is not None:
        return None, fail(subject, f"{file}: {flaw}", _REFUSED)
    return config, ok(subject, str(file))


def check_config(
    settings: Settings, bot: str, file: Path, config: Mapping[str, Any], bot_settings: BotSettings
) -> Iterator[Finding]:
    """Compare a config with what the fleet needs, and with fleet.toml."""
    subject = f"{bot} config"
    for key, wanted in (("trading_mode", "futures"), ("margin_mode", "isolated")):
        if config.get(key) != wanted:
            told = f"{key} is {config[key]!r}" if key in config else f"{key} is not set"
            yield fail(subject, f"{told}, the fleet trades {wanted}", f'set "{key}": "{wanted}" in {file}')
    timeframe = settings.market.timeframe
    if config.get("timeframe", timeframe) != timeframe:
        yield fail(
            subject,
            f"timeframe is {config['timeframe']!r}, the strategies read {timeframe}",
            f'set "timeframe": "{timeframe}" in {file}',
        )
    strategy = config.get("strategy")
    if strategy is not None and strategy != bot_settings.strategy:
        yield fail(
            subject,
            f"strategy is {strategy!r}, fleet.toml says {bot_settings.strategy!r}",
            f"make {file} and [bots.{bot}] agree",
        )
    try:
        check_exits_are_asked(bot, config)
    except SettingsError as error:
        yield failed(subject, error, remedy=f"change {file}")
    yield from _check_db_url(settings, bot, file, config, bot_settings)
    if not config.get("dry_run", True):
        yield note(subject, "dry_run is false: this bot trades real money")


def database_url(config: Mapping[str, Any]) -> str:
    """Return the database that freqtrade opens with this config."""
    default = DEFAULT_DB_DRYRUN_URL if config.get("dry_run", True) else DEFAULT_DB_PROD_URL
    return str(config.get("db_url") or default)


def account_marks(config: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what two configs of one account share: its key, uid, account id, wallet address, by kind.

    Under every name that freqtrade reads. One account can have several keys, so that other keys are no
    proof of other accounts; the rest is compared where the exchange wants it. Never show any of them.
    """
    exchange = config["exchange"]
    keys = (str(exchange[name]) for name in ("api_key", "apiKey", "key") if exchange.get(name))
    key = next(keys, None)
    marks = [] if key is None else [("key", key)]
    names = ("uid", "account_id", "accountId", "wallet_address", "walletAddress")
    marks += [(name.replace("_", "").lower(), str(exchange[name])) for name in names if exchange.get(name)]
    return tuple(marks)


def place_of(url: str) -> str:
    """Return where a database is, in a form that two configs can be compared by, without its password.

    Raises ArgumentError for what is no database URL.
    """
    try:
        parsed: URL = make_url(url)
    except ValueError as error:  # a port that is no number
        raise ArgumentError(str(error)) from None
    if parsed.get_backend_name() != "sqlite":
        return describe(parsed)
    if parsed.database in (None, "", ":memory:"):
        return MEMORY
    return str(Path(str(parsed.database)).resolve())


def _check_db_url(
    settings: Settings, bot: str, file: Path, config: Mapping[str, Any], bot_settings: BotSettings
) -> Iterator[Finding]:
    """The bot writes one database and sync reads one: is it the same?"""
    subject = f"{bot} config"
    written = database_url(config)
    try:
        theirs = place_of(written)
    except ArgumentError:
        yield fail(subject, f"its db_url is no database URL in {file}", 'write "sqlite:///PATH"')
        return
    try:
        ours = place_of(settings.database_url(bot_settings.db_url))
    except ArgumentError:
        return  # said by the check of the database itself
    if theirs == ours:
        return
    told = f"the bot writes its trades to {theirs}, sync reads {ours}"
    agree = f"write the same db_url in {file} and in [bots.{bot}] of fleet.toml"
    if written.startswith("sqlite:///") and not written.startswith("sqlite:////"):
        yield note(
            subject,
            f"started in this folder, {told}",
            f"start it with --db-url sqlite:///{ours}, or {agree}",
        )
    else:
        yield fail(subject, told, agree)


def _completed(config: dict[str, Any]) -> str | None:
    """Fill in freqtrade's own defaults, and return the worst that its schema has against the config."""
    schema = {**CONF_SCHEMA, "required": SCHEMA_MINIMAL_REQUIRED}
    try:
        flaw = best_match(FreqtradeValidator(schema).iter_errors(config))
    except AttributeError:  # it fills in sections before it looks whether they are objects
        flaws = Draft4Validator(CONF_SCHEMA).iter_errors(config)
        flaw = best_match(one for one in flaws if one.validator == "type")
        return "a section is not an object { … }" if flaw is None else _describe(flaw)
    return None if flaw is None else _describe(flaw)


def _first_line(error: Exception, file: Path) -> str:
    """Return an error's first line, with the line of the file where freqtrade gives an offset.

    Its other lines show the file, and there are keys in it.
    """
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    offset = re.search(r"Parse error at offset (\d+): ", line)
    if offset is None:
        return line
    number = file.read_bytes().count(b"\n", 0, int(offset[1])) + 1
    return f"line {number}: {line[offset.end() :]}"


def _describe(flaw: ValidationError) -> str:
    """Say which key breaks which rule, without the value: it may be a secret."""
    place = ".".join(str(part) for part in flaw.absolute_path)
    if flaw.validator == "required":
        return f"{flaw.message} of {place or 'the file'}"
    rule = shorten(str(flaw.validator_value), 120, placeholder=" …")
    return f"{place or 'the file'}: its {flaw.validator} must be {rule}"
