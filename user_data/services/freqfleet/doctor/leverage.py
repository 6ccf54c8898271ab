"""Is there room between every stop and liquidation, and does nothing end positions before their plan does?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from freqfleet.doctor.findings import Finding, failed, note, ok
from freqfleet.domain.leverage_choice import NO_EVIDENCE
from freqfleet.domain.sides import Side
from freqfleet.errors import FreqfleetError, SettingsError
from freqfleet.settings import Settings
from freqfleet.wiring import check_stoploss, leverage_rule


def check_leverage(settings: Settings, bot: str, file: Path, config: Mapping[str, Any]) -> Iterator[Finding]:
    """Check one bot's config against the exchange's leverage tiers, for the pairs it names."""
    subject = f"{bot} leverage"
    try:
        rule = leverage_rule(settings, config.get("stake_amount"))
    except FreqfleetError as error:
        yield failed(subject, error, remedy="install the freqtrade this freqfleet was made for")
        return
    if config.get("stoploss") is not None:
        try:
            check_stoploss(bot, float(config["stoploss"]), rule)
        except SettingsError as error:
            yield failed(subject, error, remedy=f"take `stoploss` out of {file}")
    if rule.tiers is None:
        yield note(
            subject,
            "[runtime] stop_inside_liquidation is off: positions may be liquidated before their stop",
            "switch it on",
        )
        return
    stop = settings.defaults.parameters()
    pairs = [pair for pair in config["exchange"].get("pair_whitelist", ()) if "/" in pair and "*" not in pair]
    unknown = [pair for pair in pairs if rule.tiers.of(pair) is None]
    held = {}
    for pair in pairs:
        choice = rule.choose(
            pair,
            Side.LONG,
            stop=stop,
            evidence=NO_EVIDENCE,
            atr_ratio=None,
            max_leverage=settings.runtime.leverage,
        )
        if pair not in unknown and choice.leverage < settings.runtime.leverage:
            held[pair] = choice
    if unknown:
        yield note(
            subject,
            f"the leverage tiers do not know {_listed(unknown)}: 1x there, and freqtrade allows no more",
            "take them off the whitelist, or upgrade freqtrade",
        )
    for pair, choice in list(held.items())[:3]:
        yield note(
            subject,
            f"{pair}: {choice.leverage:.3g}x instead of {settings.runtime.leverage:g}x, {choice.reason}",
        )
    if not config.get("dry_run", True) and not settings.breakers.enabled:
        yield note(
            subject, "circuit breakers are off on a bot that trades real money", "[breakers] enabled = true"
        )
    if not held and not unknown:
        yield ok(
            subject,
            f"{settings.runtime.leverage:g}x leaves the default stop {rule.liquidation_margin:.0%} inside "
            f"liquidation on {len(pairs)} pairs",
        )


def _listed(pairs: list[str]) -> str:
    return ", ".join(pairs[:5]) + (f" and {len(pairs) - 5} more" if len(pairs) > 5 else "")
