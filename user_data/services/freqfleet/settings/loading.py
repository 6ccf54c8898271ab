"""Reading fleet.toml and FREQFLEET_* of the environment, and saying in words what is wrong with them."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings.exceptions import SettingsError as UnreadableEnvironment

from freqfleet.errors import SettingsError
from freqfleet.settings.fleet import ENV_DELIMITER, ENV_PREFIX, FLEET_FILE, USERDIR_NAME, Settings
from freqfleet.settings.trading import BotSettings


def load_settings(userdir: Path | None = None, file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings of a userdir.

    userdir : freqtrade's user_data folder; `user_data` below the current folder where not given.
    file : another fleet.toml; where it is not given and the userdir has none, the defaults hold.
    overrides : whole sections, for example `store=StoreSettings(url=...)`; they win over everything.

    Raises SettingsError with the key, the value and the remedy.
    """
    folder = userdir if userdir is not None else Path(USERDIR_NAME)
    if file is not None and not file.is_file():
        raise SettingsError(f"no settings file {file}; give --config another path")
    chosen = file if file is not None else folder / FLEET_FILE
    values = _read_toml(chosen) if chosen.is_file() else {}
    _refuse_unknown_environment()
    try:
        settings = Settings(**{**values, "userdir": folder})
    except ValidationError as error:
        raise SettingsError(_explain(error, chosen)) from None
    except UnreadableEnvironment as error:
        raise SettingsError(
            f"environment: {error}; a whole section is JSON, a single key is "
            f"{ENV_PREFIX}STORE{ENV_DELIMITER}URL=…"
        ) from None
    return settings.model_copy(update=overrides) if overrides else settings


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}") from None
    if "userdir" in values:
        raise SettingsError(f"{file}: unknown key userdir; give --userdir")
    store = values.get("store")
    if isinstance(store, dict) and "token" in store:
        raise SettingsError(
            f"{file}: store.token is a secret and does not belong in a file that is shared; "
            f"set {ENV_PREFIX}STORE{ENV_DELIMITER}TOKEN, or token_file"
        )
    return values


def _refuse_unknown_environment() -> None:
    """Refuse a variable that looks like a setting and would be ignored.

    That is: one with the delimiter, one that starts like a section, and the userdir, which only the
    command line gives. Other FREQFLEET_ names are none of our business.
    """
    sections = [name for name in Settings.model_fields if name != "userdir"]
    for name in sorted(os.environ):
        if not name.upper().startswith(ENV_PREFIX):
            continue
        setting = name[len(ENV_PREFIX) :].lower()
        section = setting.split(ENV_DELIMITER)[0]
        if setting == "userdir":
            raise SettingsError(f"{name} is not a setting; give --userdir")
        if section in sections:
            continue
        if ENV_DELIMITER in setting or any(setting.startswith(f"{one}_") for one in sections):
            nearest = difflib.get_close_matches(section, sections, n=1) or sections
            hint = f"{ENV_PREFIX}{nearest[0].upper()}{ENV_DELIMITER}…"
            raise SettingsError(f"unknown environment variable {name}; settings are written {hint}")


def _explain(error: ValidationError, file: Path) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    name = ".".join(location)
    place = _environment_name(location) or file
    if first["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        nearest = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known keys: {', '.join(known)}"
        return f"{place}: unknown key {name}; {hint}"
    if first["type"] == "missing":
        return f"{place}: {name} is missing"
    value = "(not shown)" if location[-1] == "token" else repr(first["input"])
    return f"{place}: {name} = {value}: {first['msg']}"


def _environment_name(location: list[str]) -> str | None:
    """Return the variable that gave a value, or the closest one above it; None where the file did."""
    given = {name.upper() for name in os.environ}
    for depth in range(len(location), 0, -1):
        name = ENV_PREFIX + ENV_DELIMITER.join(location[:depth]).upper()
        if name in given:
            return name
    return None


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in section:
        field = model.model_fields.get(part)
        if field is None or part == "bots":
            return sorted(BotSettings.model_fields)
        assert isinstance(field.annotation, type)
        model = field.annotation
    return sorted(name for name in model.model_fields if name != "userdir")
