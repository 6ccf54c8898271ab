"""All settings in one frozen value, and what its paths mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from freqfleet.settings.learning import CostSettings, GateSettings, OptimizerSettings, StudySettings
from freqfleet.settings.section import Section
from freqfleet.settings.trading import (
    BotSettings,
    BreakerSettings,
    DefaultSettings,
    FeederSettings,
    KillSwitchSettings,
    RefreshSettings,
    RuntimeSettings,
    default_bots,
)

USERDIR_NAME = "user_data"
FLEET_FILE = Path("config") / "fleet.toml"
ENV_PREFIX = "FREQFLEET_"
ENV_DELIMITER = "__"


class StoreSettings(Section):
    """[store] where the learning store is. The URL holds no secret."""

    url: Annotated[str, Field(repr=False)] = "sqlite:///user_data/learning.sqlite"  # might hold a password
    token: SecretStr | None = None
    token_file: Path | None = None
    timeout_seconds: Annotated[float, Field(gt=0.0)] = 10.0
    deadline_seconds: Annotated[float, Field(gt=0.0)] = 30.0


class MarketSettings(Section):
    """[market] the candles: freqtrade's own datadir."""

    datadir: Path = Path("user_data/data/binance")
    timeframe: Literal["5m"] = "5m"
    detail_timeframe: Literal["1m", "none"] = "1m"


class Settings(BaseSettings):
    """Everything that can be set, with its defaults; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER
    )

    store: StoreSettings = StoreSettings()
    market: MarketSettings = MarketSettings()
    bots: dict[str, BotSettings] = Field(default_factory=default_bots)
    defaults: DefaultSettings = DefaultSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    studies: StudySettings = StudySettings()
    gate: GateSettings = GateSettings()
    costs: CostSettings = CostSettings()
    refresh: RefreshSettings = RefreshSettings()
    runtime: RuntimeSettings = RuntimeSettings()
    feeders: FeederSettings = FeederSettings()
    kill_switch: KillSwitchSettings = KillSwitchSettings()
    breakers: BreakerSettings = BreakerSettings()

    userdir: Path = Path(USERDIR_NAME)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the values of the file, which arrive as init values."""
        return env_settings, init_settings

    @model_validator(mode="before")
    @classmethod
    def _complete_bots(cls, values: Any) -> Any:
        """Let a partial [bots.BOT1] keep the defaults of the keys it leaves out.

        Names from the environment arrive in lower case, after those of the file: they mean the bot that
        is written like them.
        """
        bots = values.get("bots") if isinstance(values, dict) else None
        if not isinstance(bots, dict):
            return values
        complete: dict[str, Any] = {name: bot.model_dump() for name, bot in default_bots().items()}
        for name, given in bots.items():
            known = next((one for one in complete if one.lower() == name.lower()), name)
            complete[known] = {**complete.get(known, {}), **given} if isinstance(given, dict) else given
        return {**values, "bots": complete}

    def path(self, path: Path) -> Path:
        """Return where a path of a setting is: `user_data/...` means the userdir in use."""
        if path.is_absolute() or path.parts[:1] != (USERDIR_NAME,):
            return path
        return self.userdir.joinpath(*path.parts[1:])

    def database_url(self, url: str) -> str:
        """Return `url` with a relative SQLite path set into the userdir in use."""
        scheme = "sqlite:///"
        if not url.startswith(scheme) or url.startswith(scheme + "/"):
            return url
        return scheme + str(self.path(Path(url.removeprefix(scheme))))

    @property
    def datadir(self) -> Path:
        """The candles' folder."""
        return self.path(self.market.datadir)
