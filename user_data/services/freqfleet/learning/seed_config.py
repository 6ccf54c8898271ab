"""The `optuna_config.json` of seed 000, read as it is and laid over our settings.

What the file does not say stays as fleet.toml has it. Two words mean more here than there: the bot weights
are shares unless `[optimizer] source_weights = "literal"`, and `use_config_whitelist` takes every pair that
has candles or was traded.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from freqfleet.errors import SettingsError
from freqfleet.settings import PositiveInt, Settings

SEED_CONFIG_FILE = Path("user_data") / "config" / "optuna_config.json"
EXECUTING_BOT = "BOT3"

Weight = Annotated[float, Field(gt=0.0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OptimizationSection(_Section):
    """How far back, how many trials, which share is for training."""

    days_back: PositiveInt | None = None
    n_trials: PositiveInt | None = None
    train_test_split: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None


class PairsSection(_Section):
    """Which pairs: all that are known, or the whitelist; never those of the blacklist."""

    use_config_whitelist: bool = True
    whitelist: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()


class MultiBotSection(_Section):
    """Whose trades, and how much each bot counts. Not enabled: those of the executing bot alone."""

    enabled: bool = True
    bot1_weight: Weight | None = None
    bot2_weight: Weight | None = None
    bot3_weight: Weight | None = None


class LoggingSection(_Section):
    """Where the run is logged, beside the terminal."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    file: Path | None = None


class SeedConfig(_Section):
    """The whole file."""

    optimization: OptimizationSection = OptimizationSection()
    pairs: PairsSection = PairsSection()
    multi_bot: MultiBotSection = MultiBotSection()
    logging: LoggingSection = LoggingSection()

    def over(self, settings: Settings) -> Settings:
        """Return `settings` with what this file says.

        Raises SettingsError for a weight of a bot that fleet.toml does not know.
        """
        said = {
            "days_back": self.optimization.days_back,
            "trials": self.optimization.n_trials,
            "train_share": self.optimization.train_test_split,
        }
        changes = {name: value for name, value in said.items() if value is not None}
        bots = dict(settings.bots)
        for bot in ("BOT1", "BOT2", "BOT3"):
            weight = getattr(self.multi_bot, f"{bot.lower()}_weight")
            if weight is not None and bot not in bots:
                raise SettingsError(f"{bot.lower()}_weight = {weight}: fleet.toml has no [bots.{bot}]")
            if weight is not None:
                bots[bot] = bots[bot].model_copy(update={"weight": weight})
        if not self.multi_bot.enabled:
            if EXECUTING_BOT not in bots:
                raise SettingsError(f"multi_bot.enabled = false: fleet.toml has no [bots.{EXECUTING_BOT}]")
            bots = {EXECUTING_BOT: bots[EXECUTING_BOT]}
        optimizer = settings.optimizer.model_copy(update=changes)
        return settings.model_copy(update={"optimizer": optimizer, "bots": bots})

    def choose(self, known: Sequence[str]) -> tuple[str, ...]:
        """Return the pairs to optimize out of the known ones; raises SettingsError where none is left."""
        wanted = known if self.pairs.use_config_whitelist else self.pairs.whitelist
        chosen = tuple(pair for pair in wanted if pair not in self.pairs.blacklist)
        if not chosen:
            raise SettingsError(
                "no pair is left: use_config_whitelist = "
                f"{json.dumps(self.pairs.use_config_whitelist)}, whitelist {list(self.pairs.whitelist)}, "
                f"blacklist {list(self.pairs.blacklist)}"
            )
        return chosen


def read_seed_config(file: Path) -> SeedConfig:
    """Read the file; raises SettingsError with the key, the value and the remedy."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror or error}") from None
    except ValueError as error:
        raise SettingsError(f"{file} is not JSON: {error}") from None
    try:
        return SeedConfig.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{file}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    place = [str(part) for part in first["loc"]]
    name = ".".join(place)
    if first["type"] != "extra_forbidden":
        return f"{name} = {first['input']!r}: {first['msg']}" if name else str(first["msg"])
    known = _known_keys(place[:-1])
    nearest = difflib.get_close_matches(place[-1], known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known keys: {', '.join(known)}"
    return f"unknown key {name}; {hint}"


def _known_keys(place: Sequence[str]) -> list[str]:
    model: Any = SeedConfig
    for part in place:
        model = model.model_fields[part].annotation
    return sorted(model.model_fields)
