"""What bots trade with: their names, their defaults, who votes, and what stops them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from freqfleet.domain.exits import ExitParameters
from freqfleet.domain.kill_switch import DrawdownLimits
from freqfleet.domain.managed_exits import (
    ACTIVATION_BOUNDS,
    REGIME_EXIT_BOUNDS,
    TRAILING_STOP_BOUNDS,
    ManagedExits,
)
from freqfleet.domain.sides import Side
from freqfleet.errors import InputError, ParameterError
from freqfleet.settings.section import PositiveInt, Ratio01, Section, StopLoss, TakeProfit, TimeLimit


class BotSettings(Section):
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


class DefaultSettings(Section):
    """[defaults] the exits where nothing has been published; position-level. 0 switches one off.

    giveback : the share of the best profit (on closes, from giveback_activation on) whose loss ends a
        position. trailing_stop : how far below the best price of closed candles the stop follows, from
        trailing_activation on. break_even_after : how far that price must have gone for the stop to move to
        entry plus fees. regime_exit_z : how far the trend must turn against it.
    """

    stop_loss: StopLoss = -0.03
    take_profit: TakeProfit = 0.03
    time_limit_minutes: TimeLimit = 1440
    giveback: Ratio01 = 0.0
    giveback_activation: Annotated[float, Field(ge=ACTIVATION_BOUNDS[0], le=ACTIVATION_BOUNDS[1])] = 0.015
    trailing_stop: Annotated[float, Field(ge=0.0, le=TRAILING_STOP_BOUNDS[1])] = 0.0
    trailing_activation: Annotated[float, Field(ge=ACTIVATION_BOUNDS[0], le=ACTIVATION_BOUNDS[1])] = 0.015
    break_even_after: Annotated[float, Field(ge=0.0, le=ACTIVATION_BOUNDS[1])] = 0.0
    regime_exit_z: Annotated[float, Field(ge=0.0, le=REGIME_EXIT_BOUNDS[1])] = 0.0

    @model_validator(mode="after")
    def _within_reach(self) -> Self:
        self.parameters()  # raises where an activation lies beyond take_profit
        return self

    def parameters(self) -> ExitParameters:
        """Return the defaults as exit parameters."""
        plain = ExitParameters(
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            time_limit_minutes=self.time_limit_minutes,
        )
        if not (self.giveback or self.trailing_stop or self.break_even_after or self.regime_exit_z):
            return plain
        try:
            return ManagedExits(
                **plain.to_dict(),
                giveback_ratio=self.giveback or None,
                giveback_activation_ratio=self.giveback_activation if self.giveback else None,
                trailing_stop_ratio=self.trailing_stop or None,
                trailing_activation_ratio=self.trailing_activation if self.trailing_stop else None,
                break_even_after_ratio=self.break_even_after or None,
                regime_exit_z=self.regime_exit_z or None,
            )
        except ParameterError as error:
            raise ValueError(str(error)) from None


class RefreshSettings(Section):
    """[refresh] how bots keep their parameter book fresh, and when it is too old to trust."""

    parameters_seconds: PositiveInt = 1800
    max_age_hours: Annotated[float, Field(gt=0.0)] = 48.0


class RuntimeSettings(Section):
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


class FeederSettings(Section):
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


class KillSwitchSettings(Section):
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


class BreakerSettings(Section):
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


def default_bots() -> dict[str, BotSettings]:
    """Return the fleet of three: one bot a side, one for both."""
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
