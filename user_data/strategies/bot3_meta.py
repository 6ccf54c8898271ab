"""BOT3: both sides, where the signal bots do not contradict each other."""

from typing import Any

from freqfleet.runtime.strategy import FleetStrategy
from freqfleet.wiring import open_bot


class BOT3MetaStrategyAdaptive(FleetStrategy):
    """Opens where enough feeders agree and none speaks for the other side; trades on what was learned."""

    can_short = True

    def bot_start(self, **_: Any) -> None:
        """Open the bot: settings, parameter book, feeders. A wrong setting stops the start."""
        self.bot = open_bot("BOT3", host=self.config, protections=self.protections, dissent_allowed=False)
        self.protections = [*type(self).protections, *self.bot.host_protections]
