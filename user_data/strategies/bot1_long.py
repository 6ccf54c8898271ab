"""BOT1: long only, on the votes of the feeders."""

from typing import Any

from freqfleet.runtime.strategy import FleetStrategy
from freqfleet.wiring import open_bot


class BOT1LongStrategy(FleetStrategy):
    """Opens longs where enough feeders agree. All thought is in the installed package."""

    can_short = False

    def bot_start(self, **_: Any) -> None:
        """Open the bot: settings, parameter book, feeders. A wrong setting stops the start."""
        self.bot = open_bot("BOT1", host=self.config, protections=self.protections)
        self.protections = [*type(self).protections, *self.bot.host_protections]
