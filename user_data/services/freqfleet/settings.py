"""Settings: fleet.toml and FREQFLEET_* in the environment, frozen and typed.

The environment wins over the file. An unknown key is refused by name, with the nearest known one.
Secrets come from the environment or from files, never from fleet.toml.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError as UnreadableEnvironment

from freqfleet.domain.exits import (
    STOP_LOSS_BOUNDS,
    TAKE_PROFIT_BOUNDS,
    TIME_LIMIT_MINUTES_BOUNDS,
    ExitParameters,
)
from freqfleet.domain.kill_switch import DrawdownLimits
from freqfleet.domain.managed_exits import (
    ACTIVATION_BOUNDS,
    REGIME_EXIT_BOUNDS,
    ManagedExits,
)
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError, SettingsError

USERDIR_NAME = "user_data"
FLEET_FILE = Path("config") / "fleet.toml"
ENV_PREFIX = "FREQFLEET_"
ENV_DELIMITER = "__"

Ratio01 = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(gt=0)]
StopLoss = Annotated[float, Field(ge=STOP_LOSS_BOUNDS[0], le=STOP_LOSS_BOUNDS[1])]
TakeProfit = Annotated[float, Field(ge=TAKE_PROFIT_BOUNDS[0], le=TAKE_PROFIT_BOUNDS[1])]
TimeLimit = Annotated[int, Field(ge=TIME_LIMIT_MINUTES_BOUNDS[0], le=TIME_LIMIT_MINUTES_BOUNDS[1])]


def _rising(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower bound comes first")
    return bounds


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoreSettings(_Frozen):
    """[store] where the learning store is. The URL holds no secret."""

    url: Annotated[str, Field(repr=False)] = "sqlite:///user_data/learning.sqlite"  # might hold a password
    token: SecretStr | None = None
    token_file: Path | None = None
    timeout_seconds: Annotated[float, Field(gt=0.0)] = 10.0
    deadline_seconds: Annotated[float, Field(gt=0.0)] = 30.0


class MarketSettings(_Frozen):
    """[market] the candles: freqtrade's own datadir."""

    datadir: Path = Path("user_data/data/binance")
    timeframe: Literal["5m"] = "5m"
    detail_timeframe: Literal["1m", "none"] = "1m"


