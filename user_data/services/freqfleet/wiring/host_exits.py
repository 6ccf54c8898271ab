"""freqtrade's switches without which it does not ask our exits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freqfleet.errors import SettingsError

_WITHOUT = {
    "use_exit_signal": "time limits, jumped stops and the kill switch would end no position",
    "use_custom_stoploss": "every stop would stay at the class-level stoploss",
}


def check_exits_are_asked(bot: str, host: Mapping[str, Any]) -> None:
    """Refuse a freqtrade configuration that switches our exits off; raises SettingsError with the remedy."""
    for name, consequence in _WITHOUT.items():
        if host.get(name, True) is False:
            raise SettingsError(
                f"{bot}: {name} is false in its freqtrade config: {consequence}; take it out of the config"
            )
