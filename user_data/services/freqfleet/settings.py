"""Settings: fleet.toml and FREQFLEET_* in the environment, frozen and typed.

The environment wins over the file. An unknown key is refused by name, with the nearest known one.
Secrets come from the environment or from files, never from fleet.toml.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from freqfleet.domain.exits import (
    STOP_LOSS_BOUNDS,
    TAKE_PROFIT_BOUNDS,
    TIME_LIMIT_MINUTES_BOUNDS,
    ExitParameters,
)
from freqfleet.domain.sides import Side
from freqfleet.errors import SettingsError

USERDIR_NAME = "user_data"
FLEET_FILE = Path("config") / "fleet.toml"

Ratio01 = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(gt=0)]
StopLoss = Annotated[float, Field(ge=STOP_LOSS_BOUNDS[0], le=STOP_LOSS_BOUNDS[1])]
TakeProfit = Annotated[float, Field(ge=TAKE_PROFIT_BOUNDS[0], le=TAKE_PROFIT_BOUNDS[1])]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(_Frozen):
    """[store] where the learning store is. The URL holds no secret."""

    url: str = "sqlite:///user_data/learning.sqlite"
    token: SecretStr | None = None
    token_file: Path | None = None
    timeout_seconds: Annotated[float, Field(gt=0.0)] = 10.0


class MarketSettings(_Frozen):
    """[market] the candles: freqtrade's own datadir."""

    datadir: Path = Path("user_data/data/binance")
    timeframe: Literal["5m"] = "5m"
    detail_timeframe: Literal["1m"] = "1m"


class BotSettings(_Frozen):
    """[bots.NAME] one freqtrade bot: its strategy, its own database, its weight in learning."""

    strategy: str
    db_url: str
    side: Literal["long", "short", "both"]
    weight: Annotated[float, Field(gt=0.0)] = 1.0
    trades: str

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides this bot trades."""
        return tuple(Side) if self.side == "both" else (Side(self.side),)


class DefaultSettings(_Frozen):
    """[defaults] the exits where nothing has been published; position-level."""

    stop_loss: StopLoss = -0.03
    take_profit: TakeProfit = 0.03
    time_limit_minutes: Annotated[
        int, Field(ge=TIME_LIMIT_MINUTES_BOUNDS[0], le=TIME_LIMIT_MINUTES_BOUNDS[1])
    ] = 1440

    def parameters(self) -> ExitParameters:
        """Return the defaults as exit parameters."""
        return ExitParameters(
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            time_limit_minutes=self.time_limit_minutes,
        )


class OptimizerSettings(_Frozen):
    """[optimizer] what is searched; position-level ratios."""

    days_back: PositiveInt = 90
    min_trades: PositiveInt = 60
    stop_loss: tuple[StopLoss, StopLoss] = (-0.0515, -0.01)
    take_profit: tuple[TakeProfit, TakeProfit] = (0.015, 0.20)
    volatility_scaling: tuple[Ratio01, Ratio01] = (0.0, 1.0)
    time_limit_minutes: tuple[PositiveInt, ...] = (60, 240, 720, 1440)
    reward_risk_min: Annotated[float, Field(gt=0.0)] = 0.8
    trials: PositiveInt = 100
    train_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.7
    seed: int = 42
    source_weights: Literal["share", "literal"] = "share"


class GateSettings(_Frozen):
    """[gate] what a candidate must show before it is published."""

    fdr: Ratio01 = 0.05
    pooled_alpha: Ratio01 = 0.01
    claim_min_bps: float = 10.0
    e_publish: Annotated[float, Field(gt=1.0)] = 20.0


class CostSettings(_Frozen):
    """[costs] per side, as ratios of the position's value."""

    fee: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0005
    slippage: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0002
    funding: Literal["history", "none"] = "history"


class RefreshSettings(_Frozen):
    """[refresh] how bots keep their parameter book fresh, and when it is too old to trust."""

    parameters_seconds: PositiveInt = 1800
    max_age_hours: Annotated[float, Field(gt=0.0)] = 48.0


class RuntimeSettings(_Frozen):
    """[runtime] what the strategies do.

    parameters : `book` trades on what was published, `defaults` ignores it (for comparison).
    leverage : the leverage of every position, within 1..10.
    min_votes : feeders of one side that must agree before a bot enters.
    """

    parameters: Literal["book", "defaults"] = "book"
    leverage: Annotated[float, Field(ge=1.0, le=10.0)] = 3.0
    min_votes: PositiveInt = 2


def _default_bots() -> dict[str, BotSettings]:
    return {
        "BOT1": BotSettings(
            strategy="BOT1LongStrategy",
            db_url="sqlite:///user_data/bot1.sqlite",
            side="long",
            weight=1.0,
            trades="BOT1_trades",
        ),
        "BOT2": BotSettings(
            strategy="BOT2ShortStrategy",
            db_url="sqlite:///user_data/bot2.sqlite",
            side="short",
            weight=1.0,
            trades="BOT2_trades",
        ),
        "BOT3": BotSettings(
            strategy="BOT3MetaStrategyAdaptive",
            db_url="sqlite:///user_data/bot3.sqlite",
            side="both",
            weight=3.0,
            trades="BOT33_trades",
        ),
    }


class Settings(BaseSettings):
    """Everything that can be set, with its defaults; build it with `load_settings`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix="FREQFLEET_", env_nested_delimiter="__"
    )

    store: StoreSettings = StoreSettings()
    market: MarketSettings = MarketSettings()
    bots: dict[str, BotSettings] = Field(default_factory=_default_bots)
    defaults: DefaultSettings = DefaultSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    gate: GateSettings = GateSettings()
    costs: CostSettings = CostSettings()
    refresh: RefreshSettings = RefreshSettings()
    runtime: RuntimeSettings = RuntimeSettings()

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
    try:
        settings = Settings(**{**values, "userdir": folder})
    except ValidationError as error:
        raise SettingsError(_explain(error, chosen)) from None
    return settings.model_copy(update=overrides) if overrides else settings


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}") from None
    bots = values.get("bots")
    if isinstance(bots, dict):  # a partial [bots.BOT1] keeps the defaults of the keys it leaves out
        known = {name: bot.model_dump() for name, bot in _default_bots().items()}
        values["bots"] = {**known, **{n: {**known.get(n, {}), **v} for n, v in bots.items()}}
    return values


def _explain(error: ValidationError, file: Path) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    name = ".".join(location)
    if first["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        nearest = difflib.get_close_matches(location[-1], known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known keys: {', '.join(known)}"
        return f"{file}: unknown key {name}; {hint}"
    return f"{file}: {name} = {first['input']!r}: {first['msg']}"


def _known_keys(section: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in section:
        field = model.model_fields.get(part)
        if field is None or part == "bots":
            return sorted(BotSettings.model_fields)
        assert isinstance(field.annotation, type)
        model = field.annotation
    return sorted(name for name in model.model_fields if name != "userdir")