class BotSettings(_Frozen):
    """[bots.NAME] one freqtrade bot: its strategy, its own database, its weight in learning."""

    strategy: str
    db_url: Annotated[str, Field(repr=False)]  # a server's may hold a password
    side: Literal["long", "short", "both"]
    weight: Annotated[float, Field(gt=0.0)] = 1.0
    trades: str

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides this bot trades."""
        return tuple(Side) if self.side == "both" else (Side(self.side),)


class DefaultSettings(_Frozen):
    """[defaults] the exits where nothing has been published; position-level.

    giveback : the share of the best profit (on closes, from giveback_activation on) whose loss ends a
        position. regime_exit_z : how far the trend must turn against it. 0 switches either off.
    """

    stop_loss: StopLoss = -0.03
    take_profit: TakeProfit = 0.03
    time_limit_minutes: TimeLimit = 1440
    giveback: Ratio01 = 0.0
    giveback_activation: Annotated[float, Field(ge=ACTIVATION_BOUNDS[0], le=ACTIVATION_BOUNDS[1])] = 0.015
    regime_exit_z: Annotated[float, Field(ge=0.0, le=REGIME_EXIT_BOUNDS[1])] = 0.0

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        self.parameters()  # raises where giveback_activation lies beyond take_profit
        return self

    def parameters(self) -> ExitParameters:
        """Return the defaults as exit parameters."""
        plain = ExitParameters(
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            time_limit_minutes=self.time_limit_minutes,
        )
        if not self.giveback and not self.regime_exit_z:
            return plain
        try:
            return ManagedExits(
                **plain.to_dict(),
                giveback_ratio=self.giveback or None,
                giveback_activation_ratio=self.giveback_activation if self.giveback else None,
                regime_exit_z=self.regime_exit_z or None,
            )
        except ParameterError as error:
            raise ValueError(str(error)) from None


GRID_CELLS_MOST = 20_000_000  # a number of eight bytes for each, three times over


class GridSettings(_Frozen):
    """[optimizer.grid] how many values each axis of the exact search has at most; evenly spread by factor.

    Time limits are those of [optimizer] time_limit_minutes; while there are fewer than `time_limits`, the
    widest gap between two of them is halved (by factor, on whole 5 minutes).
    """

    stop_losses: Annotated[int, Field(ge=2, le=1000)] = 100
    take_profits: Annotated[int, Field(ge=2, le=1000)] = 100
    volatility_scalings: Annotated[int, Field(ge=1, le=100)] = 8
    time_limits: Annotated[int, Field(ge=1, le=300)] = 12

    @model_validator(mode="after")
    def _fits_in_memory(self) -> Self:
        cells = self.stop_losses * self.take_profits * self.volatility_scalings * self.time_limits
        if cells > GRID_CELLS_MOST:
            raise ValueError(
                f"a grid of {cells:,} exits is more than the {GRID_CELLS_MOST:,} that fit in memory; "
                "give fewer values on an axis"
            )
        return self


class OptimizerSettings(_Frozen):
    """[optimizer] what is searched; position-level ratios."""

    days_back: PositiveInt = 90
    min_trades: PositiveInt = 60
    stop_loss: Annotated[tuple[StopLoss, StopLoss], AfterValidator(_rising)] = (-0.0515, -0.01)
    take_profit: Annotated[tuple[TakeProfit, TakeProfit], AfterValidator(_rising)] = (0.015, 0.20)
    volatility_scaling: Annotated[tuple[Ratio01, Ratio01], AfterValidator(_rising)] = (0.0, 1.0)
    time_limit_minutes: Annotated[tuple[TimeLimit, ...], Field(min_length=1)] = (60, 240, 720, 1440)
    reward_risk_min: Annotated[float, Field(gt=0.0)] = 0.8
    trials: PositiveInt = 100
    train_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.7
    seed: int = 42
    source_weights: Literal["share", "literal"] = "share"
    grid: GridSettings = GridSettings()


class StudySettings(_Frozen):
    """[studies] how many runs of the optimizer keep their folder; 0 keeps all of them."""

    keep: Annotated[int, Field(ge=0)] = 30


# Axes of a lattice: more cells than these make would need gigabytes for 300 pair sides.
MOST_LEVELS, MOST_SCALINGS = 60, 8


class LatticeSettings(_Frozen):
    """[gate.lattice] how many values each axis of the gate's exits has; time limits are the optimizer's.

    Pairs are compared cell by cell: memory and time grow with the product.
    """

    stop_losses: Annotated[int, Field(ge=2, le=MOST_LEVELS)] = 10
    take_profits: Annotated[int, Field(ge=2, le=MOST_LEVELS)] = 14
    volatility_scalings: Annotated[int, Field(ge=1, le=MOST_SCALINGS)] = 3


class GateSettings(_Frozen):
    """[gate] what may be published; see docs/decisions/0009-publication-gate.md.

    fdr : expected share of chance findings among the published. pooled_alpha : chance that a family is
    certified where nothing earns more. folds : of the cross-fit. family_trades : pair sides with fewer take
    no part at all; those with fewer than [optimizer] min_trades, or fewer than min_nonzero that differ from
    what is in force, can only inherit. families : what pair sides must share to learn from each other.
    method : `holdout` publishes what beat the incumbent on held-out trades, as chance does half of the time.
    """

    method: Literal["certified", "holdout"] = "certified"

    fdr: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.05
    pooled_alpha: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.01
    claim_min_bps: float = 10.0
    folds: Annotated[int, Field(ge=2)] = 5
    family_trades: PositiveInt = 20
    families: tuple[Literal["side", "bot_kind", "volatility"], ...] = ("side",)
    min_nonzero: PositiveInt = 10
    lattice: LatticeSettings = LatticeSettings()
    e_publish: Annotated[float, Field(gt=1.0)] = 20.0


class CostSettings(_Frozen):
    """[costs] per side, as ratios of the position's value.

    fee : of a taker. target_fee : `maker` where targets rest in the order book and pay `maker_fee`.
    """

    fee: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0005
    maker_fee: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0002
    target_fee: Literal["taker", "maker"] = "taker"
    slippage: Annotated[float, Field(ge=0.0, lt=0.05)] = 0.0002
    funding: Literal["history", "none"] = "history"


class RefreshSettings(_Frozen):
    """[refresh] how bots keep their parameter book fresh, and when it is too old to trust."""

    parameters_seconds: PositiveInt = 1800
    max_age_hours: Annotated[float, Field(gt=0.0)] = 48.0


class RuntimeSettings(_Frozen):
    """[runtime] what the strategies do.

    parameters : `book` trades on what was published, `defaults` ignores it (for comparison).
    leverage : the leverage of every position where nothing better is known, within 1..10.
    leverage_by : `evidence` lets published bin records choose it, `setting` always takes `leverage`.
    stop_inside_liquidation : lower it until the stop lies inside the liquidation price.
    liquidation_margin : how much further away than the stop that price must be; 0.25 is a quarter.
    stake_by_evidence : multiply stakes by a fraction of Kelly's rule, where there is evidence.
    tighten_open_trades : a version published later tightens the stop of an open position, never more.
    entries_when_degraded : open positions on the defaults while the parameter book is too old.
    learner_silence_hours : no entries after so long without a heartbeat of the learner; 0 is off.
    min_votes : feeders of one side that must agree before a bot enters.
    """

    parameters: Literal["book", "defaults"] = "book"
    leverage: Annotated[float, Field(ge=1.0, le=10.0)] = 3.0
    leverage_by: Literal["evidence", "setting"] = "evidence"
    stop_inside_liquidation: bool = True
    liquidation_margin: Annotated[float, Field(ge=0.0, le=5.0)] = 0.25
    stake_by_evidence: bool = False
    tighten_open_trades: bool = True
    entries_when_degraded: bool = True
    learner_silence_hours: Annotated[float, Field(ge=0.0)] = 0.0
    min_votes: PositiveInt = 2


class FeederSettings(_Frozen):
    """[feeders] who votes, and how those that learn are trained.

    use : `auto` lets the bank vote where it holds a version and the rules where it does not; `bank`
        refuses to start without one; `rules` ignores it.
    names : the feeders of the bank that vote; all of them where it is empty.
    min_votes : of the bank's feeders that must agree; `[runtime] min_votes` is for the rules.
    max_age_days : a model that is older abstains.
    only_paying : silence heads whose votes lost money out of fold, after costs.
    window_days, vote_share, seed : of training.
    """

    use: Literal["auto", "bank", "rules"] = "auto"
    bank: Path = Path("user_data/feeders")
    names: tuple[str, ...] = ()
    min_votes: PositiveInt = 3
    max_age_days: Annotated[float, Field(gt=0.0)] = 45.0
    only_paying: bool = False
    window_days: Annotated[float, Field(ge=5.0)] = 90.0
    vote_share: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
    seed: int = 42


class KillSwitchSettings(_Frozen):
    """[kill_switch] shares of the equity peak, of a bot and of the fleet; 0 switches one off."""

    yellow_drawdown: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.05
    red_drawdown: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.10

    @model_validator(mode="after")
    def _yellow_first(self) -> Self:
        try:
            self.limits()
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def limits(self) -> DrawdownLimits:
        """Return the limits as the kill switch reads them."""
        return DrawdownLimits(yellow_ratio=self.yellow_drawdown or None, red_ratio=self.red_drawdown or None)


class BreakerSettings(_Frozen):
    """[breakers] when a bot stops opening positions for a while; 0 switches one off.

    daily_loss : of the equity at 00:00 UTC. drawdown : of the equity in the last 30 days.
    consecutive_losses : closed trades in a row. trades_per_day : entries since 00:00 UTC.
    cooldown_minutes : after an exit, for its pair.
    """

    enabled: bool = False
    daily_loss: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.02
    drawdown: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.10
    consecutive_losses: Annotated[int, Field(ge=0)] = 5
    trades_per_day: Annotated[int, Field(ge=0)] = 10
    cooldown_minutes: Annotated[int, Field(ge=0)] = 30


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
        frozen=True, extra="forbid", env_prefix=ENV_PREFIX, env_nested_delimiter=ENV_DELIMITER
    )

    store: StoreSettings = StoreSettings()
    market: MarketSettings = MarketSettings()
    bots: dict[str, BotSettings] = Field(default_factory=_default_bots)
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
        complete: dict[str, Any] = {name: bot.model_dump() for name, bot in _default_bots().items()}
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
