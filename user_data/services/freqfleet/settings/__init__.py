"""Settings: fleet.toml and FREQFLEET_* in the environment, frozen and typed.

The environment wins over the file. An unknown key is refused by name, with the nearest known one.
Secrets come from the environment or from files, never from fleet.toml.
"""

from __future__ import annotations

from freqfleet.settings.fleet import (
    ENV_DELIMITER,
    ENV_PREFIX,
    FLEET_FILE,
    USERDIR_NAME,
    MarketSettings,
    Settings,
    StoreSettings,
)
from freqfleet.settings.learning import (
    MOST_LEVELS,
    MOST_SCALINGS,
    CostSettings,
    GateSettings,
    GridSettings,
    LatticeSettings,
    OptimizerSettings,
    StudySettings,
)
from freqfleet.settings.loading import load_settings
from freqfleet.settings.section import PositiveInt
from freqfleet.settings.trading import (
    BotSettings,
    BreakerSettings,
    DefaultSettings,
    FeederSettings,
    KillSwitchSettings,
    RefreshSettings,
    RuntimeSettings,
)

__all__ = [
    "ENV_DELIMITER",
    "ENV_PREFIX",
    "FLEET_FILE",
    "MOST_LEVELS",
    "MOST_SCALINGS",
    "USERDIR_NAME",
    "BotSettings",
    "BreakerSettings",
    "CostSettings",
    "DefaultSettings",
    "FeederSettings",
    "GateSettings",
    "GridSettings",
    "KillSwitchSettings",
    "LatticeSettings",
    "MarketSettings",
    "OptimizerSettings",
    "PositiveInt",
    "RefreshSettings",
    "RuntimeSettings",
    "Settings",
    "StoreSettings",
    "StudySettings",
    "load_settings",
]
